import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { fail } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
const PROCESS_EVENTS = ['exit', 'SIGINT', 'SIGTERM', 'SIGHUP', 'warning', 'unhandledRejection', 'uncaughtException'];

/** What this Node process holds. */
async function held() {
  // Node lets go of the handle of a process at the end of the turn in which it ended.
  await setImmediate();
  await setImmediate();
  return {
    descriptors: readdirSync('/proc/self/fd').length,
    resources: process.getActiveResourcesInfo().sort(),
    listeners: PROCESS_EVENTS.map((name) => [name, process.listenerCount(name)]),
  };
}

it('15 renders that are aborted at as many moments leave nothing in this process', async () => {
  using sandbox = new Sandbox();
  const complaints: unknown[] = [];
  const complain = (what: unknown) => void complaints.push(what);
  for (const name of ['warning', 'unhandledRejection'] as const) process.on(name, complain);
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
    };
    for (const moment of [1, 5, 40]) await abortAt(moment);
    const before = await held();
    for (const moment of [1, 2, 3, 4, 5, 6, 8, 10, 12, 14, 16, 20, 30, 50, 70]) await abortAt(moment);
    assert.deepEqual(await held(), before);
    assert.deepEqual(complaints, []);
  } finally {
    for (const name of ['warning', 'unhandledRejection'] as const) process.off(name, complain);
  }
});
