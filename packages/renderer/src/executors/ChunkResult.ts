import { z } from 'zod';
import type { CaptureWay, SeamPicture, SeamSide } from '../events.js';
import type { VideoCoding } from '../ffmpeg/coding.js';
import type { FileStamp } from '../ffmpeg/fileStamp.js';

/**
 * What is known of a chunk that was rendered. All of it survives JSON, and all may be left out: the file says what is
 * needed. What is here need not be looked for again, or cannot be seen in the file.
 */
export interface ChunkResult {
  /** How many frames the file holds: it was looked into. */
  frames?: number;
  /** How it is coded, by ffprobe's names of the fields. */
  coding?: VideoCoding;
  /** What the file was then. Only where it is the very file that the render was asked for: a copy is looked into. */
  stamp?: FileStamp;
  /** How the page was captured, where it was opened for this chunk. */
  capture?: CaptureWay;
  /** The addresses that the page has read; `repeatable` when they answer the same to who asks again. */
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

/** What an executor has resolved with, which may be anything: empty where it is no ChunkResult. */
export function readChunkResult(value: unknown): ChunkResult {
  // The schema is looser where the orchestrator only compares.
  return (SCHEMA.safeParse(value).data ?? {}) as unknown as ChunkResult;
}
