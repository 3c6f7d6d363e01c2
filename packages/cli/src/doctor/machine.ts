import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { findHardening } from '@genlock/renderer/internal';
import { formatBytes, plural } from '../format.js';
import type { Finding } from './Finding.js';

const NEEDED_NODE = [20, 19] as const;
/** In bytes. Docker's default is 64 MB, which a large page can fill. */
const SMALL_SHM = 256e6;
/** Memory that a worker may use, according to the measurements in bench/. */
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
    const advice = 'large pages may fill it; in Docker, make it larger with --shm-size=1g';
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
  // Without a limit, the value is 0 or larger than all memory.
  const usable = limit > 0 && limit < total ? limit : total;
  const workers = Math.floor(usable / BYTES_PER_WORKER);
  const text = `${formatBytes(usable)}${usable < total ? ` (limited, of ${formatBytes(total)})` : ''}`;
  const data = { total, usable };
  if (workers >= Math.min(availableParallelism(), 8)) return { name: 'memory', status: 'ok', text, data };
  const advice = `enough for about ${plural(Math.max(workers, 1), 'worker')}: --concurrency ${Math.max(workers, 1)}`;
  return { name: 'memory', status: 'note', text, advice, data };
}

/** The optional tools with which the kernel ends a render's processes when this process is killed. */
export async function examineHelpers(): Promise<Finding[]> {
  if (process.platform !== 'linux') return [];
  const { parentDeath, namespace } = await findHardening();
  const data = { setpriv: parentDeath.length > 0, unshare: namespace.length > 0 };
  const text = [
    data.setpriv ? 'setpriv (processes end with this one)' : 'no setpriv',
    data.unshare ? 'unshare (browsers live in PID namespaces)' : 'no unshare, or not permitted: it needs root',
  ].join(', ');
  return [{ name: 'teardown helpers', status: 'ok', text: `${text}; optional`, data }];
}
