import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { AssetError, type RendererOptions } from '../src/index.js';
import { ClockPages } from './support/clockPages.js';
import { eventsOf } from './support/renders.js';
import { refusalIn, whyBlocked } from '../src/browser/refusals.js';
import { Server } from './support/server.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

const SMALL = { width: 160, height: 90, frameCount: 2 } satisfies Partial<RendererOptions>;

const INTEGRITY = `integrity="sha256-${'A'.repeat(43)}="`;
const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);
const TYPES: Record<string, string> = { html: 'text/html', css: 'text/css', js: 'text/javascript', png: 'image/png' };

type Headers = Record<string, string>;

/** Serves these pages and files; for all else, as for a page of one document, that document. */
function serve(pages: Record<string, string>, headers: Headers = {}): Promise<Server> {
  const files: Record<string, string> = {
    'imports.css': '@import "imported.css";',
    'imports.js': 'import "./imported.js";',
    'inner.js': 'import "./within.js";',
    'unfit.css': 'p { color: red }',
    'unfit.js': 'document.body.append("unfit")',
    'plain.css': 'p { color: red }',
    ...pages,
  };
  return Server.start(({ url = '/' }, response) => {
    const name = url.slice(1);
    const extension = name.slice(name.lastIndexOf('.') + 1);
    const type = files[name] === undefined ? 'text/html' : (TYPES[extension] ?? 'text/plain');
    const more: Headers = {
      ...(name.startsWith('sniffed') && { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff' }),
      ...(name.startsWith('plain') && { 'content-type': 'text/plain' }),
      ...(name.endsWith('.png') && { 'content-type': 'image/png' }),
      ...(name.startsWith('owned') && { 'cross-origin-resource-policy': 'same-origin' }),
      ...(extension === 'html' && headers),
    };
    response.writeHead(200, { 'content-type': type, ...more });
    response.end(name.endsWith('.png') ? PNG : (files[name] ?? '<!doctype html><body>the only document</body>'));
  });
}

const WRONG = (type: string) => `its type is text/html, not ${type}`;

/** Files that come and that the browser refuses, with what is said of them. */
const REFUSED: [file: string, what: string, why: string, html: string][] = [
  ['sheet.css', 'stylesheet', WRONG('text/css'), '<link rel="stylesheet" href="sheet.css">'],
  ['imported.css', 'stylesheet', WRONG('text/css'), '<link rel="stylesheet" href="imports.css">'],
  [
    'ahead.css',
    'stylesheet',
    WRONG('text/css'),
    '<link rel="preload" as="style" href="ahead.css"><link rel="stylesheet" href="ahead.css">',
  ],
  ['sniffed.css', 'stylesheet', 'its type is text/plain, not text/css', '<link rel="stylesheet" href="sniffed.css">'],
  ['unfit.css', 'stylesheet', 'its integrity does not fit', `<link rel="stylesheet" href="unfit.css" ${INTEGRITY}>`],
  ['module.js', 'script', WRONG('text/javascript'), '<script type="module" src="module.js"></script>'],
  ['imported.js', 'script', WRONG('text/javascript'), '<script type="module" src="imports.js"></script>'],
  [
    'data.json',
    'script',
    WRONG('application/json'),
    '<script type="module">import "./data.json" with { type: "json" }</script>',
  ],
  ['sniffed.js', 'script', 'its type is text/plain, not text/javascript', '<script src="sniffed.js"></script>'],
  ['picture.png', 'script', 'its type is image/png, not text/javascript', '<script src="picture.png"></script>'],
  ['unfit.js', 'script', 'its integrity does not fit', `<script src="unfit.js" ${INTEGRITY}></script>`],
  ['worker.js', 'script', WRONG('text/javascript'), '<script>new Worker("worker.js", { type: "module" });</script>'],
  ['track.vtt', 'text track', WRONG('text/vtt'), '<video><track default src="track.vtt"></video>'],
  ['part.svg', 'file', WRONG('image/svg+xml'), '<svg width="9" height="9"><use href="part.svg#part"/></svg>'],
];

/** Files that the browser refuses as well, of which there is nothing to be said. */
const HANDLED = `<!doctype html><script>
    import('./direct.js').catch(() => console.log('direct'));
    import('./inner.js').catch(() => console.log('inner'));
    CSS.paintWorklet.addModule('worklet.js').catch(() => console.log('worklet'));
    fetch('unfit.js?fetched', { integrity: 'sha256-${'A'.repeat(43)}=' }).catch(() => console.log('fetch'));
  </script>`;

const reasons = (events: Parameters<typeof eventsOf>[0]) =>
  eventsOf(events, 'warning')
    .map(({ message }) => message.replace(/^worker 0 \(\w+\): |http:\S*\/|\. Fix the address.*/g, ''))
    .sort();

describe('a file that comes, and that the browser refuses', () => {
  it('is a warning with allowMissingAssets, by name and with the reason', async () => {
    const unused = `<link rel="stylesheet" media="print" href="print.css">
      <link rel="preload" as="style" href="unused.css"><link rel="modulepreload" href="unused.js">`;
    const markup = [...REFUSED.map(([, , , html]) => html), unused];
    await using server = await serve({ 'index.html': `<!doctype html><body>${markup.join('\n')}` });
    const { events } = await pages.succeed(server.url('index.html'), { ...SMALL, allowMissingAssets: true });
    const idle = (what: string, file: string, type: string) =>
      `${what}: ${file} did not load (the browser refuses it: ${WRONG(type)})`;
    assert.deepEqual(
      reasons(events),
      [
        ...REFUSED.map(([file, what, why]) => `${what} did not load: ${file} (the browser refuses it: ${why})`),
        idle('style sheet that does not apply', 'print.css', 'text/css'),
        idle('preloaded and not used', 'unused.css', 'text/css'),
        idle('preloaded and not used', 'unused.js', 'text/javascript'),
      ].sort(),
    );
  });

  it('is none where the page handles it', async () => {
    await using server = await serve({ 'index.html': HANDLED });
    const { events } = await pages.succeed(server.url('index.html'), SMALL);
    assert.deepEqual(reasons(events), []);
    const said = eventsOf(events, 'page-console').map(({ text }) => text);
    assert.deepEqual(said.sort(), ['direct', 'fetch', 'inner', 'worklet']);
  });

  it('fails the render at the frame that asks for it', async () => {
    await using server = await serve({
      'index.html': `<!doctype html><body><link rel="preload" as="style" href="late.css"><script>
        requestAnimationFrame(function each() {
          if (genlock.frame === 1)
            document.head.append(Object.assign(document.createElement('link'), { rel: 'stylesheet', href: 'late.css' }));
          requestAnimationFrame(each);
        });
      </script>`,
    });
    const { error, events } = await pages.fail(server.url('index.html'), SMALL);
    assert.ok(error instanceof AssetError, String(error));
    assert.match(error.message, /frame 1 .*stylesheet did not load: .*late\.css \(the browser refuses it: /);
    assert.equal(reasons(events).length, 1, 'not used at first');
  });

  it('fails it as a dynamic import that nobody handles', async () => {
    await using server = await serve({ 'index.html': '<script>import("./inner.js").then(() => {});</script>' });
    const { error } = await pages.fail(server.url('index.html'), SMALL);
    assert.ok(error instanceof AssetError, String(error));
    assert.match(error.message, /script did not load: .*within\.js \(the browser refuses it: its type is text\/html/);
  });

  it('is none where the browser takes it all the same: a sheet of any type without a doctype', async () => {
    await using server = await serve({
      'index.html': `<html><link rel="stylesheet" href="plain.css"><p>text<script>
        onload = () => console.log(getComputedStyle(document.querySelector('p')).color);
      </script>`,
    });
    const { events } = await pages.succeed(server.url('index.html'), SMALL);
    assert.deepEqual(reasons(events), []);
    assert.deepEqual(
      eventsOf(events, 'page-console').map(({ text }) => text),
      ['rgb(255, 0, 0)'],
    );
  });

  it('is named with the reason where another origin keeps it', async () => {
    await using other = await serve({});
    const url = (file: string) => other.url(file);
    const all: [file: string, what: string, why: RegExp, html: string][] = [
      ['owned.png', 'image', /Cross-Origin-Resource-Policy/, `<img src="${url('owned.png')}">`],
      ['page.js', 'script', /another origin.*ORB/, `<script src="${url('page.js')}"></script>`],
      ['page.css', 'stylesheet', /another origin.*ORB/, `<link rel="stylesheet" href="${url('page.css')}">`],
      ['cors.png', 'image', /another origin.*CORS/, `<img crossorigin src="${url('cors.png')}">`],
      ['cors.js', 'script', /another origin.*CORS/, `<script type="module" src="${url('cors.js')}"></script>`],
      [
        'cors.woff2',
        'font',
        /another origin.*CORS/,
        `<style>@font-face { font-family: one; src: url(${url('cors.woff2')}) } p { font-family: one }</style><p>text</p>`,
      ],
      ['use.svg', 'file', /another origin/, `<svg><use href="${url('use.svg')}#part"/></svg>`],
      ['unfit.js', 'script', /integrity.*crossorigin/, `<script src="${url('unfit.js')}" ${INTEGRITY}></script>`],
    ];
    const markup = all.map(([, , , html]) => html).join('\n');
    await using server = await serve({ 'index.html': `<!doctype html><body>${markup}` });
    const { events } = await pages.succeed(server.url('index.html'), { ...SMALL, allowMissingAssets: true });
    const warned = reasons(events);
    for (const [file, what, why] of all) {
      const found = warned.filter((text) => text.includes(`${what} did not load: ${file} (the browser refuses it: `));
      assert.equal(found.length, 1, `${file}: ${warned.join('\n')}`);
      assert.match(found[0]!, why);
    }
    assert.equal(warned.length, all.length, warned.join('\n'));
  });

  it("is named where the page's own rules forbid it, unless there is something in its place", async () => {
    const all: [file: string, what: string, html: string][] = [
      ['a.png', 'image', '<img src="a.png">'],
      ['b.png', 'image', '<div style="width: 9px; height: 9px; background: url(b.png)"></div>'],
      ['c.js', 'script', '<script src="c.js"></script>'],
      ['d.css', 'stylesheet', '<link rel="stylesheet" href="d.css">'],
      ['e.html', 'document', '<iframe src="e.html"></iframe>'],
      ['f.svg', 'document', '<object data="f.svg"></object>'],
      ['g.mp4', 'media', '<video src="g.mp4"></video>'],
      ['h.js', 'script', '<script>new Worker("h.js");</script>'],
    ];
    const handled = `<object data="instead.svg">something else</object>
      <img src="own.png" onerror="this.onerror = null; this.src = 'allowed/own.png'">`;
    const policy =
      `img-src http://*:*/allowed/; script-src 'unsafe-inline'; worker-src 'none'; style-src 'unsafe-inline';
      frame-src 'none'; object-src 'none'; media-src 'none'`.replace(/\s+/g, ' ');
    const markup = [...all.map(([, , html]) => html), handled].join('\n');
    await using server = await serve(
      { 'index.html': `<!doctype html><body>${markup}` },
      { 'content-security-policy': policy },
    );
    const { events } = await pages.succeed(server.url('index.html'), { ...SMALL, allowMissingAssets: true });
    const why = "(the browser refuses it: the page's Content-Security-Policy forbids it)";
    assert.deepEqual(reasons(events), all.map(([file, what]) => `${what} did not load: ${file} ${why}`).sort());
  });
});

describe('what the browser says of a refusal', () => {
  const read = (text: string, source: 'security' | 'worker' = 'security') =>
    refusalIn({ source, level: 'error', timestamp: 0, url: 'http://a.test/b.js', text });

  it('is read in the words of several versions', () => {
    const policy = 'the following Content Security Policy directive: "frame-src none".';
    for (const text of [
      `Framing 'http://a.test/x' violates ${policy}`,
      `Refused to frame 'http://a.test/x' because it violates ${policy}`,
    ])
      assert.equal(read(text)?.unrequested, 'Document', text);
    const module = 'module script but the server responded with a MIME type of "text/html". Strict';
    for (const text of [
      `Failed to load module script: Expected a JavaScript ${module}`,
      `Failed to load module script: Expected a JavaScript-or-Wasm ${module}`,
    ])
      assert.match(read(text)?.reason ?? '', /: its type is text\/html, not text\/javascript$/, text);
  });

  it('is none where it is told otherwise, or is no refusal', () => {
    assert.equal(
      read(
        "Refused to frame 'http://a.test/x' because an ancestor violates the following Content Security Policy directive",
      ),
      undefined,
    );
    assert.equal(read('Failed to load module script: a MIME type of "text/html"', 'worker'), undefined);
    assert.equal(
      read("Loading the image 'http://a.test/x' violates the following Content Security Policy directive"),
      undefined,
    );
    assert.equal(whyBlocked({ errorText: 'net::ERR_CONNECTION_REFUSED' }), 'net::ERR_CONNECTION_REFUSED');
  });
});
