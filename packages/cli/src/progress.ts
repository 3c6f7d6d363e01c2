import type { RenderEvent, RenderPlan } from '@genlock/renderer';

type WorkerState = Extract<RenderEvent, { type: 'worker' }>['state'];
type Phase = Extract<RenderEvent, { type: 'phase' }>['phase'];
type State = Extract<RenderEvent, { type: 'state' }>['state'];

/** Where one worker is. */
export interface WorkerProgress {
  worker: number;
  /** The chunk that it has, with its frames. */
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

/** Where a render is: the sum of its events so far. */
export interface Progress {
  state: State;
  /** The phase of the render as a whole. */
  phase?: Phase;
  workers: WorkerProgress[];
  /** How many frames of each chunk are there. */
  chunks: number[];
  rendered: number;
  total: number;
  /** How many frames have had to be drawn again. */
  again: number;
  /** How many frames were there when: the last few seconds, for the speed. */
  samples: { time: number; rendered: number }[];
}

/** The speed is that of about the last 5 seconds. */
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
    again: 0,
    samples: [],
  };
}

/** Adds an event to the progress, in place: this runs for every frame. `now` in milliseconds. */
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
      if (event.state === 'again') beginAgain(progress, event.chunk);
      else addFrames(progress, event.chunk, event.frameCount, now);
      break;
    case 'retry':
      delete progress.workers[event.worker]?.frame;
      break;
    case 'frame': {
      const worker = progress.workers[event.worker];
      if (!worker) break;
      worker.frame = event.frame;
      // The event counts the frames of its own chunk, from the start again when that is begun again.
      worker.done = Math.max(worker.done, event.rendered);
      addFrames(progress, worker.chunk, worker.done, now);
      break;
    }
  }
}

/** The frames of a chunk are not there after all. */
function beginAgain(progress: Progress, chunk: number): void {
  const gone = progress.chunks[chunk] ?? 0;
  progress.rendered -= gone;
  progress.again += gone;
  progress.chunks[chunk] = 0;
  progress.samples = [];
  for (const worker of progress.workers) {
    if (worker.chunk !== chunk) continue;
    worker.done = 0;
    delete worker.frame;
  }
}

/** So many frames of a chunk are there. */
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

/** Frames per second of late; undefined before there is anything to measure. */
export function speed({ samples, rendered }: Progress, now: number): number | undefined {
  const first = samples[0];
  if (!first || now - first.time < SAMPLE_MS || rendered <= first.rendered) return undefined;
  return ((rendered - first.rendered) * 1000) / (now - first.time);
}

/** Seconds until the last frame at the speed of late; undefined while that is not known. */
export function secondsLeft(progress: Progress, now: number): number | undefined {
  const framesPerSecond = speed(progress, now);
  return framesPerSecond === undefined ? undefined : (progress.total - progress.rendered) / framesPerSecond;
}
