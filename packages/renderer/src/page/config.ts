/** What the page's clock is made with. Plain data. */
export interface PageConfig {
  /** Frame rate as a fraction: frame n shows n * den / num seconds. */
  fps: { num: number; den: number };
  /** Size of the page's view in CSS pixels. */
  view: { width: number; height: number };
  /** What the page sees as `window.genlock.props`. */
  props: Record<string, unknown>;
  /** Seed of `Math.random`. A dedicated worker finds its own in its name. */
  seed: number;
  /** What `Date` shows at frame 0, in milliseconds since 1970. */
  epoch: number;
  /** Whether a worker whose script is not there is no fault. */
  allowMissingAssets: boolean;
  /** Whether the browser has WebGPU. */
  webgpu: boolean;
  /** What addresses of requests that we make ourselves end in. They have no place in the page's order. */
  ownRequest: string;
  /** The moment at which a worker begins. Default: before frame 0. */
  moment?: Moment;
}

/** Where the clock of a page is. */
export interface Moment {
  /** Virtual milliseconds since frame 0. */
  now: number;
  /** The frame that is being prepared, from 0; 0 while the page loads. */
  frame: number;
  /** False until frame 0 is prepared. */
  started: boolean;
}
