import { findLlvmpipe } from '@genlock/renderer';
import type { DoctorFlags } from '../commands/doctor.js';
import type { Finding } from './Finding.js';
import { examineCores, examineHelpers, examineMemory, examineNode, examineSharedMemory } from './machine.js';
import { examineBrowser, examineFfmpeg, examineFonts, examineWebGl } from './tools.js';

/** Looks at everything that a render needs or likes to have. One after the other: it is quick enough. */
export async function examine(flags: DoctorFlags, signal: AbortSignal): Promise<Finding[]> {
  return [
    examineNode(process.versions.node),
    await examineBrowser(flags.browser, signal),
    ...examineWebGl(findLlvmpipe()),
    ...(await examineFfmpeg(flags.ffmpeg, signal)),
    await examineFonts(signal),
    await examineSharedMemory(),
    examineCores(),
    examineMemory(),
    ...(await examineHelpers()),
  ];
}
