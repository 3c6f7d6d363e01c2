/** A file that came, and cannot be decoded. */
export interface FileFault {
  url: string;
  /** What the page has it for: `image`, `video`, `audio`, `font`. */
  type: string;
  reason: string;
}

/** What became of the files of a document. */
export interface FileFaults {
  /** Addresses that elements have failed with, and have nothing else in their place. */
  failing: string[];
  /** Addresses that elements have failed with, and have another file for. */
  replaced: string[];
  broken: FileFault[];
  /** Addresses of the parts of other SVG files that are shown, or were. */
  parts: string[];
  /** Whether a `<script>` with a module has failed. */
  modules: boolean;
  /** Whether a font could not be used: its file is to be looked into. */
  fonts: boolean;
}

/**
 * What becomes of the frame that is being prepared: the browser draws the page, or somebody takes what is on
 * its canvases, or nobody sees it.
 */
export type FrameUse = 'drawn' | 'read' | 'undrawn';

/** What is left to do for the renderer after a call of `step` or `settle`. */
export interface Outcome {
  /** Something may have gone to another document: all are to settle once more. */
  settleAgain: boolean;
  /** Nothing is left to wait for but promises that the page has given us. */
  awaitsPromises?: boolean;
  /** Messages or tasks are held back until nothing loads any more. */
  hasPostponed?: boolean;
  /** Observers of layout wait for a frame of the browser. */
  hasObservers: boolean;
  /** How often such observers have been called since the last outcome. */
  observerCalls: number;
  /** What can be seen is found out in one frame of the browser, and laid out in the next. */
  skipsLayout?: boolean;
  /** A view transition takes its pictures of the page: it needs frames that are drawn. */
  needsSnapshots?: boolean;
  /** There may be shadow trees that only the browser can find. */
  hidesRoots?: boolean;
  /** Addresses of workers that were ended before they had begun: of those the browser tells nothing more. */
  unstartedWorkers?: string[];
  /** A worker has failed, of which the browser will tell. */
  workerFailed?: boolean;
  /** The page lacks something that was left out of an undrawn frame: it is to be opened and taken here again. */
  missesDrawing?: boolean;
  /** The page has asked for WebGPU, which this browser was not started with, or does not have. */
  webgpu?: 'wanted' | 'lacking' | undefined;
  /** WebGL is at work in the document. */
  webgl?: boolean;
  /** What became of its files. */
  files?: FileFaults;
  /** There may be animations that no script can list. */
  stylesParts?: boolean;
  /** How many animations are known in the document. */
  animations?: number;
  /** There are videos, whose pictures the browser puts into the page's in its own time. */
  videos?: boolean;
}

/** How a document or worker has come to rest. */
export interface Rest {
  busy: boolean;
  blocked: boolean;
  /** It may hear of it when a picture has loaded. */
  hears: boolean;
  /** Addresses whose answers are checked before it has anything of them (`integrity`). */
  verified: string[];
  /** It may be that it ends its load only in a frame of the browser. */
  needsFrame: boolean;
  /** As in an outcome. */
  unstartedWorkers: string[];
  webgpu?: Outcome['webgpu'];
}
