import type { RenderEvent } from '@genlock/renderer';
import type { CpuSeconds } from './cases.js';
import { chromiumKind, livingProcesses, readStat } from './proc.js';

/**
 * CPU time of everything that a render of this process does, without a gap and without counting
 * anything twice:
 *
 * - this process's own threads (utime + stime), and
 * - its reaped children (cutime + cstime): every ffmpeg and ffprobe, and each browser's main
 *   process, as the library waits for all of them, and
 * - the browsers' other processes. Killed together with their parent, they are inherited by init,
 *   so that their time never reaches us: it is read while they still live, at the event `drain`,
 *   which a worker tells in the tick before it kills its browser.
 *
 * What is missed is what those others do in the few milliseconds between that event and the kill.
 */
export class CpuMeter {
  readonly #before = own();
  readonly #browsers = new Map<number, number>();
  readonly #chromium: Record<string, number> = {};
  #mainProcesses = 0;

  /** To be told every event of the render, in the tick in which it comes. */
  watch(event: RenderEvent): void {
    if (event.type === 'process' && event.state === 'started' && event.role === 'browser') {
      this.#browsers.set(event.worker ?? 0, event.pid);
    }
    if (event.type === 'phase' && event.phase === 'drain') this.#readBrowser(this.#browsers.get(event.worker ?? 0));
  }

  /** To be asked when the render has settled. */
  read(): CpuSeconds {
    const after = own();
    const node = after.cpu - this.#before.cpu;
    const reaped = after.reapedCpu - this.#before.reapedCpu;
    const chromium = Object.values(this.#chromium).reduce((sum, seconds) => sum + seconds, 0);
    return {
      total: node + reaped + chromium - this.#mainProcesses,
      node,
      // What the main processes use after `drain` falls in here: a few milliseconds.
      ffmpeg: reaped - this.#mainProcesses,
      chromium: this.#chromium,
    };
  }

  #readBrowser(leader: number | undefined): void {
    for (const { pid, group, cpu, reapedCpu } of livingProcesses()) {
      if (group !== leader) continue;
      const kind = chromiumKind(pid);
      this.#chromium[kind] = (this.#chromium[kind] ?? 0) + cpu + reapedCpu;
      if (pid === leader) this.#mainProcesses += cpu + reapedCpu;
    }
  }
}

function own() {
  return readStat(process.pid)!;
}
