import { accessSync, constants, readFileSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';
import { formatBytes, plural } from '../format.js';
import type { Finding } from './Finding.js';

const NEEDED_NODE = [20, 19] as const;
/** Docker gives 64 MB, which a large page can fill. */
const SMALL_SHM = 256e6;
/** What a worker may take, from the measurements in bench/. */
const BYTES_PER_WORKER = 350e6;

export function examineNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const isNew = major > NEEDED_NODE[0] || (major === NEEDED_NODE[0] && minor >= NEEDED_NODE[1]);
  const data = { version };
  if (isNew) return { name: 'node', status: 'ok', text: version, data };
  const advice = `install Node ${NEEDED_NODE.join('.')} or later: https://nodejs.org/en/download`;
  return { name: 'node', status: 'lacking', text: `${version} is too old`, advice, data };
}

export async function examineSharedMemory(): Promise<Finding> {
  try {
    const { bsize, blocks, bavail } = await statfs('/dev/shm');
    const [size, free] = [bsize * blocks, bsize * bavail];
    const text = `${formatBytes(size)}, ${formatBytes(free)} free`;
    const data = { size, free };
    if (free >= SMALL_SHM) return { name: '/dev/shm', status: 'ok', text, data };
    const advice = 'large pages may fill it; in Docker, give more with --shm-size=1g';
    return { name: '/dev/shm', status: 'note', text, advice, data };
  } catch {
    return { name: '/dev/shm', status: 'ok', text: 'none on this system' };
  }
}

export function examineCores(): Finding {
  const cores = availableParallelism();
  return { name: 'cores', status: 'ok', text: String(cores), data: { cores } };
}

export function examineMemory(total = totalmem(), limit = process.constrainedMemory()): Finding {
  // A limit that is not set shows as 0 or as a number beyond all memory.
  const usable = limit > 0 && limit < total ? limit : total;
  const workers = Math.floor(usable / BYTES_PER_WORKER);
  const text = `${formatBytes(usable)}${usable < total ? ` (limited, of ${formatBytes(total)})` : ''}`;
  const data = { total, usable };
  if (workers >= Math.min(availableParallelism(), 8)) return { name: 'memory', status: 'ok', text, data };
  const advice = `enough for about ${plural(Math.max(workers, 1), 'worker')}: --concurrency ${Math.max(workers, 1)}`;
  return { name: 'memory', status: 'note', text, advice, data };
}

/** What hardens the end of a render when this process is killed. Nice to have. */
export function examineHelpers(): Finding[] {
  if (process.platform !== 'linux') return [];
  const programs = ['setpriv', 'unshare'].map((program) => ({ program, path: findOnPath(program) }));
  const cgroup = writableCgroup();
  const found = programs.filter(({ path }) => path !== undefined).map(({ program }) => program);
  const absent = programs.filter(({ path }) => path === undefined).map(({ program }) => program);
  const text =
    `${found.join(', ') || 'no setpriv, no unshare'}${cgroup ? `, cgroup v2 (${cgroup})` : ', no writable cgroup v2'}` +
    (absent.length > 0 && found.length > 0 ? `, no ${absent.join(', ')}` : '');
  return [
    {
      name: 'teardown helpers',
      status: 'ok',
      text: `${text} (optional)`,
      data: { setpriv: found.includes('setpriv'), unshare: found.includes('unshare'), cgroup: cgroup ?? null },
    },
  ];
}

function findOnPath(program: string): string | undefined {
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.map((folder) => join(folder, program)).find((path) => isAllowed(path, constants.X_OK));
}

/** The cgroup v2 of this process, where groups of our own could be made. */
function writableCgroup(): string | undefined {
  try {
    const own = /^0::(.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1];
    if (own === undefined) return undefined;
    const folder = join('/sys/fs/cgroup', own);
    return isAllowed(join(folder, 'cgroup.procs'), constants.W_OK) && isAllowed(folder, constants.W_OK)
      ? folder
      : undefined;
  } catch {
    return undefined;
  }
}

function isAllowed(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}
