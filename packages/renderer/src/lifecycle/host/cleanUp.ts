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

/** Interval at which killed processes are checked, in milliseconds. */
const POLL_MS = 5;
/** How long killed processes may take to end, in milliseconds. Measured: 60 to 270 for 16 of them. */
const PROCESSES_MS = 5000;

/**
 * Ends and removes everything that a dead host has left, and then its directory. May be repeated.
 * Never throws: what cannot be removed stays, with its record, for the next sweep.
 */
export async function cleanUp(directory: string, signal?: AbortSignal): Promise<void> {
  const contents = readRecord(directory);
  if (contents && !(await endProcesses(contents, signal))) return;
  const removed = await Promise.all([...(contents?.paths ?? [])].map(remove));
  if (removed.every(Boolean)) await remove(directory);
}

/** False if it is unknown whether a process still lives, or if the wait was aborted. */
async function endProcesses(contents: HostContents, signal: AbortSignal | undefined): Promise<boolean> {
  const deadline = new Deadline(PROCESSES_MS);
  for (;;) {
    const found = attempt(() => killAll(contents));
    if (found === false || deadline.isOver) return found !== undefined;
    if (signal?.aborted) return false;
    await setTimeout(POLL_MS);
  }
}

/** Sends SIGKILL to everything alive. False if nothing is. Throws if that cannot be found out now. */
function killAll({ owner, groups }: HostContents): boolean {
  const processes = readProcessesNow();
  let found = false;
  for (const [leader, startTime] of groups) {
    // The system reuses a pid only when nobody of its group is left.
    const stat = readStat(leader);
    if (stat && stat.startTime !== startTime) continue;
    const members = membersAmong(processes, leader);
    for (const member of members) killProcess(member);
    if (members.length > 0) found = true;
    // Without /proc, only the group as a whole can be checked.
    else if (processes.length === 0 && groupExists(leader)) found = killGroup(leader);
  }
  // Processes that were started so late that their line was never written.
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
