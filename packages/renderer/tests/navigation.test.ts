import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { NavigationError, type RendererOptions } from '../src/index.js';
import { ClockPages } from './support/clockPages.js';
import { LONG } from './support/extent.js';
import { eventsOf, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

const SMALL = { width: 160, height: 90, frameCount: 2 } satisfies Partial<RendererOptions>;

/** Serves these documents by path; never answers `never…`, and 404 to all else. */
function serve(documents: Record<string, string>): Promise<Server> {
  return Server.start(({ url = '/' }, response) => {
    const html = documents[url.slice(1)];
    if (url.startsWith('/never')) return;
    response.writeHead(html === undefined ? 404 : 200, { 'content-type': 'text/html' });
    response.end(`<!doctype html><body>${html ?? ''}`);
  });
}

const ARRIVED = '<script>console.log("arrived")</script>';

describe('a page that goes on to another document while it loads', () => {
  const ways: [how: string, html: string][] = [
    ['by location.replace', '<script>location.replace("/b")</script>'],
    ['by location.href', '<script>location.href = "/b"</script>'],
    ['by window.open in itself', '<script>window.open("/b", "_self")</script>'],
    ['from a timer', '<script>setTimeout(() => location.replace("/b"))</script>'],
    ['when it has loaded', '<script>onload = () => location.replace("/b")</script>'],
  ];
  for (const [how, html] of ways) {
    it(how, async () => {
      await using server = await serve({ a: html, b: ARRIVED });
      const { events } = await pages.succeed(server.url('a'), SMALL);
      assert.deepEqual(
        eventsOf(events, 'page-console').map(({ text }) => text),
        ['arrived'],
      );
    });
  }

  it('fifty times of fifty', LONG, async () => {
    await using server = await serve({ a: ways[0]![1], b: ARRIVED });
    for (let time = 0; time < 50; time++) await pages.succeed(server.url('a'), { ...SMALL, frameCount: 1 });
  });

  it('leaves behind what it was still loading, and what frames were that are gone', async () => {
    await using server = await serve({
      a: '<script>location.replace("/b")</script><img src="never.png"><link rel="stylesheet" href="never.css">',
      b: `${ARRIVED}<iframe src="c"></iframe>
        <script>onmessage = () => document.querySelector('iframe').remove()</script>`,
      c: '<link rel="preload" as="image" href="never2.png"><script>parent.postMessage(0, "*")</script>',
    });
    await pages.succeed(server.url('a'), SMALL);
  });

  it('to one that is not there: it names that one', async () => {
    await using server = await serve({ a: '<script>location.replace("/gone")</script>' });
    const { error } = await pages.fail(server.url('a'), { ...SMALL, allowMissingAssets: true });
    assert.ok(error instanceof NavigationError, String(error));
    assert.equal(error.url, server.url('gone'));
  });

  it('or nowhere, for it was told to stay', async () => {
    await using server = await serve({ a: '<script>location.href = "mailto:somebody@example.org"</script>' });
    await pages.succeed(server.url('a'), SMALL);
  });
});

describe('a page that opens windows', () => {
  const ways: [how: string, script: string, said: string[]][] = [
    ['an empty one', 'w = window.open(); w.document.write("<p>hello"); say(w.document.body.innerText)', ['hello']],
    ['a named one', 'w = window.open("about:blank", "x", "width=99,height=99"); say(w.closed)', ['false']],
    ['one that is closed at once', 'w = window.open("/b"); w.close(); say(w.closed)', ['true']],
    ['one that never loads', 'w = window.open("/never"); say(w.closed)', ['false']],
    ['one that is not there', 'w = window.open("/gone"); say(w.closed)', ['false']],
    ['one that fails', 'w = window.open("/throws"); say(w.closed)', ['false']],
    ['one without an opener', 'say(window.open("/b", "", "noopener"))', ['null']],
    ['by a link', 'a.click(); say("clicked")', ['clicked']],
  ];
  it('goes on, and can use them', async () => {
    using sandbox = new Sandbox();
    const scripts = ways.map(([, script]) => `{ let w; ${script} }`).join('\n');
    await using server = await serve({
      a: `<a id="a" href="/b" target="_blank">b</a><script>const say = (what) => console.log(String(what));
        ${scripts}</script>`,
      b: 'b',
      throws: '<script>throw new Error("in a window")</script>',
    });
    const { events } = await succeed(sandbox, server.url('a'), { ...SMALL, frameCount: 4, concurrency: 2 });
    for (const index of [0, 1]) {
      const said = eventsOf(events, 'page-console').filter(({ worker }) => worker === index);
      assert.deepEqual(
        said.map(({ text }) => text),
        ways.flatMap(([, , texts]) => texts),
      );
    }
  });

  it('moves them by its own clock, from any frame', async () => {
    const script = `
      requestAnimationFrame(() => {
        const w = window.open();
        w.document.write('<script>setTimeout(() => opener.say(), 150)<\\/script>');
        w.document.close();
      });
      globalThis.say = () => console.log(genlock.frame, document.visibilityState);`;
    const url = pages.sandbox.page(`<!doctype html><script>${script}</script>`);
    const { events } = await pages.succeed(url, { ...SMALL, fps: 30, frameCount: 8 });
    assert.deepEqual(
      eventsOf(events, 'page-console').map(({ text }) => text),
      ['5 visible'],
    );
  });
});
