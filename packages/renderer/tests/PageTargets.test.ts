import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { BrowserSession } from '../src/browser/BrowserSession.js';
import { PageTargets } from '../src/browser/PageTargets.js';
import { parseRendererOptions } from '../src/options/options.js';
import { Complaints } from './support/leaks.js';
import { TWO_WORKERS } from './support/renders.js';

const { concurrency: _, ...ONE } = TWO_WORKERS;

/** A session of the protocol that answers as it is told to. */
class Client extends EventEmitter {
  readonly children = new Map<string, Client>();

  constructor(readonly send: (method: string) => Promise<unknown>) {
    super();
  }

  readonly id = 'a session';
  readonly connection = { session: (id: string) => this.children.get(id) };
}

describe('a worker of the page that cannot be prepared', () => {
  for (const type of ['worker', 'shared_worker']) {
    for (const broken of ['Runtime.enable', 'Network.enable', 'Target.setAutoAttach', 'Runtime.evaluate']) {
      it(`fails the render, and no more than that: ${broken} of a ${type}`, async () => {
        using complaints = new Complaints();
        const error = new Error(`${broken} is not known`);
        const page = new Client(() => setImmediate({ result: {} }));
        const worker = new Client((method) => (method === broken ? Promise.reject(error) : Promise.resolve({})));
        page.children.set('its session', worker);
        const failures: unknown[] = [];
        const session = {
          client: page,
          root: page,
          ownWorker: '#ours',
          sendTo: ({ send }: Client) => send,
          scope: { fail: (failure: unknown) => failures.push(failure) },
        } as unknown as BrowserSession;
        const told = () => {};
        const watched = () => Promise.resolve();
        const targets = new PageTargets(session, parseRendererOptions(ONE, 'out.mp4'), {} as never, watched, told);
        await targets.open();
        const targetInfo = { type, url: 'http://localhost/worker.js' };
        page.emit('Target.attachedToTarget', { sessionId: 'its session', targetInfo });
        for (let turn = 0; turn < 10; turn++) await setImmediate();
        assert.ok(failures.length > 0 && failures.every((failure) => failure === error));
        assert.deepEqual(complaints.list, []);
      });
    }
  }
});
