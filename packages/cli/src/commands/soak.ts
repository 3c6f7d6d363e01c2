import { OptionsError, RenderOrchestrator } from '@genlock/renderer';
import { findFfmpeg } from '@genlock/renderer/internal';
import { hasProcessTable } from '@genlock/renderer/testing';
import { createSoakDisplay } from '../display/SoakDisplay.js';
import { actionTable, verdictTable } from '../display/soakTables.js';
import { defined, optionsFromFlags, toNumber, type PageFlags } from '../flags.js';
import { plural } from '../format.js';
import { locatePage } from '../input.js';
import { withFlagNames } from '../messages.js';
import { PAGE } from '../soak/page.js';
import type { Subject } from '../soak/runCycle.js';
import { soak as run, type SoakRequest } from '../soak/Soak.js';
import type { Terminal } from '../terminal.js';
import { checkBrowser } from '../tools.js';

/** The flags of `genlock soak`. */
export interface SoakFlags extends Pick<
  PageFlags,
  'width' | 'height' | 'fps' | 'frames' | 'concurrency' | 'seed' | 'browser' | 'ffmpeg' | 'hardening' | 'json' | 'quiet'
> {
  cycles?: string;
  minutes?: string;
  /** False with `--no-host-kill`. */
  hostKill?: boolean;
}

/** Small frames, so that a cycle takes about a second. */
const DEFAULTS = { width: 160, height: 90, fps: 30, frameCount: 12, concurrency: 2 };
const DEFAULT_CYCLES = 30;
const DEFAULT_SEED = 1;

/** `genlock soak`: stops renders in every possible way, many times, and checks whether anything is left. */
export async function soak(
  page: string | undefined,
  flags: SoakFlags,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const url = page === undefined ? PAGE : (await locatePage(page)).url;
  const request = readRequest(url, flags);
  await findFfmpeg({ signal, ...defined({ ffmpegPath: flags.ffmpeg }) });
  checkBrowser(flags);

  const { seed, cycles, milliseconds } = request;
  const display = createSoakDisplay(flags);
  const length = cycles === undefined ? `for ${plural(milliseconds! / 60_000, 'minute')}` : plural(cycles, 'cycle');
  display.begin([
    `soak: ${length}, seed ${seed}, ${plural(request.subject.options.concurrency, 'worker')}`,
    ...(hasProcessTable()
      ? []
      : ['this system has no /proc: only process groups can be checked, not descriptors, zombies or single processes']),
  ]);
  try {
    const result = await run(request, signal, (progress) => display.cycle(progress, cycles));
    display.end();
    const verdict = result.clean
      ? `clean: ${plural(result.cycles, 'cycle')}, nothing was left`
      : `NOT CLEAN: to repeat this run, use --seed ${seed}`;
    terminal.result(
      [
        ...actionTable(result.actions),
        '',
        ...verdictTable(result.verdict),
        ...result.complaints.map((complaint) => `reported by Node: ${complaint}`),
        '',
        verdict,
      ],
      { type: 'soak', seed, ...result },
    );
    if (!result.clean) process.exitCode = 1;
  } finally {
    display.end();
  }
}

/** Throws an OptionsError that lists every problem with the flags. */
function readRequest(url: string, flags: SoakFlags): SoakRequest {
  const problems: string[] = [];
  const whole = (flag: string, text: string | undefined, min: number): number | undefined => {
    const value: unknown = toNumber(text);
    if (value === undefined || (Number.isSafeInteger(value) && (value as number) >= min)) return value as number;
    problems.push(`${flag} must be a whole number from ${min} (given: ${text})`);
    return undefined;
  };
  const { frames, seed, ...rest } = flags;
  const cycles = whole('--cycles', flags.cycles, 1);
  const minutes: unknown = toNumber(flags.minutes);
  if (minutes !== undefined && !(typeof minutes === 'number' && minutes > 0)) {
    problems.push(`--minutes must be a number above 0 (given: ${flags.minutes})`);
  }
  if (flags.cycles !== undefined && flags.minutes !== undefined)
    problems.push('--cycles and --minutes exclude each other');
  const chosenSeed = whole('--seed', seed, 0) ?? DEFAULT_SEED;

  const given = { ...optionsFromFlags(rest), ...defined({ frameCount: whole('--frames', frames, 1) }) };
  const options = { ...DEFAULTS, ...given } as Subject['options'];
  try {
    const { chunks } = RenderOrchestrator.plan(url, 'soak.mp4', options);
    if (chunks.some(({ frameCount }) => frameCount < 2)) problems.push('--frames must be two or more for each worker');
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error;
    problems.push(...error.problems.map((problem) => withFlagNames(problem)));
  }
  if (problems.length > 0) throw new OptionsError(problems);
  const length =
    minutes === undefined ? { cycles: cycles ?? DEFAULT_CYCLES } : { milliseconds: (minutes as number) * 60_000 };
  return {
    subject: { url, options },
    seed: chosenSeed,
    killHost: flags.hostKill !== false,
    ...length,
  };
}
