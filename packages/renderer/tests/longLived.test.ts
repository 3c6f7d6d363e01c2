import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { join } from 'node:path';
import { it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { hostDifferences, readHost, Traces } from '../src/testing/index.js';
import { everyThird } from './support/extent.js';
import { fail } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
const COMPLAINTS = ['warning', 'unhandledRejection'] as const;
const WARM_UP = [1, 5, 40];
/** Numbers of the events at which the renders are aborted: most come before the first frame. */
const MOMENTS = everyThird([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 18, 20, 24, 28, 32, 40, 50, 60, 70]);

it(`${MOMENTS.length} renders that are aborted at as many moments leave nothing in this process (clause 14)`, async () => {
  using sandbox = new Sandbox();
  const traces = new Traces([sandbox.root]);
  const complaints: unknown[] = [];
  const complain = (what: unknown) => void complaints.push(what);
  for (const name of COMPLAINTS) process.on(name, complain);
  try {
    const abortAt = async (moment: number) => {
      const controller = new AbortController();
      const reason = new Error(`at event ${moment}`);
      let count = 0;
      const onEvent = () => {
        if (++count === moment) controller.abort(reason);
      };
      const { error } = await fail(sandbox, COUNTER, { frameCount: 60 }, { signal: controller.signal, onEvent });
      assert.equal(error, reason);
      assert.equal(getEventListeners(controller.signal, 'abort').length, 0);
      assert.deepEqual(traces.zombies(), [], `zombies after event ${moment}`);
      assert.deepEqual(traces.survivors(), [], `processes after event ${moment}`);
    };
    for (const moment of WARM_UP) await abortAt(moment);
    const before = await readHost();
    for (const moment of MOMENTS) {
      await abortAt(moment);
      assert.deepEqual(hostDifferences(before, await readHost()), [], `after event ${moment}`);
    }
    assert.deepEqual(complaints, []);
  } finally {
    for (const name of COMPLAINTS) process.off(name, complain);
  }
});
