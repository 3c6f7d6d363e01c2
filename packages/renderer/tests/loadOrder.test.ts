import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { ClockPages } from './support/clockPages.js';
import { isLong } from './support/extent.js';
import { Server } from './support/server.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

const PICTURE =
  '<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="8" fill="red"/></svg>';
const FONT = readFileSync(
  join(import.meta.dirname, '../../../node_modules/@fontsource/inter/files/inter-latin-400-normal.woff2'),
);
const TYPES: Record<string, string> = {
  js: 'text/javascript',
  mjs: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
  json: 'application/json',
  woff2: 'font/woff2',
};

/** Answers each request after a time that nobody knows, by default at most 300 ms; some never, or without an end. */
function serve(files: Record<string, string | Buffer>, mostMs = 300): Promise<Server> {
  return Server.start((request, response) => {
    const name = (request.url ?? '/').slice(1).replace(/\?.*/, '');
    const extension = name.slice(name.lastIndexOf('.') + 1);
    if (name === 'never') return;
    void setTimeout(Math.random() * mostMs).then(() => {
      if (name === 'events' || name === 'stream') {
        response.writeHead(200, { 'content-type': name === 'events' ? 'text/event-stream' : 'text/plain' });
        response.write('a piece of what has no end');
        return;
      }
      const found = files[name] ?? (extension === 'svg' ? PICTURE : undefined);
      response.writeHead(found === undefined ? 404 : 200, { 'content-type': TYPES[extension] ?? 'text/html' });
      response.end(found);
    });
  });
}

/** What the page has put into its array `log` by frame 2. */
async function logOf(url: string, more: { deadlines?: { load: number } } = {}): Promise<string[]> {
  const said = await pages.render(url, { frameCount: 3, mode: 'screenshot', ...more });
  return (said.at(-1) as string[] | undefined) ?? [];
}

async function assertOneOrder(files: Record<string, string | Buffer>, expected: readonly string[]): Promise<void> {
  await using server = await serve(files);
  const loads = isLong ? 50 : 2;
  for (let load = 0; load < loads; load++) {
    const log = await logOf(server.url('index.html'));
    assert.deepEqual(log, expected, `load ${load}`);
  }
}

const LOG = `<!doctype html><script>
  globalThis.log = [];
  requestAnimationFrame(function draw() {
    if (genlock.frame === 2) console.log(JSON.stringify(log));
    requestAnimationFrame(draw);
  });
  const tell = (what) => () => { log.push(what); };
  document.addEventListener('DOMContentLoaded', tell('DOMContentLoaded'));
  addEventListener('load', tell('load'));
  document.fonts.ready.then(tell('fonts'));
</script>`;

/**
 * Asserts in which order a script gets its results, in a worker and then in the document. The script defines
 * `run(tell)`, which ends with `tell('last')`.
 */
async function assertOneOrderOf(script: string, expected: readonly string[]): Promise<void> {
  const files = {
    'index.html': `${LOG}<script>addEventListener('load', () => {
      const worker = new Worker('worker.js');
      worker.onmessage = ({ data }) => {
        for (const each of data) log.push('worker: ' + each);
        (0, eval)(source + 'run((what) => void log.push(what))');
      };
      const source = ${JSON.stringify(script)};
    });</script>`,
    'worker.js': `const all = [];
      const tell = (what) => { all.push(what); if (what === 'last') postMessage(all); };
      ${script}
      run(tell);`,
  };
  const inWorker = expected.map((each) => `worker: ${each}`);
  await assertOneOrder(files, ['DOMContentLoaded', 'load', 'fonts', ...inWorker, ...expected]);
}

describe('what a page loads comes in one order', () => {
  it('scripts, pictures, fonts, answers and workers', async () => {
    const files = {
      'index.html': `${LOG}
        <link rel="stylesheet" href="style.css" onload="log.push('style')">
        <script async src="async1.js"></script><script async src="async2.js"></script>
        <script defer src="defer1.js"></script><script type="module" src="module.mjs"></script>
        <script src="plain.js"></script>
        <body><img src="a.svg" onload="log.push('a')"><img src="b.svg" onload="log.push('b')"><p>words</p>
        <script>
          for (const name of ['one', 'two', 'three']) fetch(name + '.json').then((r) => r.json()).then((v) => log.push('fetch ' + v));
          for (const name of ['four', 'five']) {
            const request = new XMLHttpRequest();
            request.onload = () => log.push('xhr ' + name);
            request.open('GET', name + '.json');
            request.send();
          }
          for (const name of ['c', 'd', 'e']) {
            const image = new Image();
            image.src = name + '.svg';
            image.decode().then(() => log.push('decoded ' + name));
          }
          for (const name of ['w1', 'w2']) new Worker(name + '.js').onmessage = ({ data }) => log.push(data);
          for (let i = 0; i < 3; i++) {
            const script = document.createElement('script');
            script.src = 'late' + i + '.js';
            document.head.append(script);
          }
          const reader = (text) => {
            const file = new FileReader();
            file.onload = () => log.push('read ' + file.result.length);
            file.readAsText(new Blob([text]));
          };
          reader('x'.repeat(3000000)); reader('short');
          crypto.subtle.digest('SHA-256', new Uint8Array(20000000)).then(tell('long digest'));
          crypto.subtle.digest('SHA-256', new Uint8Array(20)).then(tell('short digest'));
          setTimeout(tell('timer'));
        </script>`,
      'style.css': '@font-face { font-family: f; src: url(f.woff2) } body { font-family: f; background: url(bg.svg) }',
      'f.woff2': FONT,
      'async1.js': "log.push('async1');" + '//'.padEnd(200000, 'x'),
      'async2.js': "log.push('async2')",
      'defer1.js': "log.push('defer1')",
      'plain.js': "log.push('plain')",
      'module.mjs':
        "import './part1.mjs'; import './part2.mjs'; log.push('module'); import('./part3.mjs').then(tell('imported'));",
      'part1.mjs': "log.push('part1')",
      'part2.mjs': "log.push('part2')",
      'part3.mjs': "log.push('part3')",
      'late0.js': "log.push('late0')",
      'late1.js': "log.push('late1')",
      'late2.js': "log.push('late2')",
      'one.json': '1',
      'two.json': '2',
      'three.json': '3',
      'four.json': '4',
      'five.json': '5',
      'w1.js':
        "importScripts('imported.js'); postMessage('w1 ' + imported); fetch('one.json').then(() => postMessage('w1 fetched'))",
      'w2.js': "postMessage('w2'); fetch('two.json').then(() => postMessage('w2 fetched'))",
      'imported.js': 'const imported = true;',
    };
    const expected = [
      ...['style', 'async1', 'plain', 'read 3000000', 'read 5', 'long digest', 'short digest'],
      ...['a', 'b', 'async2', 'defer1', 'part1', 'part2', 'module'],
      ...['DOMContentLoaded', 'xhr four', 'xhr five', 'late0', 'late1', 'late2', 'part3', 'imported'],
      ...['w1 true', 'w1 fetched', 'w2', 'w2 fetched', 'fetch 1', 'fetch 2', 'fetch 3'],
      ...['decoded c', 'decoded d', 'decoded e', 'timer', 'load', 'fonts'],
    ];
    await assertOneOrder(files, expected);
  });

  it('several pictures with one address', async () => {
    const files = {
      'index.html': `${LOG}
        <body><img src=a.svg onload="log.push('first')"><img src=a.svg onload="log.push('second')">
        <script>
          const add = (name, inside) => {
            const image = new Image();
            image.onload = () => {
              log.push(name);
              image.onload = null;
              if (name === 'gone') image.src = 'data:image/svg+xml,' + encodeURIComponent(${JSON.stringify(PICTURE)});
            };
            image.src = 'a.svg';
            image.decode().then(tell('decoded ' + name), tell('not decoded ' + name));
            if (inside) document.body.append(image);
          };
          add('alone'); add('third', true); add('gone'); add('last');
          fetch('one.json').then(tell('fetched'));
        </script>`,
      'one.json': '1',
    };
    const pictures = ['first', 'second', 'third', 'alone', 'gone', 'last'];
    const decoded = ['third', 'alone', 'gone', 'last'].map((name) => `decoded ${name}`);
    await assertOneOrder(files, ['DOMContentLoaded', ...pictures, 'load', 'fonts', ...decoded, 'fetched']);
  });

  it('what is at hand already, and before what the network has', async () => {
    const files = {
      'index.html': `${LOG}
        <script>
          const blob = (text, type) => URL.createObjectURL(new Blob([text], { type }));
          const ask = (address, name) => {
            const request = new XMLHttpRequest();
            request.onload = () => log.push(name + ' ' + request.response.length);
            request.open('GET', address);
            request.send();
            return request;
          };
          const image = new Image();
          fetch('one.json').then(tell('network'));
          ask(blob('x'.repeat(5000000)), 'blob');
          ask('data:,y', 'data');
          fetch('data:,z').then(tell('fetched'));
          ask('data:,given up', 'never').abort();
          ask(blob('xx'), 'blob');
          setTimeout(() => {
            image.onload = tell('picture');
            image.src = blob(${JSON.stringify(PICTURE)}, 'image/svg+xml');
          });
        </script>`,
      'one.json': '1',
    };
    const local = ['blob 5000000', 'data 1', 'fetched', 'blob 2', 'picture'];
    await assertOneOrder(files, ['DOMContentLoaded', 'load', 'fonts', ...local, 'network']);
  });

  it('what is stored, files, and pieces of blobs, however long other threads are at work', async () => {
    // Each of these is asked for behind something that takes long, in a document and in a worker.
    const script = `
      const run = async (tell) => {
        const slow = (name) => crypto.subtle.digest('SHA-256', new Uint8Array(2e7)).then(() => tell(name));
        const blob = new Blob(['x'.repeat(1e5)]);
        const ask = (name, ask) => { slow('before ' + name); ask().then(() => tell(name)); };
        const told = (request, ...types) => new Promise((resolve) => { for (const type of types) request.addEventListener(type, resolve); });
        const cache = await caches.open('cache');
        const root = await navigator.storage.getDirectory();
        const file = await root.getFileHandle('file' + Math.random(), { create: true });
        const sink = await file.createWritable();
        const opened = indexedDB.open('base', 1);
        opened.onupgradeneeded = () => opened.result.createObjectStore('store');
        await told(opened, 'success');
        tell('ready');
        ask('put', () => cache.put('/a', new Response('a')));
        ask('folder', () => root.getDirectoryHandle('folder', { create: true }));
        ask('list', () => root.keys().next());
        ask('write', () => sink.write('text'));
        ask('close', () => sink.close());
        ask('piece', () => blob.stream().getReader().read());
        ask('text', () => new Response(blob.stream()).text());
        ask('packed', () => new Response(blob.stream().pipeThrough(new CompressionStream('gzip'))).arrayBuffer());
        ask('request', () => new Request('/', { method: 'POST', body: blob }).text());
        ask('estimate', () => navigator.storage.estimate());
        ask('permission', () => navigator.permissions.query({ name: 'notifications' }));
        ask('open', () => told(indexedDB.open('another'), 'success'));
        let transaction;
        ask('stored', () => told((transaction = opened.result.transaction('store', 'readwrite')), 'complete'));
        transaction.objectStore('store').put(1, 1);
        slow('last');
      };`;
    const names = ['put', 'folder', 'list', 'write', 'close', 'piece', 'text', 'packed', 'request'];
    names.push('estimate', 'permission', 'open', 'stored');
    const all = ['ready', ...names.flatMap((name) => [`before ${name}`, name]), 'last'];
    await assertOneOrderOf(script, all);
  });

  it('requests of data bases before all that can be held back, and locks and broadcasts with the rest', async () => {
    const script = `
      const run = async (tell) => {
        const chain = async (name, rounds = 6) => {
          for (let i = 0; i < rounds; i++) await crypto.subtle.digest('SHA-1', new Uint8Array(1e5)).then(() => tell(name + i));
        };
        const { locks } = navigator;
        const name = 'z' + Math.random();
        const channels = ['one', 'two', 'three'].map((each) => {
          const channel = new BroadcastChannel(name);
          channel.onmessage = ({ data }) => {
            tell(each + ' hears ' + data);
            if (data < 3) channel.postMessage(data + 1);
          };
          return channel;
        });
        const base = await new Promise((resolve) => {
          const opened = indexedDB.open(name, 1);
          opened.onupgradeneeded = () => opened.result.createObjectStore('store');
          opened.onsuccess = () => resolve(opened.result);
        });
        tell('ready');
        const digests = [chain('a')];
        const store = () => base.transaction('store', 'readwrite').objectStore('store');
        for (let i = 0; i < 3; i++) store().put(i, i).onsuccess = () => tell('put' + i);
        for (let i = 0; i < 3; i++) locks.request(name + i % 2, () => void tell('lock' + i));
        locks.request(name, { ifAvailable: true }, async () => {
          await locks.request(name, { ifAvailable: true }, (lock) => void tell('lock ' + lock));
          for (let i = 0; i < 2; i++) locks.request(name, () => void tell('waited' + i));
          digests.push(chain('b', 3));
        });
        channels[2].close();
        channels[0].postMessage(1);
        await Promise.all(digests);
        await locks.request(name, () => {});
        tell('last');
      };`;
    const all = ['ready', 'put0', 'put1', 'put2', 'a0', 'lock0', 'lock1', 'two hears 1', 'a1', 'lock2', 'lock null'];
    all.push('one hears 2', 'a2', 'b0', 'waited0', 'two hears 3', 'a3', 'b1', 'waited1', 'a4', 'b2', 'a5', 'last');
    await assertOneOrderOf(script, all);
  });

  it('whatever never ends', async () => {
    const files = {
      'index.html': `${LOG}
        <link rel="prefetch" href="never">
        <script>
          new EventSource('events');
          fetch('stream').then(({ body }) => body.getReader().read()).then(tell('piece'));
          for (const name of ['one', 'two']) fetch(name + '.json').then(tell(name));
          const request = new XMLHttpRequest();
          request.open('GET', 'one.json', false);
          request.send();
          log.push('at once');
        </script>`,
      'one.json': '1',
      'two.json': '2',
    };
    await assertOneOrder(files, ['at once', 'DOMContentLoaded', 'load', 'fonts', 'piece', 'one', 'two']);
  });

  it('without a wait for answers that nobody reads, or that have no end', async () => {
    const files = {
      'index.html': `${LOG}
        <script>
          for (let i = 0; i < 4; i++) {
            fetch('stream?' + i).then(({ body }) => body.getReader().read()).then(tell('piece ' + i));
            fetch('one.json?' + i).then(tell('headers ' + i));
            fetch('none?' + i).then(({ ok }) => log.push('missing ' + i));
          }
          fetch('one.json', { signal: AbortSignal.timeout(1) }).then((r) => r.json()).then(tell('in time'), tell('aborted'));
          fetch('two.json', { integrity: 'sha256-1HNeOiZeFu7gP1lxi5tdAwGcB9i2xR+Q2jpmbuwTqzU=' }).then(tell('checked'));
          fetch('one.json').then(tell('last'));
        </script>`,
      'one.json': '1',
      'two.json': '2',
    };
    await using server = await serve(files);
    const answers = [0, 1, 2, 3].flatMap((i) => [`piece ${i}`, `headers ${i}`, `missing ${i}`]);
    // 5 seconds for each of those would be a minute.
    const log = await logOf(server.url('index.html'), { deadlines: { load: 30_000 } });
    assert.deepEqual(log, ['DOMContentLoaded', 'load', 'fonts', ...answers, 'in time', 'checked', 'last']);
  });
});
