/** A loaded file that cannot be decoded or used. */
export interface FileFault {
  url: string;
  /** What the page uses it as: `image`, `video`, `audio`, `font`, or `file` for an SVG file with a missing part. */
  type: string;
  reason: string;
}

/** The state of a document's files. */
export interface FileFaults {
  /** URLs that elements have failed to load without showing anything else. */
  failing: string[];
  /** URLs that elements have failed to load while showing another file. */
  replaced: string[];
  broken: FileFault[];
  /** URLs of the parts of other SVG files that are shown, or have been. */
  parts: string[];
  /** Whether a module script has failed to load. */
  modules: boolean;
  /** Whether a font has failed, so that font files must be inspected. */
  fonts: boolean;
}

/**
 * What the frame being prepared is used for: the browser draws it, the content of its canvases is read without drawing,
 * or nobody sees it.
 */
export type FrameUse = 'drawn' | 'read' | 'undrawn';

/** What a document does before it settles once more. All are off by default. */
export interface SettleOptions {
  /** Runs postponed messages and tasks. */
  releasesPostponed?: boolean;
  /** Nudges the document: only promises of the page are left to wait for. */
  isNudged?: boolean;
  /** Fires the `load` events of iframes. */
  firesFrameLoads?: boolean;
  /** Asks all workers: they may have got files that they were waiting for. */
  hasLoaded?: boolean;
}

/** What a document reports to the renderer after a call of `step` or `settle`. */
export interface Outcome {
  /** Something may have been sent to another document, so all must settle once more. */
  settleAgain: boolean;
  /** Only promises given by the page are left to wait for. */
  awaitsPromises?: boolean;
  /** Messages or tasks are postponed until nothing is loading. */
  hasPostponed?: boolean;
  /** Iframes have loaded of which the document is told when nothing else is left to do. */
  hasLoadedFrames?: boolean;
  /** Layout observers, or deferred content, need the browser to make a frame. */
  hasObservers: boolean;
  /** How often layout observers have been called since the last outcome. */
  observerCalls: number;
  /** Visibility is determined in one frame of the browser, and the content laid out only in the next. */
  skipsLayout?: boolean;
  /** A view transition is taking snapshots of the page, for which frames must be drawn. */
  needsSnapshots?: boolean;
  /** There may be shadow roots that only the renderer can find. */
  hidesRoots?: boolean;
  /** URLs of workers that were terminated before they had started; the browser reports nothing more about them. */
  unstartedWorkers?: string[];
  /** A worker has failed; the browser will report the error. */
  workerFailed?: boolean;
  /**
   * The page needs drawing that was skipped in undrawn frames: it must be reopened and brought here with all its
   * drawing.
   */
  missesDrawing?: boolean;
  /** The page has asked for WebGPU, which this browser was not started with (`wanted`) or does not have (`lacking`). */
  webgpu?: 'wanted' | 'lacking' | undefined;
  /** The document uses WebGL. */
  webgl?: boolean;
  /** The state of its files. */
  files?: FileFaults;
  /** The page styles browser-made parts of elements, whose animations no script can list. */
  stylesParts?: boolean;
  /** How many animations are known in the document. */
  animations?: number;
  /** There are videos, whose frames the browser composites at a time of its own choosing. */
  videos?: boolean;
}

/** The state in which a document or worker has come to rest. */
export interface Rest {
  /** Whether it has done anything before it came to rest. */
  busy: boolean;
  /** Whether it is waiting for a worker, which may be working or waiting for the network. */
  blocked: boolean;
  /** Whether it may be listening for images to load. */
  hears: boolean;
  /** URLs of responses that are checked as a whole before it gets any of them (`integrity`). */
  verified: string[];
  /** Whether it may need a frame of the browser to finish loading. */
  needsFrame: boolean;
  /** As in an outcome. */
  unstartedWorkers: string[];
  webgpu?: Outcome['webgpu'];
}
