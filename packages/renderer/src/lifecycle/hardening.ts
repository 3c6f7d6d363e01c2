import { onPath } from '../executables.js';
import { ToolError } from '../errors.js';
import { isA } from '../unknowns.js';
import { abortable } from './abort.js';
import { runCommand } from './runCommand.js';

/** Wrapper commands with which the kernel itself ends a command when its parent ends. Empty if not available. */
export interface Hardening {
  /** Ends the process when its parent ends (Linux, util-linux's setpriv). */
  parentDeath: readonly string[];
  /** The same, and the process with all its descendants lives and dies in its own PID namespace (needs root). */
  namespace: readonly string[];
}

export const NO_HARDENING: Hardening = { parentDeath: [], namespace: [] };

/** How long a trial of a wrapper may take, in milliseconds. Measured: 5. */
const TRIAL_MS = 2000;

/** A running trial, and how many callers wait for it. */
interface Trial {
  result: Promise<Hardening>;
  controller: AbortController;
  waiting: number;
}

let found: Hardening | undefined;
let trial: Trial | undefined;

/**
 * Finds out what this system supports by trying it, once per process. On abort, rejects with `signal.reason` itself; a
 * trial that nobody else waits for has ended by then. If there were too few file descriptors to try, the next call
 * tries again.
 */
export async function findHardening(signal?: AbortSignal): Promise<Hardening> {
  if (found) return found;
  const mine = (trial ??= begin());
  mine.waiting++;
  try {
    return await (signal ? abortable(mine.result, signal) : mine.result);
  } finally {
    if (--mine.waiting === 0) {
      mine.controller.abort();
      if (trial === mine) trial = undefined;
      await mine.result.catch(() => {});
    }
  }
}

function begin(): Trial {
  const controller = new AbortController();
  const result = tryAll(controller.signal);
  const keep = (hardening: Hardening) => (found = hardening);
  result.then(keep, () => {});
  return { result, controller, waiting: 0 };
}

async function tryAll(signal: AbortSignal): Promise<Hardening> {
  const setpriv = process.platform === 'linux' ? onPath('setpriv') : undefined;
  const unshare = onPath('unshare');
  if (!setpriv) return NO_HARDENING;
  const parentDeath = [setpriv, '--pdeathsig', 'KILL', '--'];
  const namespace = unshare ? [...parentDeath, unshare, '--pid', '--fork', '--kill-child=KILL', '--'] : [];
  const [first, second] = await Promise.all([works(parentDeath, signal), works(namespace, signal)]);
  return { parentDeath: first ? parentDeath : [], namespace: second ? namespace : [] };
}

async function works([command, ...args]: readonly string[], signal: AbortSignal): Promise<boolean> {
  if (command === undefined) return false;
  try {
    const { code } = await runCommand(command, [...args, 'true'], { role: 'trial', deadlineMs: TRIAL_MS, signal });
    return code === 0;
  } catch (error) {
    if (signal.aborted || isA(error, ToolError)) throw error;
    return false;
  }
}
