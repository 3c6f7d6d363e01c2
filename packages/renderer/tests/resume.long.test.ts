import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RenderEvent } from '../src/index.js';
import { eventsOf, fail, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { decodedHashes } from './support/video.js';

const PAGE = fileURLToPath(new URL('pages/simulation.html', import.meta.url));
const GENLOCK = fileURLToPath(new URL('../../cli/bin/genlock.js', import.meta.url));
const FRAMES = 60;
const CHUNK = 5;

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());
const cache = join(sandbox.inputs, 'cache');
const frameHashes = join(sandbox.root, 'resume.hashes');
const url = sandbox.page(readFileSync(PAGE, 'utf8'), 'simulation.html');
const OPTIONS = {
  ...{ frameCount: FRAMES, chunkFrames: CHUNK, concurrency: 2, lossless: true, frameHashes },
  ...{ keepChunks: true, cacheDirectory: cache },
};

const captured = () => {
  const lines = readFileSync(frameHashes, 'utf8').trimEnd().split('\n');
  return lines.map((line) => line.split(' ')[1]!);
};

/** mulberry32, so that a run that fails can be had again. */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

describe('a render that is stopped and goes on', () => {
  let whole: string[];

  it('is one that was never stopped, after each of 20 cancels at random frames', async (context) => {
    await succeed(sandbox, url, { ...OPTIONS, keepChunks: false, concurrency: 1 }, {}, 'whole.mkv');
    whole = captured();
    const next = random(4);
    for (let round = 1; round <= 20; round++) {
      rmSync(cache, { recursive: true, force: true });
      const stopAt = 1 + Math.floor(next() * (FRAMES - 2));
      const controller = new AbortController();
      let drawn = 0;
      const inFlight = new Map<number, number>();
      let atStop: number[] = [];
      const onEvent = (event: RenderEvent) => {
        if (event.type === 'worker' && event.state === 'starting') inFlight.set(event.worker, event.chunk);
        if (event.type === 'frame' && ++drawn === stopAt) {
          atStop = [...inFlight.values()];
          controller.abort(new Error('enough'));
        }
      };
      const stopped = await fail(sandbox, url, OPTIONS, { signal: controller.signal, onEvent });
      const done = eventsOf(stopped.events, 'chunk').length;
      const { report, events, path } = await succeed(sandbox, url, OPTIONS, {}, 'resumed.mkv');
      assert.deepEqual(captured(), whole, `round ${round}, stopped at frame ${stopAt}`);
      assert.deepEqual(await decodedHashes(path), whole);
      // All that is drawn twice is in the chunks that were being drawn, or put away, at the stop.
      const again = eventsOf(events, 'frame').length - (FRAMES - done * CHUNK);
      assert.ok(again <= atStop.length * CHUNK, `round ${round}: ${again} frames were drawn again`);
      assert.ok(report.chunks.reused >= done - atStop.length, `round ${round}: ${report.chunks.reused} of ${done}`);
      context.diagnostic(`stopped at ${stopAt}: ${done} chunks done, ${report.chunks.reused} used again`);
    }
  });

  it('is the same after a SIGKILL in the middle', async (context) => {
    const folder = join(sandbox.inputs, 'cli');
    mkdirSync(folder);
    const args = ['render', fileURLToPath(url), '-o', join(folder, 'o.mkv'), '--overwrite', '--resume', '--json'];
    const size = ['--width', '160', '--height', '90', '--fps', '30', '--frames', `0-${FRAMES - 1}`];
    const more = ['--concurrency', '2', '--chunk-frames', String(CHUNK), '--lossless', '--cache', cache];
    const all = [GENLOCK, ...args, ...size, ...more, '--frame-hashes', frameHashes];
    const next = random(5);
    for (let round = 1; round <= 5; round++) {
      rmSync(cache, { recursive: true, force: true });
      const killAt = 10 + Math.floor(next() * (FRAMES - 20));
      const child = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'inherit'] });
      let drawn = 0;
      for await (const line of createInterface(child.stdout)) {
        if ((JSON.parse(line) as RenderEvent).type === 'frame' && ++drawn === killAt) child.kill('SIGKILL');
      }
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      assert.equal(child.signalCode, 'SIGKILL');
      await sandbox.emptied();
      sandbox.assertNoProcesses();

      const again = spawn(process.execPath, all, { stdio: ['ignore', 'pipe', 'inherit'] });
      let reused = 0;
      let redrawn = 0;
      for await (const line of createInterface(again.stdout)) {
        const event = JSON.parse(line) as RenderEvent;
        if (event.type === 'chunk' && event.state === 'reused') reused++;
        if (event.type === 'frame') redrawn++;
      }
      if (again.exitCode === null) await once(again, 'exit');
      assert.equal(again.exitCode, 0);
      assert.deepEqual(captured(), whole, `round ${round}, killed at frame ${killAt}`);
      assert.equal(redrawn, FRAMES - reused * CHUNK);
      assert.ok(redrawn <= FRAMES - killAt + 2 * CHUNK + CHUNK, `round ${round}: ${redrawn} frames after ${killAt}`);
      context.diagnostic(`killed at ${killAt}: ${reused} of ${FRAMES / CHUNK} chunks used again`);
    }
  });
});
