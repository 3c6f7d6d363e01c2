import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { it } from 'node:test';
import { Connection, ConnectionLost } from '../src/browser/Connection.js';
import { PipeTransport } from '../src/browser/PipeTransport.js';

/** A connection whose messages go nowhere; `say` is the browser. */
function open() {
  const fromBrowser = new PassThrough();
  const transport = new PipeTransport(new PassThrough(), fromBrowser, (error) => assert.fail(String(error)));
  const asked: { id: number; method: string; sessionId?: string }[] = [];
  transport.send = (message) => void asked.push(message as (typeof asked)[number]);
  const connection = new Connection(transport);
  const say = (message: object): void => {
    transport.onmessage?.(message);
  };
  const attach = (sessionId: string) => {
    say({ method: 'Target.attachedToTarget', params: { sessionId } });
    return connection.session(sessionId)!;
  };
  return { connection, transport, asked, say, attach };
}

it('answers come to who has asked, in whatever order', async () => {
  const { connection, asked, say, attach } = open();
  const page = attach('page');
  const answers = [
    connection.send('Browser.getVersion'),
    page.send('Page.enable'),
    page.send('Page.navigate', { url: '/' }),
  ];
  assert.deepEqual(
    asked.map(({ method, sessionId }) => [method, sessionId]),
    [
      ['Browser.getVersion', undefined],
      ['Page.enable', 'page'],
      ['Page.navigate', 'page'],
    ],
  );
  say({ id: asked[2]!.id, sessionId: 'page', error: { message: 'no', data: 'such page' } });
  say({ id: asked[0]!.id, result: 'first' });
  say({ id: asked[1]!.id, sessionId: 'page', result: 'second' });
  // An answer that nobody waits for is nobody's.
  say({ id: 77, result: 'other' });
  const settled = await Promise.allSettled(answers);
  assert.deepEqual(
    settled.map((each) => (each.status === 'fulfilled' ? each.value : String(each.reason))),
    ['first', 'second', 'Error: Protocol error (Page.navigate): no such page'],
  );
});

it('events come to the listeners of their session, in the order in which those came', () => {
  const { say, attach } = open();
  const [page, other] = [attach('page'), attach('other')];
  const heard: unknown[] = [];
  page.on('Page.loadEventFired', (event) => heard.push('one', event));
  page.on('Page.loadEventFired', (event) => heard.push('two', event));
  other.on('Page.loadEventFired', () => heard.push('other'));
  say({ method: 'Page.loadEventFired', sessionId: 'page', params: 5 });
  say({ method: 'Page.loadEventFired', sessionId: 'unknown', params: 6 });
  assert.deepEqual(heard, ['one', 5, 'two', 5]);
});

it('what is asked of a part that ends, or of a browser, is rejected, before and after', async () => {
  const { connection, transport, asked, say, attach } = open();
  const [page, worker] = [attach('page'), attach('worker')];
  const pending = worker.send('Runtime.enable');
  const unaffected = page.send('Runtime.enable');
  say({ method: 'Target.detachedFromTarget', params: { sessionId: 'worker' } });
  await assert.rejects(pending, ConnectionLost);
  await assert.rejects(worker.send('Runtime.enable'), ConnectionLost);
  assert.equal(connection.session('worker'), undefined);
  say({ id: asked[1]!.id, sessionId: 'page', result: {} });
  await unaffected;
  const last = [page.send('Runtime.enable'), connection.send('Browser.getVersion')];
  transport.onclose?.();
  for (const each of last) await assert.rejects(each, ConnectionLost);
  await assert.rejects(connection.send('Browser.getVersion'), ConnectionLost);
});

it('who has the browser next gets no answer to what was asked before', async () => {
  const { connection, asked, say, attach } = open();
  const before = attach('before').send('Page.enable');
  connection.clear();
  await assert.rejects(before, ConnectionLost);
  const after = attach('after').send('Browser.getVersion');
  say({ id: asked[0]!.id, sessionId: 'before', result: 'late' });
  say({ id: asked[1]!.id, sessionId: 'after', result: { product: 'right' } });
  assert.equal((await after).product, 'right');
});
