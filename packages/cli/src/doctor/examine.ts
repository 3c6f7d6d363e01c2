import { findLlvmpipe } from '@genlock/renderer/internal';
import type { Finding } from './Finding.js';
import { examineCores, examineHelpers, examineMemory, examineNode, examineSharedMemory } from './machine.js';
import { examineBrowser, examineFfmpeg, examineFonts, examineWebGl } from './tools.js';

/** The programs to check instead of those that would be found. */
interface Programs {
  browser?: string;
  ffmpeg?: string;
}

/** Checks everything that a render needs or benefits from. One check after the other is quick enough. */
export async function examine(programs: Programs, signal: AbortSignal): Promise<Finding[]> {
  return [
    examineNode(process.versions.node),
    await examineBrowser(programs.browser, signal),
    ...examineWebGl(findLlvmpipe()),
    ...(await examineFfmpeg(programs.ffmpeg, signal)),
    await examineFonts(signal),
    await examineSharedMemory(),
    examineCores(),
    examineMemory(),
    ...(await examineHelpers()),
  ];
}
