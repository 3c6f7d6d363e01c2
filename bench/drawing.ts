/** The one half of the floor: a page that is drawn and of which nothing is captured. */
import { availableParallelism } from 'node:os';
import type { RenderEvent } from '@genlock/renderer';
import { findLlvmpipe } from '@genlock/renderer/internal';
import { FPS, pageUrl, SPEED_PAGES, SPEED_SIZE, type DrawResult, type Task } from './cases.js';
import { BrowserSession, JobScope, PageSession, parseRendererOptions } from './internals.js';
import { livingProcesses, readStat } from './proc.js';
import { mean } from './tables.js';

/** Frames that are drawn before anything counts: caches fill, scripts are compiled. */
const WARM_UP_FRAMES = 5;

/** As many browsers as there are cores, all at once: then no core is idle, as in a render. */
export async function measureDrawing(
  { page, frames }: Extract<Task, { kind: 'draw' }>,
  onEvent: (event: RenderEvent) => void,
  signal: AbortSignal,
): Promise<DrawResult> {
  const count = availableParallelism();
  const gate = new Gate(count);
  const node = () => readStat(process.pid)!.cpu;
  const before = node();
  const results = await Promise.all(
    Array.from({ length: count }, (_, worker) => draw(SPEED_PAGES[page], frames, gate, { onEvent, signal, worker })),
  );
  const nodeCpu = node() - before;
  return {
    cpuPerFrame: mean(results.map(({ cpu }) => cpu / frames)) + nodeCpu / (count * (frames + WARM_UP_FRAMES)),
    framesPerSecond: results.reduce((sum, { seconds }) => sum + frames / seconds, 0),
  };
}

async function draw(
  { page, scale }: { page: Parameters<typeof pageUrl>[0]; scale: number },
  frames: number,
  gate: Gate,
  job: { onEvent: (event: RenderEvent) => void; signal: AbortSignal; worker: number },
): Promise<{ cpu: number; seconds: number }> {
  const output = 'nothing.mp4';
  // By the driver that renders take.
  const webgl = page === 'webgl' && findLlvmpipe() ? 'llvmpipe' : 'swiftshader';
  const options = parseRendererOptions(
    { ...SPEED_SIZE, scale, fps: FPS, frameCount: frames, webgl },
    output,
    pageUrl(page),
  );
  return JobScope.run(job, options, output, async (scope) => {
    await scope.enter('launch');
    await using session = await BrowserSession.open(scope, options);
    const view = await PageSession.open(session, scope, options);
    // What nobody captures is drawn only where the window shows it.
    const { windowId } = await session.send('Browser.getWindowForTarget');
    await session.send('Browser.setWindowBounds', { windowId, bounds: SPEED_SIZE });
    await scope.enter('load');
    await view.load(pageUrl(page));
    const drawFrame = async (frame: number) => {
      await view.step(frame, options.deadlines.capture);
      await view.frames.draw(options.deadlines.capture);
    };
    for (let frame = 0; frame < WARM_UP_FRAMES; frame++) await drawFrame(frame);
    await gate.pass();
    const [cpu, start] = [groupCpu(session.process.pid!), performance.now()];
    for (let frame = 0; frame < frames; frame++) await drawFrame(WARM_UP_FRAMES + frame);
    const result = { cpu: groupCpu(session.process.pid!) - cpu, seconds: (performance.now() - start) / 1000 };
    // None is gone while another is measured: the cores stay busy.
    await gate.pass();
    return result;
  });
}

/** CPU-seconds of all processes of a browser. */
function groupCpu(leader: number): number {
  return livingProcesses()
    .filter(({ group, session }) => group === leader || session === leader)
    .reduce((sum, { cpu }) => sum + cpu, 0);
}

/** Lets `count` callers go on when all of them have come; again and again. */
class Gate {
  #waiting: (() => void)[] = [];
  constructor(readonly count: number) {}

  pass(): Promise<void> {
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      if (this.#waiting.length < this.count) return;
      for (const goOn of this.#waiting.splice(0)) goOn();
    });
  }
}
