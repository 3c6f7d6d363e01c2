import assert from 'node:assert/strict';
import { join } from 'node:path';
import { it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { ChildHost } from './support/ChildHost.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
const KILLS = 50;
/** The kills fall anywhere in this time after the render began: launch, load, seek, capture. */
const SPREAD_MS = 2000;
/** What the contract promises. */
const GONE_MS = 1000;

it(`clause 13: nothing is left one second after each of ${KILLS} kills at random moments`, async (test) => {
  using sandbox = new Sandbox();
  const destination = sandbox.destination('out.mp4');
  const times: number[] = [];
  for (let kill = 0; kill < KILLS; kill++) {
    const hardening = kill % 2 === 0;
    await using host = new ChildHost(sandbox, COUNTER, destination, { frameCount: 2000, hardening });
    await host.until(({ type }) => type === 'state');
    // This is the random moment, not a wait for something to happen.
    await setTimeout(Math.random() * SPREAD_MS);
    const killed = performance.now();
    await host.kill();
    assert.deepEqual(await host.gone([destination], GONE_MS), [], `kill ${kill}, hardening ${hardening}`);
    times.push(performance.now() - killed);
  }
  sandbox.assertNothingLeft(destination);
  times.sort((a, b) => a - b);
  test.diagnostic(`ms until nothing was left: median ${times[KILLS / 2]!.toFixed(0)}, max ${times.at(-1)!.toFixed(0)}`);
});
