import { readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { findBrowser } from './browser/findBrowser.js';
import { llvmpipeFor } from './browser/llvmpipe.js';
import { findFfmpeg } from './ffmpeg/findFfmpeg.js';
import type { RendererOptions } from './options/groups.js';

/** The tools that make a chunk. With other tools, the same page and options may give another picture or file. */
export interface ToolVersions {
  /** The version of this package. */
  genlock: string;
  /** The browser's name and version, as it reports them. */
  browser: string;
  /** The driver that may draw WebGL instead of the browser's own. Empty if there is none. */
  webgl: string;
  /** The version of ffmpeg. */
  encoder: string;
  /** The processor: arithmetic and encoders may give different results on another one. */
  processor: string;
}

/**
 * Finds out what chunks are made with on this machine. Rejects with a ToolError if the browser or ffmpeg is
 * missing or does not start, and with `signal.reason` if the signal aborts.
 */
export async function toolVersions(
  options: Pick<RendererOptions, 'browserConfig' | 'webgl' | 'ffmpegPath' | 'ffprobePath'> = {},
  { signal }: { signal?: AbortSignal } = {},
): Promise<ToolVersions> {
  const { browserConfig, webgl = 'auto', ffmpegPath, ffprobePath } = options;
  const stop = signal ? { signal } : {};
  // If one of them fails, the other is still awaited, so that it does not run on unnoticed.
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
