import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Renderer, type ChunkResult, type RenderExecutor } from '../src/index.js';
import { readChunkResult } from '../src/executors/ChunkResult.js';
import { encodeOnly } from './support/encodeOnly.js';
import { eventsOf, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

/** Renders as if on another machine: nothing comes back but the file, and what the executor resolves with as JSON. */
function silent(change: (result: ChunkResult) => unknown): RenderExecutor {
  return {
    render: async (url, path, options, { signal, worker }) => {
      const result = await new Renderer(options).render(url, path, { signal: signal!, worker: worker! });
      return change(JSON.parse(JSON.stringify(result)) as ChunkResult) as ChunkResult;
    },
  };
}

describe('what an executor resolves with', () => {
  it('is enough to compare the seams, and to know what need not be looked into again', async () => {
    const results: ChunkResult[] = [];
    const executor = silent((result) => {
      results.push(result);
      return result;
    });
    const { report, events } = await succeed(sandbox, COUNTER, { frameCount: 8, concurrency: 2, executor });
    assert.deepEqual(report.seams, { total: 1, audited: 1, continued: 0 });
    const probes = eventsOf(events, 'process').filter(({ role, state }) => role === 'probe' && state === 'started');
    assert.equal(probes.length, 1, 'only the whole video is looked into here');
    for (const { frames, capture, files } of results) {
      assert.equal(frames, 4);
      assert.equal(typeof capture?.mode, 'string');
      assert.equal(files?.repeatable, true);
    }
  });

  it('may be nothing, or anything', async () => {
    for (const said of [undefined, 5, { seams: 'none', coding: 7 }]) {
      const { report } = await succeed(sandbox, COUNTER, {
        frameCount: 4,
        concurrency: 2,
        executor: {
          render: async (...job) => {
            await encodeOnly.render(...job);
            return said as ChunkResult;
          },
        },
      });
      assert.deepEqual(report.seams, { total: 1, audited: 0, continued: 0 });
    }
    for (const said of [null, 'a text', { frames: 'many' }, { files: { urls: [1], repeatable: true } }]) {
      assert.deepEqual(readChunkResult(said), {});
    }
  });
});
