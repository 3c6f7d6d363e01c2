import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import type { DistributedRenderOptions, RenderPhase, WorkerReport } from '@genlock/renderer';
import { BENCH } from './paths.js';

/** Their files are in pages/. `text` is light; `slides` stands still mostly; `idle` never changes; `loop` falls into an endless loop where its property says. */
export type PageName = 'dom' | 'text' | 'slides' | 'canvas' | 'webgl' | 'mixed' | 'idle' | 'loop';

/** What is measured of the pages: one of them twice, in two sizes. */
export type SpeedPage = Exclude<PageName, 'idle' | 'loop'> | '4k';

/** One kind of render whose speed is measured. */
export interface SpeedCase {
  page: SpeedPage;
  /** A name in MODES. */
  mode: string;
  workers: number;
}

/** Where in a render it is stopped. */
export type StopPhase = 'launch' | 'load' | 'seek' | 'capture' | 'encode' | 'drain' | 'concat' | 'commit';

/** One kind of render whose stopping is measured. */
export interface StopCase {
  phase: StopPhase;
  page: PageName;
  /** Every browser is stopped (SIGSTOP to its group) before the abort. */
  stopped?: boolean;
  workers: number;
  width: number;
  height: number;
  /** First frame of the render: above 0 every worker has undrawn frames to run through. */
  startFrame: number;
  frames: number;
  /**
   * Every worker renders from frame 0 without end: in a plan of their own, the first of many workers
   * are done before the last of them has run through the frames before its chunk.
   */
  endless?: boolean;
  /** The aborts are spread over this many milliseconds from the moment when all workers are in the phase. */
  spreadMs: number;
}

/** What a child process of the bench is given to do. `folder` is its own, for everything that it writes. */
export type Task =
  | { kind: 'speed'; folder: string; speed: SpeedCase; frames: number }
  | { kind: 'draw'; folder: string; page: SpeedPage; frames: number }
  | { kind: 'stop'; folder: string; stop: StopCase; stops: number };

/** CPU-seconds of a whole render, by process. */
export interface CpuSeconds {
  total: number;
  /** The Node process that runs the library. */
  node: number;
  /** Every ffmpeg and ffprobe. */
  ffmpeg: number;
  /** Chromium's processes by kind: `browser` (the main one), `renderer`, `zygote`, and others where switches ask for them. */
  chromium: Record<string, number>;
}

/** What one render took, as the process that rendered knows it. Milliseconds and bytes. */
export interface SpeedResult {
  frames: number;
  /** From the call of `render` to the settled promise. */
  wallMs: number;
  /** Frames per second while every worker was capturing; undefined when there was no such time. */
  steadyFramesPerSecond: number | undefined;
  cpu: CpuSeconds;
  bytes: number;
  workers: WorkerReport[];
  phases: Partial<Record<RenderPhase, number>>;
}

/** What one stop took. */
export interface StopResult {
  /** From `abort()` to the settled promise, on the caller's clock; undefined when the render was done before. */
  ms: number | undefined;
  /** The same as the library's stop receipt has it. */
  receiptMs: number | undefined;
  /** From `abort()` until the library told of the end of the last process; files are removed after it. */
  processesMs: number | undefined;
  /** Where each worker was at the abort. */
  workers: { worker: number; phase: string; frame: number | undefined }[];
  /** The share of the workers that were in the wanted phase at the abort; for `concat` 1 when the render was. */
  inPhase: number;
  /** What is wrong with this stop, in words: processes or files left, another error than the reason. */
  faults: string[];
}

/** CPU time of drawing alone. */
export interface DrawResult {
  /** CPU-seconds of a frame, of all processes. */
  cpuPerFrame: number;
  /** Frames per second of all browsers together. */
  framesPerSecond: number;
}

/** What a child process of the bench tells. */
export type ChildMessage =
  | { type: 'started'; pid: number; role: string; worker: number | undefined }
  | { type: 'result'; result: unknown }
  | { type: 'failed'; message: string };

export const SPEED_SIZE = { width: 1920, height: 1080 };
export const FPS = 30;
/** x264 where the browser would encode by itself: good enough to be watched, and fast. */
export const ENCODING = { crf: 18 };
/** The preset of x264 that other tools are asked for: the one that Genlock's own choice builds on. */
export const PEER_PRESET = 'superfast';

/** The pages whose speed is measured. */
export const SPEED_PAGES: Readonly<Record<SpeedPage, { page: PageName; scale: number }>> = {
  dom: { page: 'dom', scale: 1 },
  text: { page: 'text', scale: 1 },
  slides: { page: 'slides', scale: 1 },
  canvas: { page: 'canvas', scale: 1 },
  webgl: { page: 'webgl', scale: 1 },
  mixed: { page: 'mixed', scale: 1 },
  '4k': { page: 'dom', scale: 2 },
};

/** The ways to render that are compared: each a name for the options of the renderer that differ, encoding included. */
export const MODES: Readonly<Record<string, Partial<DistributedRenderOptions>>> = {
  // What a user gets who asks for nothing: of all pages but a canvas's, the encoding below.
  default: {},
  // The same with less time for x264.
  fast: { fast: true },
  x264: ENCODING,
  screenshot: { mode: 'screenshot', ...ENCODING },
};

const FULL_HD = { workers: 2, width: 1920, height: 1080, startFrame: 0, frames: 60 };
const SMALL = {
  page: 'dom',
  width: 640,
  height: 360,
  startFrame: 0,
  frames: 60,
  endless: true,
  spreadMs: 300,
} as const;

/**
 * How each phase is come to with two workers. The frames are as few as keep the render in the phase
 * for longer than the aborts are spread; in `encode` and `commit` it is held until the abort.
 */
const PHASES: Readonly<Record<StopPhase, Omit<StopCase, 'page' | 'phase'>>> = {
  launch: { ...FULL_HD, spreadMs: 40 },
  load: { ...FULL_HD, spreadMs: 20 },
  seek: { ...FULL_HD, startFrame: 300, spreadMs: 200 },
  capture: { ...FULL_HD, endless: true, spreadMs: 300 },
  encode: { ...FULL_HD, endless: true, spreadMs: 0 },
  drain: { ...FULL_HD, frames: 16, spreadMs: 40 },
  concat: { ...FULL_HD, frames: 4, spreadMs: 20 },
  commit: { ...FULL_HD, frames: 4, spreadMs: 0 },
};

/** The phases in which there is something to be seen of each condition. */
const CONDITIONS: readonly (Pick<StopCase, 'page' | 'stopped'> & { phases: readonly StopPhase[] })[] = [
  { page: 'dom', phases: ['launch', 'load', 'seek', 'capture', 'encode', 'drain', 'concat', 'commit'] },
  { page: 'idle', phases: ['load', 'seek', 'capture', 'encode', 'drain'] },
  { page: 'loop', phases: ['load', 'seek', 'capture'] },
  { page: 'dom', stopped: true, phases: ['launch', 'load', 'seek', 'capture', 'encode'] },
];

export const STOP_CASES: readonly StopCase[] = [
  ...CONDITIONS.flatMap(({ phases, ...condition }) =>
    phases.map((phase) => ({ phase, ...PHASES[phase], ...condition })),
  ),
  ...[1, 4, 8].map((workers) => ({ phase: 'capture' as const, ...SMALL, workers })),
];

/** What is aimed at: milliseconds from the abort to nothing left. */
export const STOP_AIMS = { medianMs: { 2: 50, 8: 250 } as Readonly<Record<number, number>>, maxMs: 1000 };

export function pageFile(page: PageName): string {
  return join(BENCH, 'pages', `${page}.html`);
}

export function pageUrl(page: PageName): string {
  return pathToFileURL(pageFile(page)).href;
}
