import { parseArgs } from 'node:util';

export interface Flags {
  /** Frames of each speed render. */
  frames: number;
  /** How often each speed case is run. */
  rounds: number;
  /** How often each stop case is run. */
  stops: number;
  only: 'speed' | 'stop' | undefined;
  /** File for the raw figures. */
  json: string | undefined;
}

export const USAGE = `npm run bench -- [flags]
  --frames n         frames of each speed render (default 150)
  --rounds n         runs of each speed case, in turns (default 3)
  --stops n          stops of each stop case (default 20)
  --only speed|stop  one half alone
  --json file        write the raw figures
  --quick            a smoke run: 30 frames, 1 round, 3 stops`;

/** Undefined when help is asked for. Throws an Error with a message for people. */
export function parseFlags(args: readonly string[]): Flags | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      frames: { type: 'string' },
      rounds: { type: 'string' },
      stops: { type: 'string' },
      only: { type: 'string' },
      json: { type: 'string' },
      quick: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const { quick, only, json } = values;
  if (only !== undefined && only !== 'speed' && only !== 'stop') throw new Error('--only must be speed or stop');
  return {
    // Every one of three workers needs more frames than belong to its warming up.
    frames: count('--frames', values.frames, quick ? 30 : 150, 20),
    rounds: count('--rounds', values.rounds, quick ? 1 : 3, 1),
    stops: count('--stops', values.stops, quick ? 3 : 20, 1),
    only,
    json,
  };
}

function count(name: string, value: string | undefined, fallback: number, min: number): number {
  if (value === undefined) return fallback;
  const number = Number(value);
  if (!Number.isInteger(number) || number < min) throw new Error(`${name} must be a whole number from ${min}`);
  return number;
}
