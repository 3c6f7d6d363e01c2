import type { RenderEvent, RenderPlan } from '@genlock/renderer';

type WorkerState = Extract<RenderEvent, { type: 'worker' }>['state'];
type Phase = Extract<RenderEvent, { type: 'phase' }>['phase'];
type State = Extract<RenderEvent, { type: 'state' }>['state'];

/** Where one worker is. */
export interface WorkerProgress {
  worker: number;
  startFrame: number;
  frameCount: number;
  state: WorkerState | 'waiting';
  phase?: Phase;
  /** The last frame that was drawn. */
  frame?: number;
  /** How many frames were drawn. */
  done: number;
}

/** Where a render is: the sum of its events so far. */
export interface Progress {
  state: State;
  /** The phase of the render as a whole. */
  phase?: Phase;
  workers: WorkerProgress[];
  rendered: number;
  total: number;
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
    workers: plan.chunks.map(({ index, startFrame, frameCount }) => {
      return { worker: index, startFrame, frameCount, state: 'waiting', done: 0 };
    }),
    rendered: 0,
    total: plan.frameCount,
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
      const { worker, state, startFrame, frameCount } = event;
      const known = progress.workers[worker];
      if (known) Object.assign(known, { state, startFrame, frameCount });
      else progress.workers[worker] = { worker, startFrame, frameCount, state, done: 0 };
      break;
    }
    case 'retry':
      delete progress.workers[event.worker]?.frame;
      break;
    case 'frame': {
      const worker = progress.workers[event.worker];
      if (!worker) break;
      worker.frame = event.frame;
      // The event counts the frames of its own worker, from the start again when its chunk is.
      if (event.rendered <= worker.done) break;
      progress.rendered += event.rendered - worker.done;
      worker.done = event.rendered;
      addSample(progress, now);
      break;
    }
  }
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
