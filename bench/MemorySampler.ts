import { livingProcesses, readPss } from './proc.js';

const SAMPLE_MS = 500;

/** The largest memory of each worker, in bytes of PSS. */
export interface MemoryPeak {
  /** By worker: its browser and its encoder together, at the sample where that sum was largest. */
  workers: { browser: number; encoder: number }[];
  /** The Node process that runs the library. */
  node: number;
  samples: number;
  /** All workers together at each sample, in bytes. */
  series: number[];
  /** True when a process kept its memory secret (another user's, or a sandboxed one): the figures are too low. */
  incomplete: boolean;
}

/**
 * Samples the memory of a render's processes. It runs in the parent of the process that renders:
 * reading PSS makes the kernel walk page tables, which would stop that process's event loop and
 * count as CPU time of the render.
 */
export class MemorySampler {
  readonly peak: MemoryPeak = { workers: [], node: 0, samples: 0, series: [], incomplete: false };
  readonly #groups = new Map<number, { role: 'browser' | 'encoder'; worker: number }>();
  #timer: NodeJS.Timeout | undefined;

  /** `node` is the pid of the process that renders. */
  start(node: number): void {
    this.#timer = setInterval(() => this.#sample(node), SAMPLE_MS);
  }

  /** A process of the render has started; it leads a process group. */
  add({ pid, role, worker }: { pid: number; role: string; worker: number | undefined }): void {
    if (worker === undefined || (role !== 'browser' && role !== 'encoder')) return;
    this.#groups.set(pid, { role, worker });
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #sample(node: number): void {
    const now: MemoryPeak['workers'] = [];
    for (const { pid, group } of livingProcesses()) {
      const owner = this.#groups.get(group);
      if (!owner) continue;
      const worker = (now[owner.worker] ??= { browser: 0, encoder: 0 });
      worker[owner.role] += this.#pss(pid);
    }
    // Where one has ended, the others' share of what they all map is larger than it was in the render.
    const all = [...this.#groups.values()].every(({ worker }) => (now[worker]?.browser ?? 0) > 0);
    if (all) {
      now.forEach((memory, worker) => {
        const peak = (this.peak.workers[worker] ??= { browser: 0, encoder: 0 });
        if (memory.browser + memory.encoder > peak.browser + peak.encoder) this.peak.workers[worker] = memory;
      });
    }
    this.peak.series.push(now.reduce((sum, worker) => sum + worker.browser + worker.encoder, 0));
    this.peak.node = Math.max(this.peak.node, this.#pss(node));
    this.peak.samples += 1;
  }

  #pss(pid: number): number {
    const pss = readPss(pid);
    // A process that ends while it is being read is no secret.
    if (pss === undefined && livingProcesses().some((process) => process.pid === pid)) this.peak.incomplete = true;
    return pss ?? 0;
  }
}
