import { isatty } from 'node:tty';
import pc from 'picocolors';
import type { RenderEvent, StopReceipt } from '@genlock/renderer';
import { attempt, isA } from '@genlock/renderer/internal';
import { BarsDisplay } from './display/BarsDisplay.js';
import type { Display } from './display/Display.js';
import { JsonDisplay } from './display/JsonDisplay.js';
import { LinesDisplay } from './display/LinesDisplay.js';
import { errorRecord, jsonLine } from './json.js';
import { errorText, exitCodeOf, isExpected, receiptLines } from './messages.js';
import { printableMessage } from './printable.js';
import { InterruptedError } from './signals.js';
import { writeLine } from './streams.js';

/** The flags that decide what is printed. */
export interface OutputFlags {
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

/**
 * Everything that a command prints: progress and errors on stderr, results on stdout. With `--json`, every event
 * goes to stdout, and the last line is the result or the error.
 */
export class Terminal {
  readonly display: Display;
  /** Applied to text for people before it is printed. */
  wording: (text: string) => string = (text) => text;
  #receipt: StopReceipt | undefined;

  constructor(private readonly flags: OutputFlags) {
    this.display = this.#chooseDisplay();
  }

  /** Shows an event of a render. */
  readonly event = (event: RenderEvent): void => {
    if (event.type === 'stopped') this.#receipt = event.receipt;
    this.display.event(event);
  };

  /** The result of the command: lines for people, or a record for programs. */
  result(lines: readonly string[], record: Record<string, unknown>): void {
    this.display.end();
    if (this.flags.json) writeLine(process.stdout, jsonLine(record));
    else if (!this.flags.quiet) for (const line of lines) writeLine(process.stdout, printableMessage(line));
  }

  /** Prints why the command failed. Returns its exit code. */
  failure(error: unknown): number {
    this.display.end();
    const exitCode = exitCodeOf(error);
    const red = pc.createColors(pc.isColorSupported && isatty(2)).red;
    for (const [index, line] of this.#failureLines(error).entries()) {
      const text = printableMessage(this.wording(line));
      writeLine(process.stderr, index === 0 ? text.replace(/^error:/, red) : text);
    }
    if (this.flags.json) writeLine(process.stdout, jsonLine(errorRecord(error, exitCode)));
    return exitCode;
  }

  #failureLines(error: unknown): string[] {
    const receipt = this.#receipt ? receiptLines(this.#receipt) : [];
    if (isA(error, InterruptedError)) {
      return this.#receipt ? receipt : [`stopped by ${error.message}; nothing was left behind`];
    }
    const lines = [`error: ${errorText(error)}`, ...receipt];
    const stack = attempt(() => (isA(error, Error) ? error.stack : undefined));
    return typeof stack === 'string' && (this.flags.verbose || !isExpected(error)) ? [...lines, stack] : lines;
  }

  #chooseDisplay(): Display {
    const { json, quiet, verbose = false } = this.flags;
    const wording = (text: string) => this.wording(text);
    if (json) return new JsonDisplay((line) => writeLine(process.stdout, line));
    if (quiet) return { begin() {}, event() {}, end() {} };
    if (process.stderr.isTTY && process.env['TERM'] !== 'dumb')
      return new BarsDisplay(process.stderr, { verbose, wording });
    return new LinesDisplay((line) => writeLine(process.stderr, line), { verbose, wording });
  }
}
