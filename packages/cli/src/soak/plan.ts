import type { RenderChunk, RenderPhase } from '@genlock/renderer';

/** What is done to a render. */
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

/** A place in a render: one of the calls of its `hooks.at`. */
export interface Place {
  phase: RenderPhase;
  /** Undefined for the steps of the whole render: plan, joining, commit. */
  worker?: number;
  /** Which of the calls with this phase and worker, from 0. */
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
  /** From the moment when the place is reached to the action, in milliseconds. */
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

/** Where each action is put. The others have a place of their own: a frame of the page, or none. */
const PHASES: Readonly<Partial<Record<Action, readonly RenderPhase[]>>> = {
  abort: WORKER_PHASES,
  'browser killed': ['launch', 'load', ...WITH_PAGE],
  'browser stopped': ['load', ...WITH_PAGE],
  'renderer killed': WITH_PAGE,
  'encoder killed': ['load', ...WITH_PAGE, 'drain'],
  'double failure': ['load', ...WITH_PAGE],
  'host killed': WORKER_PHASES,
};

/** The share of the aborts and host kills that come at a step of the whole render. */
const RENDER_SHARE = 0.2;
const MAX_DELAY_MS = 30;

/**
 * The cycles of a soak, without end. The actions come in rounds, each in an order of its own, so that
 * each one comes as often as the others. The same seed, actions and chunks give the same cycles.
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
      // As many numbers are drawn for each action, so that one cycle does not depend on what another needs.
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

/** Steps of a phase after which the worker still needs its browser and its encoder. */
function stepsIn(phase: RenderPhase, { startFrame, frameCount }: RenderChunk): number {
  if (phase === 'seek') return 1 + startFrame;
  // The phase itself is a step, and each of its frames but the last.
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

/** Numbers from 0 up to 1, the same ones for the same seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
