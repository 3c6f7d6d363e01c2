import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { chunkOptions, keyOptions, pageOptions, portableOptions } from '../src/options/optionGroups.js';
import { distributedSchema, portableSchema } from '../src/options/schema.js';
import type { DistributedOptionsInput } from '../src/index.js';
import { REPOSITORY } from './support/repository.js';

/** Every option, once. */
const ALL: Required<DistributedOptionsInput> = {
  ...{ width: 640, height: 360, fps: 30, durationInSeconds: 1, frameCount: 30, startFrame: 0, scale: 1 },
  ...{
    inputProps: {},
    randomSeed: 1,
    timeZone: 'UTC',
    locale: 'en',
    allowMissingAssets: true,
    ignoreHttpsErrors: true,
  },
  ...{ videoCodec: 'h264', crf: 20, preset: 'fast', videoBitrate: '8M', pixelFormat: 'yuv420p', lossless: false },
  ...{ fast: false, mode: 'auto', webgl: 'auto', entry: 'auto', endSeam: true, joinable: false, encoderThreads: 1 },
  ...{ deadlines: { load: 1000 }, stabilityTimeout: 1000, timeoutMs: 1000, maxMemoryMB: 1000, minFreeDiskMB: 1 },
  ...{ concurrency: 2, retries: 1, chunkFrames: 10, seams: 'fail', keepChunks: true },
  ...{
    browserConfig: { executablePath: '/chromium' },
    ffmpegPath: '/ffmpeg',
    ffprobePath: '/ffprobe',
    hardening: true,
  },
  ...{ frameHashes: '/hashes', seamFiles: '/seam', cacheDirectory: '/cache', partialOutput: '/part.mp4' },
};

/** The names of options that are not among these. */
const missing = (some: object) => Object.keys(ALL).filter((name) => !(name in some));

describe('groups of options', () => {
  it('have every option of the schema, each with a text for the editor', () => {
    assert.deepEqual(Object.keys(ALL).sort(), Object.keys(distributedSchema.shape).sort());
    const source = readFileSync(join(REPOSITORY, 'packages/renderer/src/options/groups.ts'), 'utf8');
    for (const name of Object.keys(ALL)) {
      assert.match(source, new RegExp(`\\*/\\n  ${name}\\??: `), `${name} has no text`);
    }
  });

  it('let nobody from elsewhere name a program or a file of this machine', () => {
    const ofThisMachine = ['browserConfig', 'ffmpegPath', 'ffprobePath', 'hardening'];
    const files = ['frameHashes', 'seamFiles', 'cacheDirectory', 'partialOutput'];
    assert.deepEqual(missing(portableOptions(ALL)).sort(), [...ofThisMachine, ...files].sort());
    for (const name of [...ofThisMachine, ...files]) {
      const { success } = portableSchema.safeParse({ width: 2, height: 2, fps: 1, [name]: ALL[name as 'hardening'] });
      assert.equal(success, false, name);
    }
  });

  it('give a chunk what it is rendered with', () => {
    const ofTheJob = ['durationInSeconds', 'timeoutMs', 'minFreeDiskMB', 'concurrency', 'retries', 'chunkFrames'];
    const more = ['seams', 'keepChunks', 'cacheDirectory', 'partialOutput'];
    assert.deepEqual(missing(chunkOptions(ALL)).sort(), [...ofTheJob, ...more].sort());
  });

  it('tell what one page draws for all of its chunks, and what decides what a chunk holds', () => {
    const { width: _width, ...others } = ALL;
    const ofOneChunk = ['startFrame', 'frameCount', 'frameHashes', 'seamFiles', 'endSeam'];
    assert.deepEqual(missing({ ...pageOptions(others), width: 1 }).sort(), ofOneChunk.sort());
    const key = keyOptions(chunkOptions(ALL));
    assert.equal(key['frameHashes'], true);
    for (const name of ['deadlines', 'hardening', 'ffmpegPath', 'seamFiles', 'maxMemoryMB'])
      assert.ok(!(name in key), name);
    for (const name of ['startFrame', 'crf', 'mode', 'webgl', 'inputProps', 'locale']) assert.ok(name in key, name);
  });
});
