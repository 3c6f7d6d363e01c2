import { z } from 'zod';
import type { CaptureWay, SeamPicture, SeamSide } from '../events.js';
import type { VideoCoding } from '../ffmpeg/coding.js';
import type { FileStamp } from '../ffmpeg/fileStamp.js';

/**
 * What is known about a rendered chunk. All of it survives JSON, and every field is optional: what is required can be
 * found in the file. The fields save looking for it again, or say what cannot be seen in the file.
 */
export interface ChunkResult {
  /** The number of frames in the file, which was verified. */
  frames?: number;
  /** How the file is coded, with ffprobe's names of the fields. */
  coding?: VideoCoding;
  /** The state of the file when it was verified. Only for the original file: a copy is verified again. */
  stamp?: FileStamp;
  /** How the page was captured, if it was opened for this chunk. */
  capture?: CaptureWay;
  /** The addresses that the page has read. `repeatable`: reading them again gives the same answers. */
  files?: { urls: string[]; repeatable: boolean };
  /** The frames at its seams. Their pictures are the files that the option `seamFiles` names. */
  seams?: Partial<Record<SeamSide, SeamPicture>>;
}

const picture = z.object({
  frame: z.int(),
  hash: z.string(),
  jumped: z.boolean(),
  drawn: z.boolean().optional(),
  exact: z.boolean(),
});

const SCHEMA = z.object({
  frames: z.int().optional(),
  coding: z.record(z.string(), z.string()).optional(),
  stamp: z.object({ inode: z.string(), bytes: z.string(), modified: z.string() }).optional(),
  capture: z.looseObject({ mode: z.string(), encoded: z.boolean() }).optional(),
  files: z.object({ urls: z.array(z.string()), repeatable: z.boolean() }).optional(),
  seams: z.object({ entry: picture.optional(), end: picture.optional() }).optional(),
});

/** Reads what an executor resolved with, which may be anything. Returns an empty result if it is not a ChunkResult. */
export function readChunkResult(value: unknown): ChunkResult {
  // The schema is looser than the type for values that the orchestrator only compares.
  return (SCHEMA.safeParse(value).data ?? {}) as unknown as ChunkResult;
}
