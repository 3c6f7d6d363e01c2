import { readdir } from 'node:fs/promises';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { ToolError } from '@genlock/renderer';
import { findBrowser, findFfmpeg, runCommand, messageOf, type Llvmpipe } from '@genlock/renderer/internal';
import { defined } from '../flags.js';
import { plural } from '../format.js';
import { installAdvice } from './advice.js';
import type { Finding } from './Finding.js';

/** The encoders that Genlock can use, with their purpose. The default video needs the first one. */
const ENCODERS: Readonly<Record<string, string>> = {
  libx264: 'h264, the default',
  libx264rgb: '--lossless',
  libx265: 'h265',
  'libvpx-vp9': 'vp9, .webm',
  libsvtav1: 'av1',
  prores_ks: 'prores',
};

export async function examineBrowser(executablePath: string | undefined, signal: AbortSignal): Promise<Finding> {
  try {
    const found = await findBrowser({ signal, ...defined({ executablePath }) });
    const kind = found.headlessShell ? 'headless shell' : 'full browser';
    const control = found.beginFrameControl ? 'begin-frame control' : 'no begin-frame control: plain screenshots';
    return {
      name: 'browser',
      status: found.beginFrameControl ? 'ok' : 'note',
      text: `${found.version}, ${found.path} (${kind}, ${control})`,
      ...(found.beginFrameControl || process.platform === 'darwin'
        ? {}
        : { advice: `the headless shell is faster: ${installAdvice('chromium-headless-shell')}` }),
      data: { ...found },
    };
  } catch (error) {
    return lacking('browser', error, installAdvice('chromium-headless-shell'), signal);
  }
}

/** Only on Linux is there a choice of drivers. */
export function examineWebGl(llvmpipe: Llvmpipe | undefined, platform = process.platform): Finding[] {
  if (platform !== 'linux') return [];
  if (llvmpipe) return [{ name: 'webgl', status: 'ok', text: `llvmpipe, ${llvmpipe.manifest}`, data: { ...llvmpipe } }];
  const advice = `llvmpipe draws WebGL in half the time: ${installAdvice('mesa-vulkan-drivers')}`;
  return [{ name: 'webgl', status: 'note', text: "by SwiftShader, the browser's own driver", advice }];
}

export async function examineFfmpeg(ffmpegPath: string | undefined, signal: AbortSignal): Promise<Finding[]> {
  try {
    const { ffmpeg, ffprobe, version, encoders } = await findFfmpeg({ signal, ...defined({ ffmpegPath }) });
    return [
      { name: 'ffmpeg', status: 'ok', text: `${version}, ${ffmpeg}`, data: { ffmpeg, ffprobe, version } },
      examineEncoders(encoders),
    ];
  } catch (error) {
    return [lacking('ffmpeg', error, installAdvice('ffmpeg'), signal)];
  }
}

/** Compares the encoders of an ffmpeg with those that Genlock can use. */
export function examineEncoders(encoders: ReadonlySet<string>): Finding {
  const names = Object.keys(ENCODERS);
  const present = names.filter((name) => encoders.has(name));
  const absent = names.filter((name) => !encoders.has(name));
  const missing = absent.map((name) => `${name} (${ENCODERS[name]})`).join(', ');
  return {
    name: 'encoders',
    status: absent.length === 0 ? 'ok' : encoders.has('libx264') ? 'note' : 'lacking',
    text: `${present.join(', ') || 'none that Genlock uses'}${missing ? `; missing: ${missing}` : ''}`,
    ...(absent.length > 0 ? { advice: `use an ffmpeg that has them, with --ffmpeg or GENLOCK_FFMPEG` } : {}),
    data: { present, absent },
  };
}

export async function examineFonts(signal: AbortSignal): Promise<Finding> {
  const count = (await listedFonts(signal)) ?? (await fontFiles());
  const advice = installAdvice('fonts-dejavu-core');
  return count === 0
    ? { name: 'fonts', status: 'lacking', text: 'none: text would not be drawn', advice, data: { count } }
    : { name: 'fonts', status: 'ok', text: plural(count, 'font'), data: { count } };
}

/** How many fonts fontconfig knows; undefined if `fc-list` is not installed. */
async function listedFonts(signal: AbortSignal): Promise<number | undefined> {
  try {
    const { code, stdout } = await runCommand('fc-list', [], { signal, deadlineMs: 20_000 });
    return code === 0 ? stdout.split('\n').filter((line) => line.trim() !== '').length : undefined;
  } catch (error) {
    if (signal.aborted) throw error;
    return undefined;
  }
}

/** How many font files are in the usual folders. */
async function fontFiles(): Promise<number> {
  const folders = ['/usr/share/fonts', '/usr/local/share/fonts', '/System/Library/Fonts', '/Library/Fonts'];
  const own = ['.fonts', '.local/share/fonts', 'Library/Fonts'].map((folder) => join(homedir(), folder));
  let count = 0;
  for (const folder of [...folders, ...own]) {
    const names = await readdir(folder, { recursive: true }).catch(() => []);
    count += names.filter((name) => /\.(ttf|otf|ttc|otc|pfb|woff2?)$/i.test(name)).length;
  }
  return count;
}

function lacking(name: string, error: unknown, advice: string, signal: AbortSignal): Finding {
  if (signal.aborted) throw error;
  // The library's message ends with advice, which has its own line here.
  const message = messageOf(error);
  const text = error instanceof ToolError ? message.replace(/\. (On Debian|Elsewhere).*$/s, '') : message;
  return { name, status: 'lacking', text, advice };
}
