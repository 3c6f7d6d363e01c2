import { findLlvmpipe } from '@genlock/renderer/internal';
import type { Finding } from './Finding.js';
import { examineCores, examineHelpers, examineMemory, examineNode, examineSharedMemory } from './machine.js';
import { examineBrowser, examineFfmpeg, examineFonts, examineWebGl } from './tools.js';

/** The programs to look at in place of those that would be found. */
interface Programs {
  browser?: string;
  ffmpeg?: string;
}

/** Looks at everything that a render needs or likes to have. One after the other: it is quick enough. */
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
