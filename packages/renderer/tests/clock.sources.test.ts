import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { RendererOptions } from '../src/index.js';
import { LONG } from './support/extent.js';
import { assertClose, clockPage, ClockPages, EPOCH, perFrame, SAY } from './support/clockPages.js';
import { Server } from './support/server.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());
const page = pages.page.bind(pages);
const observe = pages.observe.bind(pages);
const colourAt = pages.colourAt.bind(pages);

/** What tells of time zone and language, in a page and in a worker. */
const PLACE = `[new Date(2025, 0, 1, 12).toISOString(), new Date().toLocaleString(), (1234.5).toLocaleString(),
  Intl.DateTimeFormat().resolvedOptions().timeZone, Intl.DateTimeFormat().format(), navigator.language, navigator.languages.join(),
  new Date().toString().slice(0, 33), globalThis.Temporal ? Temporal.Now.plainDateTimeISO().toString() : undefined]`;

describe('time zone and language', () => {
  it('are those of the options, in documents, workers and requests', async () => {
    const asked = new Set<string | undefined>();
    await using server = await Server.start((request, response) => {
      asked.add(request.headers['accept-language']?.split(/[,;]/)[0]);
      response.setHeader('content-type', request.url === '/w.js' ? 'text/javascript' : 'text/html');
      response.end(
        request.url === '/w.js'
          ? `postMessage(${PLACE})`
          : clockPage(
              // Chromium loses a worker that a frame starts before the browser has heard of the frame's document.
              `say('page', ...${PLACE}); requestAnimationFrame(() => { new Worker('w.js').onmessage = ({ data }) => say('worker', ...data); });`,
              request.url === '/' ? '<iframe src="inner"></iframe>' : '',
            ),
      );
    });
    const told = async (options: object) => {
      const said = await pages.render(server.url(''), { frameCount: 1, ...options });
      assert.deepEqual(said.map(([topic]) => topic).sort(), ['page', 'page', 'worker', 'worker']);
      return new Set(said.map(([, ...values]) => JSON.stringify(values)));
    };
    const utc = [
      '2025-01-01T12:00:00.000Z',
      '1/1/2025, 12:00:00 AM',
      '1,234.5',
      'UTC',
      '1/1/2025',
      'en-US',
      'en-US',
      'Wed Jan 01 2025 00:00:00 GMT+0000',
    ];
    const berlin = [
      '2025-01-01T11:00:00.000Z',
      '1.1.2025, 01:00:00',
      '1.234,5',
      'Europe/Berlin',
      '1.1.2025',
      'de',
      'de',
      'Wed Jan 01 2025 01:00:00 GMT+0100',
    ];
    for (const [options, expected, hour] of [
      [{}, utc, '00'],
      [{ timeZone: 'Europe/Berlin', locale: 'de' }, berlin, '01'],
    ] as const) {
      asked.clear();
      const [only, ...others] = [...(await told(options))].map((text) => JSON.parse(text) as unknown[]);
      assert.deepEqual(others, [], 'all say the same');
      assert.deepEqual(only!.slice(0, 8), expected);
      assert.ok([null, `2025-01-01T${hour}:00:00`].includes(only![8] as string | null), String(only![8]));
      assert.deepEqual([...asked], [expected[5]]);
    }
  });
});

describe('window and screen', () => {
  it('are as large as the view, in every document and by every way of drawing', async () => {
    const see = `say(innerWidth, outerWidth, screen.width, matchMedia('(device-width: 64px)').matches,
      innerHeight, outerHeight, screen.height, screen.availHeight, devicePixelRatio);`;
    pages.sandbox.page(`<script>${SAY} ${see}</script>`, 'inner.html');
    const url = page(see, '<iframe src="inner.html" width="20" height="10"></iframe>');
    const ways: Partial<RendererOptions>[] = [{}, { scale: 2 }, { browserConfig: { beginFrameControl: false } }];
    for (const options of ways) {
      const sizes = (width: number, height: number) => [width, 64, 64, true, height, 36, 36, 36, options.scale ?? 1];
      const said = await pages.render(url, { frameCount: 1, ...options });
      said.sort(([one], [other]) => Number(one) - Number(other));
      assert.deepEqual(said, [sizes(20, 10), sizes(64, 36)]);
    }
  });
});

describe('what else knows the time', () => {
  it('reads the clock of the frames', async () => {
    const told = await observe(
      page(`
      globalThis.frame = (n, time) => {
        performance.mark('mark ' + n);
        const detail = performance.measure('since', 'mark 0').duration;
        const all = performance.measure('all');
        say('measure', n, detail, all.startTime, all.duration, performance.measure('two', { start: 5, duration: 7 }).startTime);
        say('entries', n, performance.getEntriesByName('mark ' + n)[0].startTime);
        say('format', n, new Intl.DateTimeFormat('en', { second: 'numeric', fractionalSecondDigits: 3 }).format(),
          new Intl.DateTimeFormat('en', { fractionalSecondDigits: 3 }).formatToParts().find(({ type }) => type === 'fractionalSecond').value);
        say('event', n, new Event('x').timeStamp, new MouseEvent('click').timeStamp, document.timeline.currentTime);
      };
      say('browser', performance.getEntriesByType('navigation')[0].duration, performance.getEntriesByType('resource').length,
        performance.timing.navigationStart);
      const [navigation] = performance.getEntriesByType('navigation');
      const times = Object.entries(navigation.toJSON()).filter(([name, value]) => typeof value === 'number' && navigation[name] !== value);
      const { timeOrigin, timing } = performance.toJSON();
      say('as JSON', navigation.toJSON().duration, navigation.toJSON().responseEnd, times.length,
        timeOrigin === performance.timeOrigin, timing.navigationStart);
      say('machine', performance.memory.usedJSHeapSize, navigator.connection.rtt, navigator.connection.downlink);
      new PerformanceObserver((list) => list.getEntries().forEach((entry) => say('observed', entry.name, entry.startTime)))
        .observe({ entryTypes: ['mark'] });
      addEventListener('load', () => say('lifetime', performance.timing.loadEventStart - performance.timing.navigationStart));`),
    );
    assertClose(
      told.get('measure'),
      perFrame((frame) => [frame * 100, 0, frame * 100, 5]),
    );
    assertClose(
      told.get('entries'),
      perFrame((frame) => frame * 100),
    );
    assert.deepEqual(
      told.get('format'),
      perFrame((frame) => [`0.${frame}00`, `${frame}00`.padStart(3, '0')]),
    );
    assertClose(
      told.get('event'),
      perFrame((frame) => [frame * 100, frame * 100, frame * 100]),
    );
    assert.deepEqual(told.get('browser'), [[0, 0, EPOCH]]);
    assert.deepEqual(told.get('as JSON'), [[0, 0, 0, true, EPOCH]]);
    assert.deepEqual(told.get('machine'), [[10_000_000, 0, 10]]);
    assert.deepEqual(told.get('lifetime'), [[0]]);
    assert.deepEqual(told.get('observed')?.slice(0, 3), [
      ['mark 0', 0],
      ['mark 1', 100],
      ['mark 2', 200],
    ]);
  });

  it('crypto gives seeded numbers', async () => {
    const url = page(`
      const array = crypto.getRandomValues(new Uint32Array(3));
      say('values', [...array].join(), crypto.randomUUID());
      try { crypto.getRandomValues(new Float32Array(1)); } catch (error) { say('refuses', error.name); }`);
    const first = await observe(url);
    const [[numbers, uuid]] = first.get('values') as [[string, string]];
    assert.match(uuid, /^[\da-f]{8}-[\da-f]{4}-4[\da-f]{3}-[89ab][\da-f]{3}-[\da-f]{12}$/);
    assert.deepEqual(first.get('refuses'), [['TypeMismatchError']]);
    const [[others]] = (await observe(url, { randomSeed: 1 })).get('values') as [[string]];
    assert.notEqual(others, numbers);
  });
});

describe('tasks and messages', () => {
  it('take no virtual time: what a frame starts is in its picture', async () => {
    const url = page(
      `
      const box = document.querySelector('div');
      const order = [];
      const channel = new MessageChannel();
      let hops = 0;
      channel.port1.onmessage = () => { if (++hops % 8) channel.port2.postMessage(0); else order.push('message'); };
      globalThis.frame = (n) => {
        say('order', n, order.splice(0).join(), performance.now());
        if (n % 3) return;
        channel.port2.postMessage(0);
        scheduler.postTask(() => order.push('background'), { priority: 'background' });
        scheduler.postTask(() => order.push('visible'));
        scheduler.postTask(() => order.push('blocking'), { priority: 'user-blocking' });
        const gone = new TaskController();
        scheduler.postTask(() => order.push('never'), { signal: gone.signal }).catch((error) => order.push(error.name));
        gone.abort();
        scheduler.postTask(() => say('delayed', n, genlock.frame, performance.now()), { delay: 150 });
        (async () => {
          for (let i = 0; i < 20; i++) await scheduler.yield();
          await scheduler.postTask(() => {});
          box.style.background = 'rgb(' + n * 20 + ', 0, 0)';
        })();
      };`,
      '<style>body { margin: 0 } div { height: 36px }</style><div></div>',
    );
    const told = await observe(url);
    const order = 'AbortError,blocking,visible,background,message';
    const sorted = (text: unknown) => String(text).split(',').sort().join();
    assert.deepEqual(
      told.get('order')!.map(([n, text, time]) => [n, sorted(text), time]),
      perFrame((frame) => [frame % 3 === 1 ? sorted(order) : '', frame * 100]),
    );
    assert.match(String(told.get('order')![1]![1]), /blocking.*visible.*background/);
    assert.deepEqual(told.get('delayed'), [
      [0, 2, 150],
      [3, 5, 450],
      [6, 8, 750],
    ]);
    // The last render was of the frames 6 to 9.
    assert.deepEqual(colourAt(0, 5, 5), [120, 0, 0]);
    assert.deepEqual(colourAt(2, 5, 5), [120, 0, 0]);
    assert.deepEqual(colourAt(3, 5, 5), [180, 0, 0]);
  });

  it('that never end go on in the next frame, at the same place each time', LONG, async () => {
    const told = await observe(
      page(
        `
      const { port1, port2 } = new MessageChannel();
      let messages = 0;
      port1.onmessage = () => { messages++; port2.postMessage(0); };
      port2.postMessage(0);
      let tasks = 0;
      (async () => { for (;;) { await scheduler.yield(); tasks++; } })();
      const worker = new Worker(URL.createObjectURL(new Blob(['onmessage = () => postMessage(0)'])));
      let answers = 0;
      worker.onmessage = () => { answers++; worker.postMessage(0); };
      worker.postMessage(0);
      globalThis.frame = (n) => say('count', n, messages, tasks, answers);`,
        // The page is settled while it loads.
        '<img src="data:image/svg+xml,%3Csvg xmlns=%22http://www.w3.org/2000/svg%22/%3E">'.repeat(300),
      ),
    );
    const counts = told.get('count')!;
    for (const which of [1, 2, 3]) {
      const values = counts.map((row) => row[which] as number);
      assert.ok(
        values.every((value, n) => n === 0 || value > values[n - 1]!),
        values.join(),
      );
    }
  });
});

describe('observers of layout', () => {
  for (const [beginFrameControl, how, extent] of [
    [true, '', {}],
    [false, ', also without begin-frame control', LONG],
  ] as const) {
    it(`are called for frame n before its picture${how}`, extent, async () => {
      const url = page(
        `const [scroller, mark, sized] = document.querySelectorAll('div');
        new IntersectionObserver(([entry]) => {
          say('seen', genlock.frame, entry.isIntersecting, entry.time);
          setTimeout(() => 0); Promise.resolve().then(() => { document.body.style.background = entry.isIntersecting ? 'rgb(0, 200, 0)' : 'rgb(200, 0, 0)'; });
        }).observe(mark);
        new ResizeObserver(([entry]) => {
          const { port1, port2 } = new MessageChannel();
          port1.onmessage = () => { document.body.style.borderTopWidth = entry.contentRect.width + 'px'; say('size', genlock.frame, entry.contentRect.width); };
          port2.postMessage(0);
        }).observe(sized);
        globalThis.frame = (n) => { mark.style.left = n === 3 || n === 8 ? '0px' : '500px'; sized.style.width = n >= 5 ? '20px' : '10px'; };`,
        `<style>body { margin: 0; border-top: 0 solid blue } div { position: absolute; top: 30px; width: 1px; height: 1px }</style><div></div><div></div><div></div>`,
      );
      // A browser that draws by itself may lay the page out before frame 0.
      const told = beginFrameControl
        ? await observe(url)
        : await pages.observeOnce(url, { browserConfig: { beginFrameControl } });
      const seen = told.get('seen')!.filter(([frame]) => frame !== 0);
      assert.deepEqual(seen, [
        [3, true, 300],
        [4, false, 400],
        [8, true, 800],
        [9, false, 900],
      ]);
      assert.deepEqual(
        told.get('size')!.filter(([frame]) => frame !== 0),
        [[5, 20]],
      );
      await pages.render(url, { browserConfig: { beginFrameControl } });
      const colours = [2, 3, 4, 8, 9].map((frame) => colourAt(frame, 60, 34));
      const [red, green] = [
        [200, 0, 0],
        [0, 200, 0],
      ];
      assert.deepEqual(colours, [red, green, red, green, red]);
      const borders = [
        [4, 15],
        [5, 15],
        [5, 19],
      ].map(([frame, y]) => colourAt(frame!, 60, y!));
      assert.deepEqual(borders, [red, [0, 0, 255], [0, 0, 255]]);
    });
  }
});

describe('scrolling', () => {
  it('that is smooth is a function of the frame, as long and as eased as in the browser', async () => {
    const told = await observe(
      page(
        `const [box, styled] = document.querySelectorAll('div');
        globalThis.frame = (n) => {
          if (n === 1) { box.scrollTo({ top: 324, behavior: 'smooth' }); scrollTo({ top: 1e9, behavior: 'smooth' }); styled.scrollTop = 36; }
          say('top', n, ...[box, document.documentElement, styled].map((each) => Math.round(each.scrollTop)));
          if (n === 7) { document.querySelector('p').scrollIntoView({ behavior: 'smooth' }); }
          if (n === 8) box.scrollTo(0, 11);
        };`,
        `<style>html { height: 612px } body { margin: 0 } div { overflow: auto; height: 20px; width: 30px } div > p { margin: 0; height: 2000px }</style>
        <div><p></p></div><div style="scroll-behavior: smooth"><p></p></div>`,
      ),
    );
    // sqrt(distance) / 60 s: 300 ms, 400 ms and 100 ms; ease-in-out.
    const rows = told.get('top')!;
    assert.deepEqual(
      rows
        .slice(0, 3)
        .map(([, box]) => box)
        .slice(0, 2),
      [0, 0],
    );
    const box = rows.map((row) => row[1] as number);
    const view = rows.map((row) => row[2] as number);
    const styled = rows.map((row) => row[3] as number);
    assert.deepEqual([box[4], box[5], box[6]], [324, 324, 324]);
    assert.ok(
      Math.abs(box[2]! + box[3]! - 324) <= 1 && box[2]! > 50 && box[2]! < 108,
      `it is symmetric: ${box.join()}`,
    );
    assert.deepEqual([view[1], view[3], view[5], view[6]], [0, 288, 576, 576]);
    assert.deepEqual(styled.slice(1, 4), [0, 36, 36]);
    assert.equal(box[9], 11, 'another scroll ends it');
  });

  it('moves scroll and view timelines within the frame', async () => {
    const url = page(
      `const [box] = document.querySelectorAll('div');
      globalThis.frame = (n) => { box.scrollTop = n * 10; };
      say('timeline', box.querySelector('p').getAnimations()[0].timeline.constructor.name);`,
      `<style>@keyframes red { from { background: rgb(0, 0, 0) } to { background: rgb(250, 0, 0) } } body { margin: 0 }
      div { overflow: auto; height: 36px; width: 64px; scrollbar-width: none } p { position: sticky; top: 0; margin: 0; height: 36px; animation: red linear both; animation-timeline: scroll(nearest) } i { display: block; height: 100px }</style>
      <div><p></p><i></i></div>`,
    );
    const told = await observe(url);
    assert.deepEqual(told.get('timeline'), [['ScrollTimeline']]);
    // The range is 100 px: frame n is at n tenths. The last render was of the frames 6 to 9.
    for (let frame = 6; frame < 10; frame++) assert.deepEqual(colourAt(frame - 6, 3, 3), [frame * 25, 0, 0]);
  });
});

describe('documents within the page', () => {
  it('of any origin have the clock of the page: also in another process', async () => {
    const tell = `const box = document.body; let count = 0;
      requestAnimationFrame(function draw(time) {
        requestAnimationFrame(draw);
        say(location.hash, genlock.frame, time, performance.now(), Date.now(), document.getAnimations()[0].currentTime, Math.random());
        parent.postMessage(genlock.frame, '*');
      });
      onmessage = ({ data }) => { box.style.borderTop = data + 'px solid blue'; };`;
    const inner = `<!doctype html><style>@keyframes red { from { background: rgb(0, 0, 0) } to { background: rgb(250, 0, 0) } }
      html { height: 100% } body { margin: 0; height: 100%; box-sizing: border-box; animation: red 1s linear both }</style><body><script>const say = (...values) => console.log(JSON.stringify(values)); ${tell}</script>`;
    await using server = await Server.serve({ 'inner.html': inner });
    const other = server.url('inner.html');
    const outer = (url: string) =>
      page(
        `onmessage = ({ data }) => { say('heard', genlock.frame, data); };
        const [frame] = document.querySelectorAll('iframe');
        globalThis.frame = (n) => frame.contentWindow.postMessage(n, '*');`,
        `<style>body { margin: 0 } iframe { border: 0; width: 64px; height: 18px; display: block }</style>
        <iframe src="${url}#inner"></iframe><iframe sandbox="allow-scripts" srcdoc="${inner.replaceAll('"', '&quot;')}"></iframe>`,
      );
    // The page is a file; and then one of another host.
    await using host = await Server.start((_, response) => {
      response.setHeader('content-type', 'text/html');
      response.end(text);
    });
    let text = '';
    for (const kind of ['file', 'http'] as const) {
      let url = outer(
        other.replace('127.0.0.1', 'localhost').replace('localhost', kind === 'file' ? '127.0.0.1' : 'localhost'),
      );
      if (kind === 'http') {
        text = (await import('node:fs')).readFileSync(new URL(url), 'utf8');
        url = host.url('');
      }
      await pages.render(url);
      const first = [1, 5, 9].map((frame) => colourAt(frame, 5, 15));
      const whole = await pages.render(url, { startFrame: 4, frameCount: 6 });
      const told = new Map<string, unknown[][]>();
      for (const [topic, ...values] of whole) told.set(topic, [...(told.get(topic) ?? []), values]);
      for (const topic of ['#inner', '']) {
        assertClose(
          told.get(topic)!.map((row) => row.slice(0, 5)),
          perFrame((frame) => [frame * 100, frame * 100, EPOCH + frame * 100, frame * 100]),
        );
      }
      assert.deepEqual(
        first,
        [
          [25, 0, 0],
          [125, 0, 0],
          [225, 0, 0],
        ],
        kind,
      );
      // What the page has sent in its frame callback is drawn.
      assert.deepEqual(colourAt(5, 5, 8), [0, 0, 255], kind);
      assert.deepEqual(colourAt(5, 5, 9), [225, 0, 0], kind);
      assert.deepEqual(
        told.get('heard')!.filter(([frame, data]) => frame !== data),
        [],
        kind,
      );
      assert.equal(told.get('heard')!.length, 20);
    }
  });

  it('that come later are told after all messages, timers and frame callbacks of their frame, as they stand there', async () => {
    const told = await observe(
      page(
        `const log = [];
        const late = (name, more) => Object.assign(document.createElement('iframe'), { ...more, onload: () => {
          log.push(name);
          setTimeout(() => log.push(name + ' later'), 50);
        } });
        const blob = URL.createObjectURL(new Blob(['at once'], { type: 'text/html' }));
        const busy = (rounds) => '<script>for (let i = 0, sum = 0; i < ' + rounds + '; i++) sum += i;</' + 'script>';
        onmessage = ({ data }) => { log.push(data); if (data % 4) echo.contentWindow.postMessage(data + 1, '*'); };
        setTimeout(() => log.push('timer'), 290);
        setTimeout(() => document.body.append(late('early', { src: blob })), 280);
        globalThis.frame = (n) => {
          log.push('frame ' + n);
          if (n === 1 || n === 4) {
            const place = document.body.appendChild(document.createElement('p'));
            place.append(late('slow', { srcdoc: busy(n === 1 ? 4e7 : 0) }), late('quick', { srcdoc: busy(n === 1 ? 0 : 4e7) }));
            place.prepend(late('blob', { src: blob }));
            place.prepend(late('empty', {}));
            echo.contentWindow.postMessage(n * 4 + 1, '*');
          }
          if (n === 6) say('log', log.join());
        };`,
        `<iframe id="echo" srcdoc="<script>onmessage = ({ data }) => {
          for (let i = 0, sum = 0; i < 1e7; i++) sum += i;
          parent.postMessage(data, '*');
        }</script>"></iframe>`,
      ),
    );
    const both = (n: number) => ['empty', ...[1, 2, 3, 4].map((each) => n * 4 + each), 'blob', 'slow', 'quick'];
    const later = ['empty later', 'blob later', 'slow later', 'quick later'];
    const early = ['timer', 'frame 3', 'early'];
    const expected = ['frame 0', 'frame 1', ...both(1), ...later, 'frame 2', ...early, 'early later', 'frame 4'];
    assert.deepEqual(told.get('log'), [[[...expected, ...both(4), ...later, 'frame 5', 'frame 6'].join()]]);
  });

  it('that come later begin at the time of the page, counted from zero', async () => {
    const told = await observe(
      page(`
      const inner = (name) => '<script>' + "parent.heard('" + name + "', performance.now(), Date.now()); setTimeout(() => parent.heard('" + name + "', performance.now(), Date.now()), 150);" + '</' + 'script>';
      globalThis.heard = (...values) => say(...values, genlock.frame);
      globalThis.frame = (n) => { if (n === 3) document.body.append(Object.assign(document.createElement('iframe'), { srcdoc: inner('late') })); };`),
    );
    assert.deepEqual(told.get('late'), [
      [0, EPOCH + 300, 3],
      [150, EPOCH + 450, 5],
    ]);
  });
});

describe('shadow trees', () => {
  it('of every kind follow the clock', async () => {
    const style =
      '<style>@keyframes red { from { background: rgb(0, 0, 0) } to { background: rgb(250, 0, 0) } } p { margin: 0; width: 16px; height: 36px; animation: red 1s linear both } :host { float: left } svg { width: 16px; height: 36px }</style>';
    const svg = `<svg xmlns="http://www.w3.org/2000/svg"><rect width="16" height="36"><animate attributeName="fill" from="rgb(0,0,0)" to="rgb(250,0,0)" dur="1s" fill="freeze"/></rect></svg>`;
    const url = page(
      `document.querySelector('#scripted').attachShadow({ mode: 'closed' }).innerHTML = \`${style}<p></p>\`;
      document.querySelector('#smil').attachShadow({ mode: 'open' }).innerHTML = \`${style}${svg}\`;`,
      `<style>body { margin: 0 } div { float: left }</style>
      <div><template shadowrootmode="closed">${style}<p></p></template></div><div><template shadowrootmode="open">${style}<p></p></template></div>
      <div id="scripted"></div><div id="smil"></div>`,
    );
    await pages.render(url, { startFrame: 3, frameCount: 6 });
    for (const frame of [3, 8]) {
      const colours = [3, 20, 36, 52].map((x) => colourAt(frame - 3, x, 9));
      assert.deepEqual(
        colours,
        Array.from({ length: 4 }, () => [frame * 25, 0, 0]),
        `frame ${frame}`,
      );
    }
  });

  it('that come later follow it too: of marquees, and those that no script can find', async () => {
    const style =
      '<style>@keyframes red { from { background: rgb(0, 0, 0) } to { background: rgb(250, 0, 0) } } p { margin: 0; width: 16px; height: 12px; animation: red 1s linear both }</style>';
    const hidden = `<div><template shadowrootmode="closed">${style}<p></p></template></div>`;
    const svg =
      '<div><template shadowrootmode="closed"><svg width="16" height="12" style="display: block"><rect width="16" height="12"><animate attributeName="fill" from="rgb(0,0,0)" to="rgb(250,0,0)" dur="1s" fill="freeze"/></rect></svg></template></div>';
    const url = page(
      `globalThis.frame = (n) => {
        if (n !== 2) return;
        document.querySelector('#late').setHTMLUnsafe(\`${hidden}\`);
        document.querySelector('#inner').srcdoc = \`<style>body { margin: 0 }</style>${hidden}\`;
        document.querySelector('#news').innerHTML = '<marquee truespeed scrolldelay="100" scrollamount="4" direction="right"><i></i></marquee>';
      };`,
      `<style>body { margin: 0; background: white } div, iframe { float: left; border: 0; width: 16px; height: 12px } #news { clear: left; width: 64px } i { float: left; width: 64px; height: 12px; background: black }</style>
      ${svg}<div id="late"></div><iframe id="inner"></iframe><div id="news"></div>`,
    );
    // In the middle of it, and without the frames in which they come being drawn.
    for (const startFrame of [0, 6]) {
      await pages.render(url, { startFrame, frameCount: 10 - startFrame });
      for (const frame of [6, 9]) {
        const red = (x: number, y: number) => colourAt(frame - startFrame, x, y)[0]!;
        assert.deepEqual([red(3, 5), red(20, 5), red(36, 5)], [25 * frame, 25 * (frame - 2), 25 * (frame - 2)]);
        // Its text comes in from the left, 4 pixels in each frame.
        const black = Array.from({ length: 64 }, (_, x) => red(x, 18)).filter((value) => value === 0);
        assert.equal(black.length, 4 * (frame - 2), `frame ${frame} from frame ${startFrame}`);
      }
    }
  });
});

describe('pictures', () => {
  it('of worklets, carets and view transitions are the same wherever a chunk begins', async () => {
    const paint = `registerPaint('specks', class { static inputProperties = ['--n']; paint(context, size, style) {
      for (let i = 0; i < 20; i++) { context.fillStyle = 'rgb(' + Math.floor(Math.random() * 255) + ',' + Date.now() % 7 + ',' + parseInt(style.get('--n')) * 20 + ')'; context.fillRect(Math.random() * 60, Math.random() * 9, 5, 5); }
    } })`;
    const url = page(
      `CSS.paintWorklet.addModule(URL.createObjectURL(new Blob([${JSON.stringify(paint)}], { type: 'text/javascript' })));
      document.querySelector('input').focus();
      globalThis.frame = (n) => {
        document.querySelector('div').style.setProperty('--n', n);
        if (n === 2) document.startViewTransition(() => { document.body.style.background = 'rgb(0, 0, 250)'; });
        if (n === 6) say('file', new File([], 'f').lastModified === Date.now());
      };`,
      `<style>body { margin: 0; background: white } div { height: 12px; background: paint(specks) } input { width: 30px; font-size: 9px }
      ::view-transition-group(*), ::view-transition-old(*), ::view-transition-new(*) { animation-duration: 0.5s }</style><div></div><input>`,
    );
    const [told] = await pages.render(url);
    assert.deepEqual(told, ['file', true]);
    const whole = pages.hashes;
    await pages.render(url, { startFrame: 4, frameCount: 6 });
    assert.deepEqual(pages.hashes, whole.slice(4));
    assert.equal(new Set(whole).size, 10);
  });
});
