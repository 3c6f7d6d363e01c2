import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { byTopic, clockPage, ClockPages } from './support/clockPages.js';
import { LONG } from './support/extent.js';
import { Server } from './support/server.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

/** What takes real time in documents and in workers: the body of an async function for each. */
const WORK: Record<string, string> = {
  'OPFS: a file is written and read': `
    const root = await navigator.storage.getDirectory();
    const file = await (await root.getDirectoryHandle('d', { create: true })).getFileHandle('f', { create: true });
    const out = await file.createWritable();
    await out.write('one'); await out.seek(3); await out.write('two'); await out.truncate(5); await out.close();
    return (await file.getFile()).text();`,
  'OPFS: a stream is piped into a file': `
    const root = await navigator.storage.getDirectory();
    const file = await root.getFileHandle('piped', { create: true });
    await new Blob(['piped']).stream().pipeTo(await file.createWritable());
    const writer = (await file.createWritable({ keepExistingData: true })).getWriter();
    await writer.ready; await writer.write({ type: 'write', position: 5, data: '!' }); await writer.close();
    return (await file.getFile()).text();`,
  'OPFS: a folder is listed': `
    const root = await navigator.storage.getDirectory();
    const folder = await root.getDirectoryHandle('list', { create: true });
    for (const name of ['b', 'a']) await folder.getFileHandle(name, { create: true });
    const names = [];
    for await (const [name] of folder) names.push(name);
    for await (const name of folder.keys()) names.push(name);
    for await (const { kind } of folder.values()) names.push(kind);
    await folder.removeEntry('a');
    return names.sort().join();`,
  locks: `
    const got = [];
    const one = navigator.locks.request('x', async () => { got.push(1, (await navigator.locks.query()).held.length); });
    const two = navigator.locks.request('x', { mode: 'exclusive' }, () => { got.push(2); return 'two'; });
    await one;
    got.push(await two, await navigator.locks.request('x', (lock) => lock.name));
    return got.join();`,
  compression: `
    const bytes = new Uint8Array(1e6).fill(7);
    const packed = await new Response(new Blob([bytes]).stream().pipeThrough(new CompressionStream('gzip'))).blob();
    const all = await new Response(packed.stream().pipeThrough(new DecompressionStream('gzip'))).arrayBuffer();
    return all.byteLength;`,
  'compression, by a writer': `
    const { readable, writable } = new CompressionStream('deflate');
    const writer = writable.getWriter();
    void writer.write(new Uint8Array(1e6)); void writer.close();
    const packed = await new Response(readable).arrayBuffer();
    const reader = new Blob([packed]).stream().pipeThrough(new DecompressionStream('deflate')).getReader();
    let size = 0;
    for (let part = await reader.read(); !part.done; part = await reader.read()) size += part.value.length;
    return size;`,
  'streams: readers, tee, iterators and pipes': `
    const text = async (stream) => { let all = ''; for await (const part of stream.pipeThrough(new TextDecoderStream())) all += part; return all; };
    const [one, other] = (await fetch('slow?streamed')).body.tee();
    const parts = await Promise.all([text(one), text(other)]);
    await (await fetch('slow?streamed')).body.pipeTo(new WritableStream({ write: (chunk) => void parts.push(chunk.length) }, { highWaterMark: 2 }));
    const bytes = (await fetch('slow?streamed')).body.getReader({ mode: 'byob' });
    let size = 0;
    for (let read = await bytes.read(new Uint8Array(2)); !read.done; read = await bytes.read(new Uint8Array(2))) size += read.value.length;
    const copy = (await fetch('slow?streamed')).clone();
    return [...parts.slice(0, 2), parts.slice(2).reduce((sum, part) => sum + part, 0), size, await text(copy.body)].join();`,
  'streams of the page that end': `
    const source = (await fetch('slow?streamed')).body.pipeThrough(new TransformStream());
    return new Response(source).text();`,
  bodies: `
    const blob = await new Response('a').blob();
    const form = new FormData(); form.set('b', 'c');
    const data = await new Response(form).formData();
    const text = await new Request('/', { method: 'POST', body: 'd' }).text();
    return [await blob.text(), data.get('b'), text, (await new Blob(['ef']).arrayBuffer()).byteLength].join();`,
  pictures: `
    const bitmap = await createImageBitmap(new ImageData(300, 200));
    const canvas = new OffscreenCanvas(300, 200);
    canvas.getContext('2d').drawImage(bitmap, 0, 0);
    const png = await canvas.convertToBlob();
    const decoder = new ImageDecoder({ data: png.stream(), type: 'image/png' });
    await decoder.tracks.ready; await decoder.completed;
    const { image } = await decoder.decode();
    const bytes = new Uint8Array(image.allocationSize());
    await image.copyTo(bytes);
    return [image.codedWidth, bytes.length, (await createImageBitmap(png)).height].join();`,
  'a database, its cursors and transactions': `
    const event = (target, ...types) => new Promise((resolve) => types.forEach((type) => target.addEventListener(type, resolve)));
    const opening = indexedDB.open('db ' + (globalThis.document ? 'page' : 'worker'));
    opening.onupgradeneeded = () => opening.result.createObjectStore('s');
    await event(opening, 'success');
    const db = opening.result;
    const transaction = db.transaction('s', 'readwrite');
    const store = transaction.objectStore('s');
    for (let n = 0; n < 40; n++) store.put(n, n);
    await event(transaction, 'complete');
    let sum = 0;
    const walk = db.transaction('s').objectStore('s').openCursor();
    await new Promise((resolve) => { walk.onsuccess = () => { if (!walk.result) return resolve(); sum += walk.result.value; walk.result.continue(); }; });
    return [sum, (await indexedDB.databases()).length > 0].join();`,
  cryptography: `
    const { publicKey, privateKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify']);
    const signature = await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, new Uint8Array(9));
    return crypto.subtle.verify({ name: 'ECDSA', hash: 'SHA-256' }, publicKey, signature, new Uint8Array(9));`,
  'a cache': `
    const cache = await caches.open('c');
    await cache.put('/x', new Response('cached'));
    return (await (await caches.match('/x')).text()) + (await cache.keys()).length;`,
  'what the browser can': `
    const config = { codec: 'vp8', width: 64, height: 64 };
    const media = { type: 'file', video: { contentType: 'video/webm; codecs="vp8"', width: 64, height: 64, bitrate: 1e5, framerate: 30 } };
    const can = [await VideoDecoder.isConfigSupported(config), await VideoEncoder.isConfigSupported(config),
      await AudioDecoder.isConfigSupported({ codec: 'opus', sampleRate: 48000, numberOfChannels: 1 })].map(({ supported }) => supported);
    can.push((await navigator.mediaCapabilities.decodingInfo(media)).supported);
    await navigator.permissions.query({ name: 'geolocation' });
    await navigator.storage.estimate(); await navigator.storage.persisted();
    await navigator.userAgentData.getHighEntropyValues(['platformVersion']);
    return can.join();`,
  code: `
    const bytes = Uint8Array.of(0, 97, 115, 109, 1, 0, 0, 0);
    await WebAssembly.compile(bytes);
    const { value } = await import('./module.js?' + !!globalThis.document);
    return value + (await import('./module.js?' + !!globalThis.document)).value;`,
};

const RESULTS: Record<string, unknown> = {
  'OPFS: a file is written and read': 'onetw',
  'OPFS: a stream is piped into a file': 'piped!',
  'OPFS: a folder is listed': 'a,a,b,b,file,file',
  locks: '1,1,2,two,x',
  compression: 1e6,
  'compression, by a writer': 1e6,
  'streams: readers, tee, iterators and pipes': 'one two,one two,7,7,one two',
  'streams of the page that end': 'one two',
  bodies: 'a,c,d,2',
  pictures: '300,240000,200',
  'a database, its cursors and transactions': '780,true',
  cryptography: true,
  'a cache': 'cached1',
  'what the browser can': 'true,true,true,true',
  'a GPU': 'none',
  code: 2,
};

/** Begins one of them, so that nothing waits for another one. */
const BEGIN = `const WORK = [${Object.values(WORK)
  .map((body) => `async () => {${body}}`)
  .join(',\n')}];
  const begin = (index, tell) => WORK[index]?.().then(tell, (error) => tell(String(error)));`;

describe('what takes real time', () => {
  it('takes no virtual time, in a document and in a worker', async () => {
    const files: Record<string, string> = {
      page: clockPage(`${BEGIN}
        const worker = new Worker('worker.js');
        worker.onmessage = ({ data }) => say('worker', ...data, genlock.frame - 1 - WORK.length);
        globalThis.frame = (n) => {
          begin(n - 1, (result) => say('page', n - 1, result, genlock.frame - 1));
          worker.postMessage(n - 1 - WORK.length);
        };`),
      'worker.js': `${BEGIN} onmessage = ({ data }) => begin(data, (result) => postMessage([data, result]));`,
      // It takes a while, so that whoever does not wait for it comes too early.
      'module.js': 'for (let i = 0, sum = 0; i < 2e7; i++) sum += i; export const value = 1;',
    };
    await using server = await Server.start((request, response) => {
      const name = (request.url ?? '/').slice(1).replace(/\?.*/, '');
      response.setHeader('content-type', name.endsWith('.js') ? 'text/javascript' : 'text/html');
      if (name !== 'slow') {
        response.end(files[name]);
        return;
      }
      response.write('one');
      setTimeout(() => response.write(' '), 60);
      setTimeout(() => response.end('two'), 120);
    });
    const names = Object.keys(WORK);
    const said = byTopic(await pages.render(server.url('page'), { frameCount: 3 + 2 * names.length }));
    for (const place of ['page', 'worker']) {
      const told = said.get(place)?.map(([index, result, frame]) => [names[Number(index)], result, frame]);
      assert.deepEqual(
        told,
        names.map((name, index) => [name, RESULTS[name], index]),
        place,
      );
    }
  });

  it('does not hold the clock where it waits for a later frame, or for ever', async () => {
    const files: Record<string, string> = {
      page: clockPage(`
        const frames = (n) => new Promise((resolve) => { const next = () => (n-- > 0 ? requestAnimationFrame(next) : resolve()); next(); });
        /** A stream of the page that gives something in every frame. */
        const fed = (parts) => new ReadableStream({ async pull(controller) {
          await frames(1);
          if (parts.length === 0) controller.close();
          else controller.enqueue(new TextEncoder().encode(parts.shift()));
        } });
        const slowly = () => new TransformStream({ async transform(chunk, controller) { await frames(1); controller.enqueue(chunk); } });
        const tell = (name) => (result) => say(name, result, genlock.frame);
        globalThis.frame = async (n) => {
          if (n !== 1) return;
          new Response(fed(['a', 'b'])).text().then(tell('response'));
          new Request('/', { method: 'POST', body: fed(['c']), duplex: 'half' }).text().then(tell('request'));
          fed(['d']).getReader().read().then(({ value }) => value[0]).then(tell('reader'));
          new Blob(['e']).stream().pipeThrough(slowly()).getReader().read().then(({ value }) => value[0]).then(tell('transform'));
          new Blob(['f']).stream().pipeTo(new WritableStream({ write: () => frames(3) })).then(tell('pipe'));
          new Response(fed(['g']).pipeThrough(new CompressionStream('gzip'))).arrayBuffer().then(({ byteLength }) => byteLength > 1).then(tell('compressed'));
          navigator.locks.request('l', () => frames(4)).then(tell('lock'));
          navigator.locks.request('l', () => 'second').then(tell('second lock'));
          const decoder = new ImageDecoder({ data: fed([]), type: 'image/png' });
          decoder.decode().catch(() => 'no picture').then(tell('decoder'));
          new ReadableStream({}).getReader().read().then(tell('never'));
          navigator.locks.request('m', () => new Promise(() => {})).then(tell('never'));
          const opening = indexedDB.open('d', 1);
          opening.onsuccess = () => {
            indexedDB.deleteDatabase('d').onsuccess = () => tell('deleted')();
            frames(5).then(() => opening.result.close());
          };
          (async () => { for await (const part of (await fetch('live?events')).body) tell('event')(part.length); })();
          (async () => { for await (const part of (await fetch('live')).body) tell('part')(part.length); })();
        };`),
    };
    await using server = await Server.start((request, response) => {
      const url = request.url ?? '/';
      response.setHeader('content-type', url.includes('events') ? 'text/event-stream' : 'text/html');
      if (url.startsWith('/live')) response.write('part');
      else response.end(files[url.slice(1)]);
    });
    const said = byTopic(await pages.render(server.url('page'), { frameCount: 10 }));
    // Each with the frame in which its last wait for a frame is over.
    assert.deepEqual(Object.fromEntries([...said].sort()), {
      compressed: [[true, 3]],
      decoder: [['no picture', 2]],
      deleted: [[null, 6]],
      event: [[4, 1]],
      lock: [[null, 5]],
      part: [[4, 1]],
      pipe: [[null, 4]],
      reader: [[100, 2]],
      request: [['c', 3]],
      response: [['ab', 4]],
      'second lock': [['second', 5]],
      transform: [[101, 2]],
    });
  });
});

describe('a service worker', () => {
  const page = clockPage(`
    const read = async (name) => (await fetch(name)).text();
    const claimed = new Promise((resolve) => navigator.serviceWorker.addEventListener('controllerchange', resolve));
    navigator.serviceWorker.ready.then(async ({ active }) => {
      say('ready', genlock.frame, performance.now(), active !== null);
      await claimed;
      say('first', genlock.frame, await read('answer?first'));
    });
    navigator.serviceWorker.register('/service.js').then(({ active }) => say('registered', performance.now(), active === null));
    globalThis.frame = async (n) => { if (n > 0) say('answer', n, await read('answer?' + n), genlock.frame); };`);
  const service = `
    oninstall = (event) => event.waitUntil(fetch('/slow').then(() => skipWaiting()));
    onactivate = (event) => event.waitUntil(fetch('/slow').then(() => clients.claim()));
    onfetch = (event) => {
      if (!event.request.url.includes('answer')) return;
      event.respondWith(fetch('/slow').then(() => new Response('by the service worker')));
    };`;

  it('is active, and answers, at the moment at which the page asks, with one worker and with more', async () => {
    await using server = await Server.start((request, response) => {
      const file = { '/': page, '/service.js': service }[request.url!];
      response.setHeader('content-type', request.url === '/' ? 'text/html' : 'text/javascript');
      if (file === undefined) setTimeout(() => response.end('by the server'), 50);
      else response.end(file);
    });
    const said = await pages.observe(server.url(''));
    assert.deepEqual(Object.fromEntries(said), {
      registered: [[0, true]],
      ready: [[0, 0, true]],
      first: [[0, 'by the service worker']],
      answer: [1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => [n, 'by the service worker', n]),
    });
  });
});

/** Each cell of 8 x 8 pixels turns green in a frame of its own, with a part of a file. */
const REFERENCES: [html: string, code: string][] = [
  ['<svg width="8" height="8"><use /></svg>', `cell.querySelector('use').setAttribute('href', 'parts.svg?0#shape')`],
  [
    '<svg width="8" height="8"><rect width="8" height="8" fill="#c00" /></svg>',
    `cell.querySelector('rect').style.fill = 'url(parts.svg?1#paint)'`,
  ],
  ['', `cell.className = 'filtered'`],
  ['', `cell.style.background = 'url(parts.svg?3)'`],
  ['', `cell.innerHTML = '<object width="8" height="8" data="parts.svg?4"></object>'`],
  ['<i></i>', `cell.firstChild.style.clipPath = 'url(parts.svg?5#none)'`],
  ['<i></i>', `cell.firstChild.style.mask = 'url(parts.svg?6#empty)'`],
];
const GREEN = [0, 204, 0];

describe('files that only a style or an element names', () => {
  it('are there in the frame that asks for them, however late they come', async () => {
    const parts = `<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect id="shape" width="8" height="8" fill="#0c0" />
      <linearGradient id="paint"><stop stop-color="#0c0" /></linearGradient>
      <filter id="filter" x="0" y="0" width="1" height="1"><feFlood flood-color="#0c0" /></filter>
      <clipPath id="none"><rect width="0" height="0" /></clipPath><mask id="empty"><rect width="0" height="0" /></mask></svg>`;
    const cells = REFERENCES.map(([html], n) => `<p style="left: ${8 * n}px">${html}</p>`);
    const page = clockPage(
      `const steps = [${REFERENCES.map(([, code]) => `(cell) => { ${code} }`).join()}];
       globalThis.frame = (n) => steps[n - 1]?.(document.querySelectorAll('p')[n - 1]);`,
      `<style>body { margin: 0; } p { position: absolute; top: 0; margin: 0; width: 8px; height: 8px; background: #0c0; line-height: 0; }
       p:empty { background: #c00; } .filtered { filter: url(parts.svg?2#filter); } i { display: block; height: 8px; background: #c00; }</style>${cells.join('')}`,
    );
    await using server = await Server.start((request, response) => {
      const isPage = request.url === '/page';
      response.setHeader('content-type', isPage ? 'text/html' : 'image/svg+xml');
      if (isPage) response.end(page);
      else setTimeout(() => response.end(parts), 200);
    });
    const count = REFERENCES.length;
    await pages.render(server.url('page'), { frameCount: count + 1 });
    const shown = Array.from({ length: count }, (_, n) => pages.colourAt(n + 1, 8 * n + 4, 4));
    assert.deepEqual(
      shown,
      shown.map(() => GREEN),
    );
  });
});

describe('a page that goes on by itself', () => {
  const tell = (name: string) =>
    `<script>requestAnimationFrame(function draw(time) { requestAnimationFrame(draw);
       if (genlock.frame > 8 || time === 0) console.log(JSON.stringify(['${name}', genlock.frame, time, Date.now() % 100000])); });
       setTimeout(() => console.log(JSON.stringify(['timer', '${name}', performance.now()])), 150);</script>`;
  const serve = () =>
    Server.start((request, response) => {
      response.setHeader('content-type', 'text/html');
      if (request.url === '/header') response.setHeader('refresh', '1;url=/second');
      const body = {
        '/first': `<meta http-equiv="Refresh" content="1; url='second'"><body style="background: #c00">${tell('first')}`,
        '/second': `<body style="background: #0c0">${tell('second')}`,
        '/header': tell('header'),
        '/zero': '<meta http-equiv="refresh" content="0;url=/first">',
        '/frame': `<iframe src="/first"></iframe>`,
        '/itself': `<meta http-equiv="refresh" content="1">${tell('itself')}`,
      }[request.url ?? ''];
      response.end(`<!doctype html>${body}`);
    });
  const onwards = (first: string, second: string) => [
    [first, 0, 0, 0],
    ['timer', first, 150],
    [first, 9, 900, 900],
    [first, 10, 1000, 1000],
    [second, 10, 0, 1000],
    [second, 11, 100, 1100],
    ['timer', second, 150],
    [second, 12, 200, 1200],
  ];

  it('does so in its frame, however it is entered, and the other document counts from there', async () => {
    await using server = await serve();
    const url = server.url('first');
    assert.deepEqual(await pages.render(url, { frameCount: 13 }), onwards('first', 'second'));
    assert.deepEqual(
      [9, 10, 11].map((frame) => pages.colourAt(frame, 0, 0)[1]),
      [0, 204, 204],
    );
    const inTheMiddle = { startFrame: 11, frameCount: 2 };
    assert.deepEqual(await pages.render(url, inTheMiddle), onwards('first', 'second'));
    const jumped = await pages.render(url, { ...inTheMiddle, entry: 'seek' });
    assert.deepEqual(jumped.slice(-2), onwards('first', 'second').slice(-2));
    assert.deepEqual(pages.colourAt(0, 0, 0), GREEN);
  });

  it('does so where its server says it, at once, in a frame, and when it is to come again', LONG, async () => {
    await using server = await serve();
    for (const [name, first, second] of [
      ['header', 'header', 'second'],
      ['zero', 'first', 'second'],
      ['itself', 'itself', 'itself'],
    ] as const) {
      assert.deepEqual(await pages.render(server.url(name), { frameCount: 13 }), onwards(first, second), name);
    }
    // What a frame shows comes into the page in the frame in which it begins to load.
    const told = await pages.render(server.url('frame'), { frameCount: 13, mode: 'auto', lossless: false });
    assert.deepEqual(told.slice(0, 4), onwards('first', 'second').slice(0, 4));
    assert.deepEqual(told.slice(4), [
      ['second', 11, 100, 1100],
      ['timer', 'second', 150],
      ['second', 12, 200, 1200],
    ]);
  });
});
