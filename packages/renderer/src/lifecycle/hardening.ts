import { onPath } from '../executables.js';
import { runCommand } from './runCommand.js';

/** Commands that run another command so that the kernel itself ends it with its parent. Empty: not available. */
export interface Hardening {
  /** Ends the process when its parent ends (Linux, util-linux's setpriv). */
  parentDeath: readonly string[];
  /** The same, and everything that it starts lives and dies in a PID namespace of its own (needs root). */
  namespace: readonly string[];
}

export const NO_HARDENING: Hardening = { parentDeath: [], namespace: [] };

/** How long a trial of a wrapper may take, in milliseconds. Measured: 5. */
const TRIAL_MS = 2000;

let found: Promise<Hardening> | undefined;

/** What this system has, found out by trying it, once. Never rejects. */
export function findHardening(): Promise<Hardening> {
  found ??= tryAll();
  return found;
}

async function tryAll(): Promise<Hardening> {
  const setpriv = process.platform === 'linux' ? onPath('setpriv') : undefined;
  const unshare = onPath('unshare');
  if (!setpriv) return NO_HARDENING;
  const parentDeath = [setpriv, '--pdeathsig', 'KILL', '--'];
  const namespace = unshare ? [...parentDeath, unshare, '--pid', '--fork', '--kill-child=KILL', '--'] : [];
  const [first, second] = await Promise.all([works(parentDeath), works(namespace)]);
  return { parentDeath: first ? parentDeath : [], namespace: second ? namespace : [] };
}

async function works([command, ...args]: readonly string[]): Promise<boolean> {
  if (command === undefined) return false;
  try {
    const { code } = await runCommand(command, [...args, 'true'], { role: 'trial', deadlineMs: TRIAL_MS });
    return code === 0;
  } catch {
    return false;
  }
}
