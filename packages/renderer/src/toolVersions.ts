import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { findBrowser } from './browser/findBrowser.js';
import { llvmpipeFor } from './browser/llvmpipe.js';
import { findFfmpeg } from './ffmpeg/findFfmpeg.js';
import type { RendererOptions } from './options/groups.js';

/** What makes a chunk besides its page and its options: another one may make another picture or file of them. */
export interface ToolVersions {
  /** The version of this package. */
  genlock: string;
  /** What the browser says of itself: its name and version. */
  browser: string;
  /** The driver that WebGL may be drawn with beside the browser's own. */
  webgl: string;
  /** The version of ffmpeg. */
  encoder: string;
  /** Arithmetic and encoders may differ between processors. */
  processor: string;
}

/**
 * What chunks are made with on this machine. Rejects with a ToolError where the browser or ffmpeg is
 * missing or does not start, and with `signal.reason`.
 */
export async function toolVersions(
  options: Pick<RendererOptions, 'browserConfig' | 'webgl' | 'ffmpegPath' | 'ffprobePath'> = {},
  { signal }: { signal?: AbortSignal } = {},
): Promise<ToolVersions> {
  const { browserConfig, webgl = 'auto', ffmpegPath, ffprobePath } = options;
  const stop = signal ? { signal } : {};
  // One that fails does not leave the other one running behind.
  const [browser, ffmpeg] = await Promise.allSettled([
    findBrowser({ executablePath: browserConfig?.executablePath, ...stop }),
    findFfmpeg({ ffmpegPath, ffprobePath, ...stop }),
  ]);
  if (browser.status === 'rejected') throw browser.reason;
  if (ffmpeg.status === 'rejected') throw ffmpeg.reason;
  return {
    genlock: ownVersion(),
    browser: browser.value.version,
    webgl: llvmpipeFor(webgl)?.stamp ?? '',
    encoder: ffmpeg.value.version,
    processor: [process.arch, cpus()[0]?.model ?? ''].join(' '),
  };
}

let version: string | undefined;

/** The version of this package. */
export function ownVersion(): string {
  const read = () => JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as unknown;
  return (version ??= String((read() as { version?: string }).version));
}
