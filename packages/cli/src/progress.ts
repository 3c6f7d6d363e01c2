import type { RenderEvent, RenderPlan } from '@genlock/renderer';

type WorkerState = Extract<RenderEvent, { type: 'worker' }>['state'];
type Phase = Extract<RenderEvent, { type: 'phase' }>['phase'];
type State = Extract<RenderEvent, { type: 'state' }>['state'];

/** The progress of one worker. */
export interface WorkerProgress {
  worker: number;
  /** The chunk that it is rendering, and the chunk's frames. */
  chunk: number;
  startFrame: number;
  frameCount: number;
  state: WorkerState | 'waiting';
  phase?: Phase;
  /** The last frame that was drawn. */
  frame?: number;
  /** How many frames of its chunk were drawn. */
  done: number;
}

/** The progress of a render, accumulated from its events. */
export interface Progress {
  state: State;
  /** The phase of the render as a whole. */
  phase?: Phase;
  workers: WorkerProgress[];
  /** How many frames of each chunk are done. */
  chunks: number[];
  rendered: number;
  total: number;
  /** How many finished frames were discarded, to be drawn again. */
  redrawn: number;
  /** How many frames were done at which time, over the last few seconds, to compute the speed. */
  samples: { time: number; rendered: number }[];
}

/** The speed is measured over about the last 5 seconds. */
const SAMPLE_MS = 250;
const SAMPLES = 20;

/** The progress before anything has happened. */
export function startProgress(plan: RenderPlan): Progress {
  return {
    state: 'queued',
    workers: plan.chunks.slice(0, plan.concurrency).map(({ index, startFrame, frameCount }) => {
      return { worker: index, chunk: index, startFrame, frameCount, state: 'waiting', done: 0 };
    }),
    chunks: plan.chunks.map(() => 0),
    rendered: 0,
    total: plan.frameCount,
    redrawn: 0,
    samples: [],
  };
}

/** Applies an event to the progress. Changes it in place, since this runs for every frame. `now` is in milliseconds. */
export function foldEvent(progress: Progress, event: RenderEvent, now: number): void {
  switch (event.type) {
    case 'state':
      progress.state = event.state;
      break;
    case 'phase': {
      const worker = event.worker === undefined ? undefined : progress.workers[event.worker];
      if (worker) worker.phase = event.phase;
      else if (event.worker === undefined) progress.phase = event.phase;
      break;
    }
    case 'worker': {
      const { worker, state, chunk, startFrame, frameCount } = event;
      const known = progress.workers[worker];
      if (known?.chunk === chunk) known.state = state;
      else {
        const done = progress.chunks[chunk] ?? 0;
        progress.workers[worker] = { worker, chunk, startFrame, frameCount, state, done };
      }
      break;
    }
    case 'chunk':
      if (event.state === 'again') discardChunk(progress, event.chunk);
      else addFrames(progress, event.chunk, event.frameCount, now);
      break;
    case 'retry':
      delete progress.workers[event.worker]?.frame;
      break;
    case 'frame': {
      const worker = progress.workers[event.worker];
      if (!worker) break;
      worker.frame = event.frame;
      // The event counts the frames of its chunk, and starts over when the chunk is retried.
      worker.done = Math.max(worker.done, event.rendered);
      addFrames(progress, worker.chunk, worker.done, now);
      break;
    }
  }
}

/** Takes back the frames of a chunk that is to be rendered again. */
function discardChunk(progress: Progress, chunk: number): void {
  const discarded = progress.chunks[chunk] ?? 0;
  progress.rendered -= discarded;
  progress.redrawn += discarded;
  progress.chunks[chunk] = 0;
  progress.samples = [];
  for (const worker of progress.workers) {
    if (worker.chunk !== chunk) continue;
    worker.done = 0;
    delete worker.frame;
  }
}

/** Notes that this many frames of a chunk are done. */
function addFrames(progress: Progress, chunk: number, frames: number, now: number): void {
  const more = frames - (progress.chunks[chunk] ?? 0);
  if (more <= 0) return;
  progress.chunks[chunk] = frames;
  progress.rendered += more;
  addSample(progress, now);
}

function addSample({ samples, rendered }: Progress, time: number): void {
  const last = samples.at(-1);
  if (last && time - last.time < SAMPLE_MS) return;
  samples.push({ time, rendered });
  if (samples.length > SAMPLES) samples.shift();
}

/** Current frames per second; undefined before there is enough to measure. */
export function speed({ samples, rendered }: Progress, now: number): number | undefined {
  const first = samples[0];
  if (!first || now - first.time < SAMPLE_MS || rendered <= first.rendered) return undefined;
  return ((rendered - first.rendered) * 1000) / (now - first.time);
}

/** Seconds until the last frame at the current speed; undefined while the speed is unknown. */
export function secondsLeft(progress: Progress, now: number): number | undefined {
  const framesPerSecond = speed(progress, now);
  return framesPerSecond === undefined ? undefined : (progress.total - progress.rendered) / framesPerSecond;
}
