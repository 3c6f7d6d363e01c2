import { readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';
import { Deadline } from '../Deadline.js';
import {
  groupExists,
  isAlive,
  killGroup,
  killProcess,
  membersAmong,
  readProcessesNow,
  readStat,
} from '../processGroup.js';
import { attempt } from '../../unknowns.js';
import { remove } from '../temporaryPaths.js';
import { readRecord, type HostContents } from './HostRecord.js';
import { TOKEN_VARIABLE } from './owner.js';

/** Between two looks at processes that have been killed, in milliseconds. */
const POLL_MS = 5;
/** How long killed processes may take to end, in milliseconds. Measured: 60 to 270 for 16 of them. */
const PROCESSES_MS = 5000;

/**
 * Ends everything that a host which is gone has left, and removes its directory. Harmless where it
 * is done already. Never throws: what cannot be removed stays, with its record, for the next sweep.
 */
export async function cleanUp(directory: string, signal?: AbortSignal): Promise<void> {
  const contents = readRecord(directory);
  if (contents && !(await endProcesses(contents, signal))) return;
  const removed = await Promise.all([...(contents?.paths ?? [])].map(remove));
  if (removed.every(Boolean)) await remove(directory);
}

/** False when nobody could look whether something still lives, or when it was not waited for. */
async function endProcesses(contents: HostContents, signal: AbortSignal | undefined): Promise<boolean> {
  const deadline = new Deadline(PROCESSES_MS);
  for (;;) {
    const found = attempt(() => killAll(contents));
    if (found === false || deadline.isOver) return found !== undefined;
    if (signal?.aborted) return false;
    await setTimeout(POLL_MS);
  }
}

/** Sends SIGKILL to all that lives. False when nothing does. Throws where nobody can look now. */
function killAll({ owner, groups }: HostContents): boolean {
  const processes = readProcessesNow();
  let found = false;
  for (const [leader, startTime] of groups) {
    // A pid is given to a stranger only when nobody of the group is left.
    const stat = readStat(leader);
    if (stat && stat.startTime !== startTime) continue;
    const members = membersAmong(processes, leader);
    for (const member of members) killProcess(member);
    if (members.length > 0) found = true;
    // Where there is no /proc the group itself is all that can be asked.
    else if (processes.length === 0 && groupExists(leader)) found = killGroup(leader);
  }
  // What was started so late that its line was never written.
  for (const { pid } of processes.filter(isAlive)) {
    if (!isMarked(pid, owner.token)) continue;
    killGroup(pid);
    killProcess(pid);
    found = true;
  }
  return found;
}

function isMarked(pid: number, token: string): boolean {
  try {
    return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(`${TOKEN_VARIABLE}=${token}`);
  } catch {
    return false;
  }
}
