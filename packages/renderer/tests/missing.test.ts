import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { AssetError, type RendererOptions } from '../src/index.js';
import { ClockPages } from './support/clockPages.js';
import { eventsOf, fail } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

const SMALL = { width: 160, height: 90, frameCount: 2 } satisfies Partial<RendererOptions>;

const FILES: Record<string, string> = {
  'imports.css': '@import "imported.css";',
  'imports.js': 'import "./imported.js";',
  'parts.svg': '<svg xmlns="http://www.w3.org/2000/svg"><rect id="part" width="9" height="9"/></svg>',
};
const BOX = 'width: 9px; height: 9px; background: red';
const svg = (inside: string) => `<svg width="9" height="9">${inside}</svg>`;
const rect = (more: string) => svg(`<rect width="9" height="9" ${more}/>`);

/** Files that are not there, by the markup that names them, and what people call them. */
const MISSING: [file: string, what: string, html: string][] = [
  ['use.svg', 'file', svg('<use href="use.svg#part"/>')],
  ['clip.svg', 'file', `<div style="${BOX}; clip-path: url(clip.svg#part)"></div>`],
  ['filter.svg', 'file', `<div style="${BOX}; filter: url(filter.svg#part)"></div>`],
  ['fill.svg', 'file', rect('fill="url(fill.svg#part)"')],
  ['marker.svg', 'file', svg('<path d="M0 0L9 9" stroke="red" marker-end="url(marker.svg#part)"/>')],
  ['mask.svg', 'image', `<div style="${BOX}; mask: url(mask.svg#part)"></div>`],
  ['mask.png', 'image', `<div style="${BOX}; mask-image: url(mask.png)"></div>`],
  [
    'effect.png',
    'image',
    `${rect('filter="url(#own)"')}${svg('<filter id="own"><feImage href="effect.png"/></filter>')}`,
  ],
  ['shape.png', 'image', '<div style="float: left; width: 9px; height: 9px; shape-outside: url(shape.png)"></div>text'],
  ['cursor.png', 'image', '<div style="cursor: url(cursor.png), auto">text</div>'],
  ['poster.png', 'image', '<video poster="poster.png"></video>'],
  ['sheet.css', 'stylesheet', '<link rel="stylesheet" href="sheet.css">'],
  ['imported.css', 'stylesheet', '<link rel="stylesheet" href="imports.css">'],
  ['imported.js', 'script', '<script type="module" src="imports.js"></script>'],
  ['worker.js', 'script', '<script>new Worker("worker.js");</script>'],
  ['track.vtt', 'text track', '<video><track default src="track.vtt"></video>'],
  ['frame.html', 'document', '<iframe src="frame.html"></iframe>'],
  ['object.svg', 'document', '<object data="object.svg"></object>'],
  ['embed.svg', 'document', '<embed src="embed.svg">'],
  [
    'font.woff2',
    'font',
    '<style>@font-face { font-family: one; src: url(font.woff2) } p { font-family: one }</style><p>text</p>',
  ],
];

/** Files that are not there either, of which there is nothing to be said. */
const NOT_MISSED = `
  <link rel="icon" href="icon.png"><link rel="manifest" href="manifest.json"><link rel="prefetch" href="later.js">
  <style>
    @font-face { font-family: unused; src: url(unused.woff2) }
    @font-face { font-family: other; src: url(first.woff2), local(DejaVuSans) }
    b { font-family: other }
  </style><b>text</b>
  <div style="display: none; background: url(hidden.png)"></div>
  <object data="replaced.svg">something else</object>
  <script>
    fetch('fetched.json');
    navigator.serviceWorker.register('service.js').catch(() => {});
  </script>`;
const UNUSED: [file: string, html: string][] = [
  ['unused.png', '<link rel="preload" as="image" href="unused.png">'],
  ['unused.json', '<link rel="preload" as="fetch" crossorigin href="unused.json">'],
  ['unused.js', '<link rel="modulepreload" href="unused.js">'],
];

const serve = (html: string) => Server.serve({ ...FILES, 'index.html': `<!doctype html><body>${html}` });

describe('a file that is not there', () => {
  it('is a warning with allowMissingAssets, each one by name and once, and only where the page wants it', async () => {
    const markup = [...MISSING.map(([, , html]) => html), ...UNUSED.map(([, html]) => html), NOT_MISSED];
    await using server = await serve(markup.join('\n'));
    const { events } = await pages.succeed(server.url('index.html'), { ...SMALL, allowMissingAssets: true });
    const warned = eventsOf(events, 'warning').map(({ message }) =>
      message.replace(/^worker 0 \(load\): |http:\S*\/| \(.*/g, ''),
    );
    assert.deepEqual(
      warned.sort(),
      [
        ...MISSING.map(([file, what]) => `${what} did not load: ${file}`),
        ...UNUSED.map(([file]) => `preloaded and not used: ${file} did not load`),
      ].sort(),
    );
  });

  it('fails the render by name, also as a part of an SVG', async () => {
    using sandbox = new Sandbox();
    await using server = await serve(MISSING[0]![2]);
    const { error } = await fail(sandbox, server.url('index.html'), { ...SMALL, concurrency: 1 });
    assert.ok(error instanceof AssetError, String(error));
    assert.match(error.message, /file did not load: .*use\.svg \(HTTP 404\)/);
  });

  it('is a warning as a style sheet that does not apply, for as long as it does not', async () => {
    const alternate = (file: string) => `<link rel="alternate stylesheet" title="other" href="${file}">`;
    await using server = await serve(`
      <link rel="stylesheet" media="print" href="print.css">${alternate('alternate.css')}
      <style media="print">@import "inner.css"</style><style>@import "imported.css" print</style>
      <div><template shadowrootmode="open"><link rel="stylesheet" media="print" href="shadow.css"></template></div>
      <link rel="stylesheet" media="print" href="later.css" id="later"><script>
        requestAnimationFrame(function each() {
          if (genlock.frame === 1) later.media = 'all';
          requestAnimationFrame(each);
        });
      </script>`);
    const { error, events } = await pages.fail(server.url('index.html'), SMALL);
    assert.ok(error instanceof AssetError, String(error));
    assert.match(error.message, /frame 1 .*stylesheet did not load: .*later\.css/);
    const warned = eventsOf(events, 'warning').map(({ message }) => message.replace(/http:\S*\/| \(.*/g, ''));
    const files = ['alternate.css', 'imported.css', 'inner.css', 'later.css', 'print.css', 'shadow.css'];
    assert.deepEqual(
      warned.sort(),
      files.map((file) => `style sheet that does not apply: ${file} did not load`),
    );
  });

  it('fails the render as a style sheet that would apply once it has come, or has been chosen', async () => {
    for (const html of [
      '<link rel="stylesheet" media="print" href="gone.css" onload="this.media = `all`">',
      '<link rel="preload" as="style" href="gone.css" onload="this.rel = `stylesheet`">',
      `<link rel="alternate stylesheet" title="other" href="gone.css"><script>
        const [link] = document.getElementsByTagName('link');
        link.disabled = true;
        link.disabled = false;
      </script>`,
    ]) {
      await using server = await serve(html);
      const { error } = await pages.fail(server.url('index.html'), SMALL);
      assert.ok(error instanceof AssetError, String(error));
      assert.match(error.message, /stylesheet did not load: .*gone\.css/);
    }
  });

  it('is none as a dynamic import whose failure the page handles, as of a file that it fetches', async () => {
    await using server = await Server.serve({
      'part.js': 'import "./inner.js";',
      'worker.js': 'import("./inside.js").catch(() => postMessage("worker"));',
      'index.html': `<!doctype html><script type="module">
        import('./direct.js').catch(() => console.log('direct'));
        import('./part.js').catch(() => console.log('part'));
        import('./sheet.css', { with: { type: 'css' } }).catch(() => console.log('sheet'));
        CSS.paintWorklet.addModule('worklet.js').catch(() => console.log('worklet'));
        new Worker('worker.js').onmessage = ({ data }) => console.log(data);
      </script>`,
    });
    const { events } = await pages.succeed(server.url('index.html'), SMALL);
    assert.deepEqual(eventsOf(events, 'warning'), []);
    const handled = eventsOf(events, 'page-console').map(({ text }) => text);
    assert.deepEqual(handled.sort(), ['direct', 'part', 'sheet', 'worker', 'worklet']);
  });

  it('fails the render as a dynamic import that nobody handles, or whose file a script needs as well', async () => {
    const handled = 'import("./other.js").catch(() => {});';
    for (const html of [
      `<script>${handled} import('./part.js').then(() => {});</script>`,
      `<script>${handled} import('./part.js').catch((error) => { throw error; });</script>`,
      '<script>import("./gone.js").catch(() => {});</script><script type="module">import "./gone.js";</script>',
      `<script>document.head.append(Object.assign(document.createElement('script'), { type: 'module', src: 'part.js' }));</script>`,
    ]) {
      await using server = await Server.serve({ 'part.js': 'import "./gone.js";', 'index.html': html });
      const { error } = await pages.fail(server.url('index.html'), SMALL);
      assert.ok(error instanceof AssetError, String(error));
      assert.match(error.message, /script did not load: .*gone\.js/);
    }
  });

  it('is none as a font of a script that has another file for it, or that handles its failure', async () => {
    const font = (file: string) => `new FontFace('${file}', "url(${file}.woff2), local('DejaVu Sans')")`;
    await using server = await Server.serve({
      'worker.js': `const own = new FontFace('own', 'url(own.woff2)').load();
        Promise.allSettled([${font('inside')}.load(), own]).then((all) => postMessage(all.map(({ status }) => status).join()));`,
      'index.html': `<!doctype html><p style="font-family: added">text</p><script>
        document.fonts.add(${font('added')});
        ${font('loaded')}.load().then(() => console.log('loaded'));
        new FontFace('tried', 'url(tried.woff2)').load().catch(() => console.log('handled'));
        new Worker('worker.js').onmessage = ({ data }) => console.log(data);
      </script>`,
    });
    const { events } = await pages.succeed(server.url('index.html'), SMALL);
    assert.deepEqual(eventsOf(events, 'warning'), []);
    const said = eventsOf(events, 'page-console').map(({ text }) => text);
    assert.deepEqual(said.sort(), ['fulfilled,rejected', 'handled', 'loaded']);
  });

  it('is judged also beside a worker that answers nobody', async () => {
    const wait = 'postMessage(0); Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)';
    const { events } = await pages.succeed(
      pages.sandbox.page(`<!doctype html><script>
        const worker = new Worker(URL.createObjectURL(new Blob([${JSON.stringify(wait)}])));
        worker.onmessage = () => new FontFace('gone', "url(gone.woff2), local('DejaVu Sans')").load().then(() => console.log('loaded'));
      </script>`),
      { ...SMALL, browserConfig: { args: ['--enable-features=SharedArrayBuffer'] } },
    );
    assert.deepEqual(
      eventsOf(events, 'page-console').map(({ text }) => text),
      ['loaded'],
    );
  });

  it('fails the render by name as a font of a script whose failure nobody handles', async () => {
    const load = 'new FontFace("own", "url(gone.woff2)").load()';
    await using server = await Server.serve({
      'worker.js': load,
      'page.html': `<script>${load}</script>`,
      'outside.html': '<script>new Worker("worker.js");</script>',
    });
    for (const file of ['page.html', 'outside.html']) {
      const { error } = await pages.fail(server.url(file), SMALL);
      assert.ok(error instanceof AssetError, String(error));
      assert.match(error.message, /font did not load: .*gone\.woff2/);
    }
  });

  it('stops the render at once, also with more of them to ask the page about', async () => {
    using sandbox = new Sandbox();
    const names = Array.from({ length: 40 }, (_, index) => `gone-${index}`);
    const faces = names.map((name) => `@font-face { font-family: ${name}; src: url(${name}.woff2) }`).join('');
    const uses = names.map((name) => `<p style="font-family: ${name}">text</p>`).join('');
    await using server = await serve(`<style>${faces}</style>${uses}`);
    const { error, receipt } = await fail(sandbox, server.url('index.html'), { ...SMALL, concurrency: 1 });
    assert.ok(error instanceof AssetError, String(error));
    assert.deepEqual(receipt.leftovers, []);
  });

  it('fails the render by name also where an SVG file is there and the part that is shown is not', async () => {
    await using server = await serve(`
      ${svg('<use href="parts.svg#part"/>')}<div hidden>${svg('<use href="parts.svg#hidden"/>')}</div>
      <script>requestAnimationFrame(function each() {
        if (genlock.frame === 1) document.querySelector('use').setAttribute('href', 'parts.svg#nosuch');
        requestAnimationFrame(each);
      });</script>`);
    const { error } = await pages.fail(server.url('index.html'), SMALL);
    assert.ok(error instanceof AssetError, String(error));
    assert.match(
      error.message,
      /frame 1 .*file did not load: .*parts\.svg#nosuch \(the file has no part of that name\)/,
    );
  });

  it('is none where it is there: a page with a part of an SVG in its markup loads', async () => {
    await using server = await serve(svg('<use href="parts.svg#part"/>'));
    const { events } = await pages.succeed(server.url('index.html'), SMALL);
    assert.deepEqual(eventsOf(events, 'warning'), []);
  });
});
