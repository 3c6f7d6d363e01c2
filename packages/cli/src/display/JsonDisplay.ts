import type { RenderEvent } from '@genlock/renderer';
import { jsonLine } from '../json.js';
import type { Display } from './Display.js';

/** One event a line, for programs. The report is left out: it is the last line, written by the command. */
export class JsonDisplay implements Display {
  constructor(private readonly write: (line: string) => void) {}

  begin(): void {}

  event(event: RenderEvent): void {
    if (event.type !== 'report') this.write(jsonLine(event));
  }

  end(): void {}
}
