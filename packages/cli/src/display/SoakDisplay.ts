import { jsonLine } from '../json.js';
import { printableMessage } from '../printable.js';
import type { SoakProgress } from '../soak/Soak.js';
import { writeLine } from '../streams.js';
import type { OutputFlags } from '../terminal.js';
import { actionTable, cycleLine } from './soakTables.js';

/** Shows a soak while it runs. */
export interface SoakDisplay {
  begin(lines: readonly string[]): void;
  /** `total` is undefined when the soak ends by time. */
  cycle(progress: SoakProgress, total: number | undefined): void;
  /** Clears the live table. May be called more than once. */
  end(): void;
}

/** A live table on a terminal, lines in a log, JSON records for programs, or only failures when quiet. */
export function createSoakDisplay({ json, quiet }: OutputFlags): SoakDisplay {
  if (json) {
    return { ...SILENT, cycle: ({ result }) => writeLine(process.stdout, jsonLine({ type: 'cycle', ...result })) };
  }
  const say = (line: string) => writeLine(process.stderr, printableMessage(line));
  if (quiet)
    return {
      ...SILENT,
      cycle: ({ result }) => {
        if (result.problems.length > 0) say(cycleLine(result));
      },
    };
  if (process.stderr.isTTY && process.env['TERM'] !== 'dumb') return new LiveTable(process.stderr);
  return { ...SILENT, begin: (lines) => lines.forEach(say), cycle: ({ result }) => say(cycleLine(result)) };
}

const SILENT: SoakDisplay = { begin() {}, cycle() {}, end() {} };

/** The table of actions, redrawn after each cycle. Failures stay visible above it. */
class LiveTable implements SoakDisplay {
  #drawn = 0;

  constructor(private readonly stream: NodeJS.WriteStream) {}

  begin(lines: readonly string[]): void {
    for (const line of lines) writeLine(this.stream, line);
  }

  cycle({ result, done, actions }: SoakProgress, total: number | undefined): void {
    this.end();
    if (result.problems.length > 0) writeLine(this.stream, printableMessage(cycleLine(result)));
    const width = Math.max(1, (this.stream.columns || 80) - 1);
    const last = cycleLine({ ...result, problems: [] });
    const lines = ['', ...actionTable(actions), '', `${total === undefined ? done : `${done} of ${total}`}; ${last}`];
    // A wrapped line would take two rows, and only one would be cleared.
    for (const line of lines) writeLine(this.stream, printableMessage(line).slice(0, width));
    this.#drawn = lines.length;
  }

  end(): void {
    if (this.#drawn > 0) this.stream.write(`\u001b[${this.#drawn}A\u001b[J`);
    this.#drawn = 0;
  }
}
