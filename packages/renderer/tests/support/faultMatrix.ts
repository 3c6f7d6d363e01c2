/**
 * What a render does when a fault strikes: `A` rejects with the abort's reason itself; `E` with the
 * original error; `2` with the first of two, the other one suppressed; `W` with a StallError at the
 * phase's deadline; `I` Ctrl-C: as A, exit code 130; `T` SIGTERM: as A, exit code 143; `G` the guardian
 * empties; `L` the lease expires; `S` succeeds, unaffected; `-` does not apply.
 */
export type Outcome = 'A' | 'E' | '2' | 'W' | 'I' | 'T' | 'G' | 'L' | 'S' | '-';

export const EVENTS = [
  'abort',
  'throw',
  '2 throw',
  'browser crash',
  'renderer kill',
  'page loop',
  'STOP',
  'ffmpeg kill',
  'disk full',
  '^C',
  'TERM',
  'KILL Node',
  'machine lost',
] as const;
export type FaultEvent = (typeof EVENTS)[number];

export const PHASES = [
  'queued',
  'validate',
  'plan',
  'launch',
  'load',
  'seek',
  'capture',
  'encode',
  'drain',
  'verify',
  'concat',
  'audio mix',
  'commit',
  'remote worker',
] as const;
export type FaultPhase = (typeof PHASES)[number];

/** One row a phase, one letter an event, in the order of EVENTS. */
const TABLE = `
                  abort throw 2 crash kill loop STOP ffmpeg disk ^C TERM KILL lost
  queued            A     -   -   -    -    -    -     -     E   I   T    G    L
  validate          A     E   -   -    -    -    -     -     E   I   T    G    L
  plan              A     E   -   -    -    -    -     -     -   I   T    G    L
  launch            A     E   2   E    E    W    W     -     E   I   T    G    L
  load              A     E   2   E    E    W    W     E     E   I   T    G    L
  seek              A     E   2   E    E    W    W     E     E   I   T    G    L
  capture           A     E   2   E    E    W    W     E     E   I   T    G    L
  encode            A     E   2   E    E    W    W     E     E   I   T    G    L
  drain             A     E   2   S    S    S    W     E     E   I   T    G    L
  verify            A     E   2   -    -    -    W     E     -   I   T    G    L
  concat            A     E   2   -    -    -    W     E     E   I   T    G    L
  audio mix         A     E   2   -    -    -    W     E     E   I   T    G    L
  commit            A     E   -   -    -    -    -     -     E   I   T    G    L
  remote worker     A     E   2   E    E    W    W     E     E   I   T    L    L
`;

/**
 * Rows and columns that have expectations and no tests here yet, and why. To begin with one: take it
 * from this list, and give `injectorOf` (faults.ts) a way to put the fault there.
 */
export const NOT_YET: Partial<Record<FaultPhase | FaultEvent, string>> = {
  'audio mix': 'renders have no sound yet',
  'remote worker': 'chunks run in this process only',
  'machine lost': 'there are no leases before there are remote workers',
};

const ROWS = new Map(
  TABLE.trim()
    .split('\n')
    .slice(1)
    .map((row) => {
      const [, phase = '', cells = ''] = /^\s*(.+?)\s{2,}(.*)$/.exec(row) ?? [];
      return [phase, cells.split(/\s+/)];
    }),
);
/** The head of the table: the short names of the events. */
const LABELS = TABLE.trim().split('\n')[0]!.split(/\s+/);

/** What the matrix expects; undefined for a cell that is missing. */
export function expectation(phase: FaultPhase, event: FaultEvent): Outcome | undefined {
  return ROWS.get(phase)?.[EVENTS.indexOf(event)] as Outcome | undefined;
}

/** Whether a cell belongs to the tests that run every time: one row, and some cells of every other row. */
export function isFast(phase: FaultPhase, event: FaultEvent): boolean {
  return phase === 'capture' || FAST.some(([row, column]) => row === phase && column === event);
}

const FAST: readonly (readonly [FaultPhase, FaultEvent])[] = [
  ['queued', 'disk full'],
  ['validate', 'throw'],
  ['plan', '^C'],
  ['launch', '2 throw'],
  ['load', 'renderer kill'],
  ['seek', 'STOP'],
  ['encode', 'disk full'],
  ['drain', 'browser crash'],
  ['verify', 'ffmpeg kill'],
  ['concat', 'STOP'],
  ['commit', 'abort'],
  ['commit', 'KILL Node'],
];

/** What became of a cell: what was observed, or why nothing was. */
export type Seen = { outcome: Outcome } | { skipped: string } | { failed: string };

const LEGEND = `Observed: A the abort's reason, E the original error, 2 the first of two and the other suppressed,
W StallError, I exit 130, T exit 143, G emptied after the host's death, S unaffected.
All on real Chromium, ffmpeg and signals.
- does not apply   . not run here   ? skipped on this machine   ! failed   ~ expected, but not part of this suite yet`;

/** The matrix as it was observed, in less than 120 columns. */
export function formatMatrix(seen: ReadonlyMap<string, Seen>): string {
  const first = Math.max(...PHASES.map((phase) => phase.length));
  const line = (label: string, cells: readonly string[]) =>
    `${label.padEnd(first)}  ${cells.map((cell, index) => cell.padEnd(LABELS[index]!.length)).join('  ')}`.trimEnd();
  const rows = PHASES.map((phase) =>
    line(
      phase,
      EVENTS.map((event) => mark(phase, event, seen.get(cellName(phase, event)))),
    ),
  );
  const reasons = Object.entries(NOT_YET).map(([name, reason]) => `~ ${name}: ${reason}`);
  const skipped = [...seen].flatMap(([name, cell]) => ('skipped' in cell ? [`? ${name}: ${cell.skipped}`] : []));
  const failed = [...seen].flatMap(([name, cell]) => ('failed' in cell ? [`! ${name}: ${cell.failed}`] : []));
  return [line('', LABELS), ...rows, '', LEGEND, ...reasons, ...skipped, ...failed].join('\n');
}

export function cellName(phase: FaultPhase, event: FaultEvent): string {
  return `${phase} × ${event}`;
}

export function isNotYet(phase: FaultPhase, event: FaultEvent): boolean {
  return phase in NOT_YET || event in NOT_YET;
}

function mark(phase: FaultPhase, event: FaultEvent, seen: Seen | undefined): string {
  const expected = expectation(phase, event);
  if (expected === '-') return '-';
  if (seen) return 'outcome' in seen ? seen.outcome : 'skipped' in seen ? '?' : '!';
  return isNotYet(phase, event) ? `${expected}~` : '.';
}
