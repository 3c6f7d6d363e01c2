/** The configuration of the page's clock. Plain data. */
export interface PageConfig {
  /** Frame rate as a fraction: frame n shows n * den / num seconds. */
  fps: { num: number; den: number };
  /** Size of the page's view in CSS pixels. */
  view: { width: number; height: number };
  /** What the page sees as `window.genlock.props`. */
  props: Record<string, unknown>;
  /** Seed of `Math.random`. A dedicated worker reads its own seed from its name. */
  seed: number;
  /** What `Date` shows at frame 0, in milliseconds since 1970. */
  epoch: number;
  /** Whether to tolerate workers whose script cannot be loaded. */
  allowMissingAssets: boolean;
  /** Whether the browser has WebGPU. */
  webgpu: boolean;
  /** Suffix that marks the URLs of Genlock's own requests, which have no place in the page's order. */
  ownRequest: string;
  /** The moment at which a worker starts. Default: before frame 0. */
  moment?: Moment;
}

/** The reading of a page's clock. */
export interface Moment {
  /** Virtual milliseconds since frame 0. */
  now: number;
  /** The frame being prepared, from 0; also 0 while the page loads. */
  frame: number;
  /** False until frame 0 is prepared. */
  started: boolean;
}
