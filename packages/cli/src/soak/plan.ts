import type { RenderChunk, RenderPhase } from '@genlock/renderer';

/** The ways in which a cycle ends its render. */
export const ACTIONS = [
  'complete',
  'abort',
  'page throws',
  'page loops',
  'browser killed',
  'browser stopped',
  'renderer killed',
  'encoder killed',
  'double failure',
  'host killed',
] as const;

export type Action = (typeof ACTIONS)[number];

/** A place in a render: one of the calls to its `hooks.at`. */
export interface Place {
  phase: RenderPhase;
  /** Undefined for the steps of the whole render: plan, joining, commit. */
  worker?: number;
  /** Index among the calls with this phase and worker, from 0. */
  step: number;
}

/** One render of a soak. */
export interface Cycle {
  /** From 1. */
  number: number;
  action: Action;
  place: Place;
  /** The frame at which the page throws or loops. */
  frame: number;
  /** Time from reaching the place to the action, in milliseconds. */
  delayMs: number;
}

const WORKER_PHASES: readonly RenderPhase[] = [
  'launch',
  'load',
  'seek',
  'capture',
  'encode',
  'drain',
  'verify',
  'commit',
];
const RENDER_PHASES: readonly RenderPhase[] = ['plan', 'verify', 'concat', 'commit'];
const WITH_PAGE: readonly RenderPhase[] = ['seek', 'capture', 'encode'];

/** The phases in which each action may happen. Actions not listed happen at a frame of the page, or not at all. */
const PHASES: Readonly<Partial<Record<Action, readonly RenderPhase[]>>> = {
  abort: WORKER_PHASES,
  'browser killed': ['launch', 'load', ...WITH_PAGE],
  'browser stopped': ['load', ...WITH_PAGE],
  'renderer killed': WITH_PAGE,
  'encoder killed': ['load', ...WITH_PAGE, 'drain'],
  'double failure': ['load', ...WITH_PAGE],
  'host killed': WORKER_PHASES,
};

/** The share of aborts and host kills that happen at a step of the whole render rather than of a worker. */
const RENDER_SHARE = 0.2;
const MAX_DELAY_MS = 30;

/**
 * An endless sequence of cycles. Each round contains every action once, in a new order, so that all are equally
 * frequent. The same seed, actions and chunks give the same cycles.
 */
export function* planCycles(
  seed: number,
  actions: readonly Action[],
  chunks: readonly RenderChunk[],
): Generator<Cycle, never> {
  const random = randomFrom(seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const frameCount = chunks.reduce((sum, chunk) => sum + chunk.frameCount, 0);
  for (let number = 1; ;) {
    for (const action of shuffled(actions, random)) {
      // Every action draws equally many random numbers, so that a cycle does not depend on what others need.
      const [ofRender, chunk, share] = [random() < RENDER_SHARE, pick(chunks), random()];
      const [phase, renderPhase] = [pick(PHASES[action] ?? WITH_PAGE), pick(RENDER_PHASES)];
      const [frame, delayMs] = [Math.floor(random() * frameCount), Math.floor(random() * MAX_DELAY_MS)];
      const place: Place =
        ofRender && (action === 'abort' || action === 'host killed')
          ? { phase: renderPhase, step: 0 }
          : { phase, worker: chunk.index, step: Math.floor(share * stepsIn(phase, chunk)) };
      yield { number: number++, action, place, frame, delayMs };
    }
  }
}

/** The number of steps of a phase after which the worker still needs its browser and its encoder. */
function stepsIn(phase: RenderPhase, { startFrame, frameCount }: RenderChunk): number {
  if (phase === 'seek') return 1 + startFrame;
  // The phase itself is a step, and so is each of its frames except the last.
  if (phase === 'capture') return frameCount;
  return phase === 'encode' ? frameCount - 1 : 1;
}

function shuffled<T>(list: readonly T[], random: () => number): T[] {
  const order = [...list];
  for (let last = order.length - 1; last > 0; last--) {
    const other = Math.floor(random() * (last + 1));
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** A generator of numbers from 0 to below 1, the same ones for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
