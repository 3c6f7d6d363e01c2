import type { RenderEvent } from '@genlock/renderer';
import { formatRange, plural } from '../format.js';
import { errorText } from '../messages.js';
import { printableMessage } from '../printable.js';
import type { DisplayOptions } from './Display.js';

/** How many different messages of a page are shown without `--verbose`. */
const MAX_MESSAGES = 10;
/** The library's prefix that says where a message comes from. Ignored in comparisons: workers repeat each other. */
const WORKER = /worker \d+(, frame \d+)?( \(\w+\))?: /;

/**
 * Turns events into lines that are shown with the progress: warnings, errors of the page and, if verbose, everything.
 * A message that a page repeats in each frame and on each worker is shown once.
 */
export function createNotes({ verbose, wording }: DisplayOptions): (event: RenderEvent) => string | undefined {
  const seen = new Set<string>();

  const once = (line: string): string | undefined => {
    const message = line.replace(WORKER, '');
    if (seen.has(message) || seen.size > MAX_MESSAGES) return undefined;
    seen.add(message);
    return seen.size > MAX_MESSAGES ? 'the page has printed more messages: --verbose shows all of them' : line;
  };

  const describe = (event: RenderEvent): string | undefined => {
    switch (event.type) {
      case 'warning':
        return once(`warning: ${event.message}`);
      case 'capture':
        if (event.reason !== undefined) return once(`${captureText(event)}: ${event.reason}`);
        return verbose ? `${place(event)}${captureText(event)}` : undefined;
      case 'page-console': {
        const { text } = event;
        if (verbose) return `${place(event)}console.${event.level}: ${text}${event.url ? ` (${source(event)})` : ''}`;
        return ['error', 'assert'].includes(event.level) ? once(`page: ${text}`) : undefined;
      }
      case 'chunk':
        if (event.state === 'reused')
          return verbose ? `frames ${formatRange(event)} were reused from an earlier render` : undefined;
        return event.state === 'again' ? `frames ${formatRange(event)} are rendered again` : undefined;
      case 'partial':
        return `the first ${plural(event.frames, 'frame')} are in ${event.path}`;
      case 'retry': {
        const [reason] = errorText(event.error).split('\n');
        return `worker ${event.worker} restarts its chunk (retry ${event.attempt} of ${event.of}): ${reason}`;
      }
      case 'worker-failed':
      case 'page-error':
        // The error that ends the render is printed at its end.
        return verbose ? `${event.type}: ${errorText(event.error)}` : undefined;
      case 'phase':
        return verbose ? `${place(event)}${event.phase}` : undefined;
      case 'state':
        return verbose ? event.state : undefined;
      case 'worker':
        return verbose ? `${place(event)}${event.state}` : undefined;
      case 'process':
        return verbose
          ? `${place(event)}${event.role} ${event.pid} ${event.state}${event.how ? ` (${event.how})` : ''}`
          : undefined;
      default:
        return undefined;
    }
  };

  return (event) => {
    const note = describe(event);
    return note === undefined ? undefined : printableMessage(wording(note));
  };
}

function captureText({ mode, encoded, webgl }: Extract<RenderEvent, { type: 'capture' }>): string {
  const from = {
    screenshot: 'as screenshots',
    compositor: 'from the compositor',
    canvas: 'from the canvas',
  } satisfies Record<typeof mode, string>;
  return `frames are taken ${from[mode]}${encoded ? ', encoded by the browser' : ''}${webgl ? `, with WebGL by ${webgl}` : ''}`;
}

function place({ worker, frame }: { worker?: number; frame?: number }): string {
  if (worker === undefined) return '';
  return `worker ${worker}${frame === undefined ? '' : `, frame ${frame}`}: `;
}

function source({ url, line }: { url?: string; line?: number }): string {
  return line === undefined ? `${url}` : `${url}:${line}`;
}
