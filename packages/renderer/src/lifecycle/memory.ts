import { readFile } from 'node:fs/promises';
import { livingMembers } from './processGroup.js';
import { runCommand } from './runCommand.js';

/**
 * Bytes of memory that the processes of these groups use. On Linux, the proportional set size, in which
 * shared pages count once. Elsewhere, the resident set size of `ps`.
 */
export async function memoryOfGroups(leaders: Iterable<number>, signal: AbortSignal): Promise<number> {
  if (process.platform !== 'linux') return residentOfGroups(leaders, signal);
  // A group that cannot be read now is measured at the next check.
  const groups = await Promise.all([...leaders].map((leader) => livingMembers(leader).catch(() => [])));
  const shares = await Promise.all([...new Set(groups.flat())].map(proportionalShare));
  return shares.reduce((sum, bytes) => sum + bytes, 0);
}

/** In bytes. 0 for a process that has ended meanwhile. */
async function proportionalShare(pid: number): Promise<number> {
  const rollup = await readLines(`/proc/${pid}/smaps_rollup`);
  const share = kilobytes(rollup, 'Pss');
  if (share !== undefined) return share * 1024;
  // Only root can read the page statistics of a sandboxed process. These figures are readable by everyone.
  const status = await readLines(`/proc/${pid}/status`);
  return ((kilobytes(status, 'RssAnon') ?? 0) + (kilobytes(status, 'RssShmem') ?? 0)) * 1024;
}

async function readLines(path: string): Promise<string> {
  try {
    return await readFile(path, 'latin1');
  } catch {
    return '';
  }
}

/** Reads a line such as `Pss:   1234 kB` (proc(5)), where a kB is 1024 bytes. */
function kilobytes(text: string, name: string): number | undefined {
  const match = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(text);
  return match ? Number(match[1]) : undefined;
}

/** The same with `ps`, for systems without /proc. Shared pages count for each process. */
export async function residentOfGroups(leaders: Iterable<number>, signal: AbortSignal): Promise<number> {
  const groups = new Set(leaders);
  const options = { role: 'ps', signal, deadlineMs: 10_000 };
  const { stdout } = await runCommand('ps', ['-A', '-o', 'pgid=,rss='], options);
  return stdout
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([group]) => groups.has(group!))
    .reduce((sum, [, resident]) => sum + resident! * 1024, 0);
}
