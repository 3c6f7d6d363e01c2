import type { RenderEvent } from '@genlock/renderer';
import { jsonLine } from '../json.js';
import type { Display } from './Display.js';

/** One event per line, for programs. The report is left out because the command prints it as the last line. */
export class JsonDisplay implements Display {
  constructor(private readonly write: (line: string) => void) {}

  begin(): void {}

  event(event: RenderEvent): void {
    if (event.type !== 'report') this.write(jsonLine(event));
  }

  end(): void {}
}
