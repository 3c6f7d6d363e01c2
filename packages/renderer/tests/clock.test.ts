import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { LONG } from './support/extent.js';
import { Server } from './support/server.js';
import { assertClose, ClockPages, EPOCH, perFrame } from './support/clockPages.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());
const page = pages.page.bind(pages);
const observe = pages.observe.bind(pages);

describe('clocks', () => {
  it('show n / fps at frame n', async () => {
    const told = await observe(
      page(`
      say('load', performance.now(), Date.now(), genlock.frame, genlock.time);
      globalThis.frame = (n, time) => {
        say('now', n, performance.now(), time, document.timeline.currentTime, genlock.time * 1000);
        say('date', n, Date.now(), +new Date(), new Date().toISOString(), Date.parse(Date()));
      }`),
      { fps: 30 },
    );
    assert.deepEqual(told.get('load'), [[0, EPOCH, 0, 0]]);
    const time = (frame: number) => (frame * 1000) / 30;
    assertClose(
      told.get('now'),
      perFrame((frame) => [time(frame), time(frame), time(frame), time(frame)]),
    );
    assert.deepEqual(
      told.get('date'),
      perFrame((frame) => {
        const date = EPOCH + Math.floor(time(frame));
        return [date, date, new Date(date).toISOString(), EPOCH];
      }),
    );
  });

  it('keep the ways to make a date', async () => {
    const told = await observe(
      page(`
      say('dates', +new Date(5), +new Date(2020, 1, 2) === Date.UTC(2020, 1, 2) + new Date(2020, 1, 2).getTimezoneOffset() * 6e4,
        Date.UTC(2020, 0), Date.parse('2020-01-01'), new Date() instanceof Date, new Date().constructor === Date,
        Date.name, Date.length, new (class extends Date {})() instanceof Date, performance.timeOrigin);
      say('marks', performance.mark('m').startTime, new Event('x').timeStamp);`),
    );
    const dates = [5, true, Date.UTC(2020, 0), Date.UTC(2020, 0), true, true, 'Date', 7, true, EPOCH];
    assert.deepEqual(told.get('dates'), [dates]);
    assert.deepEqual(told.get('marks'), [[0, 0]]);
  });
});

describe('timers', () => {
  it('run at their time, in their order, each before the frame that comes next', async () => {
    const told = await observe(
      page(`
      const log = (name) => () => say('timer', name, performance.now(), genlock.frame);
      setTimeout(log('250'), 250);
      setTimeout(log('150 b'), 150);
      setTimeout(log('0'), 0);
      setTimeout(log('none'));
      setTimeout(log('negative'), -5);
      setTimeout(log('100'), 100);
      setTimeout(log('150 c'), 150);
      const cancelled = setTimeout(log('cancelled'), 120);
      setTimeout(() => clearTimeout(cancelled), 110);
      setTimeout((a, b) => say('arguments', a, b), 10, 'a', 'b');
      setTimeout("say('text')", 20);
      globalThis.frame = (n) => n < 3 && say('timer', 'frame', performance.now(), n);`),
    );
    assert.deepEqual(told.get('timer'), [
      ['0', 0, 0],
      ['none', 0, 0],
      ['negative', 0, 0],
      ['frame', 0, 0],
      ['100', 100, 1],
      ['frame', 100, 1],
      ['150 b', 150, 2],
      ['150 c', 150, 2],
      ['frame', 200, 2],
      ['250', 250, 3],
    ]);
    assert.deepEqual(told.get('arguments'), [['a', 'b']]);
    assert.deepEqual(told.get('text'), [[]]);
  });

  it('are 4 ms apart at least from the sixth in a chain on', async () => {
    const told = await observe(
      page(`
      const chain = (depth) => { say('chain', depth, performance.now()); if (depth < 9) setTimeout(chain, 0, depth + 1); };
      setTimeout(chain, 0, 1);`),
    );
    assert.deepEqual(
      told.get('chain'),
      [0, 0, 0, 0, 0, 4, 8, 12, 16].map((time, index) => [index + 1, time]),
    );
  });

  it('let the microtasks of one run before the next', async () => {
    const told = await observe(
      page(`
      for (const name of ['a', 'b']) {
        setTimeout(() => {
          say('order', 'timer ' + name);
          Promise.resolve().then(() => say('order', 'promise ' + name)).then(() => say('order', 'then ' + name));
          queueMicrotask(() => say('order', 'microtask ' + name));
        }, 50);
      }`),
    );
    const order = (name: string) => ['timer', 'promise', 'microtask', 'then'].map((what) => [`${what} ${name}`]);
    assert.deepEqual(told.get('order'), [...order('a'), ...order('b')]);
  });

  it('repeat without drift, until they are cleared', async () => {
    const told = await observe(
      page(`
      let count = 0;
      const id = setInterval(() => { say('30', performance.now()); if (++count === 12) clearInterval(id); }, 30);
      let fast = 0;
      setInterval(() => fast++, 0);
      globalThis.frame = (n) => say('count', n, count, fast);`),
    );
    assert.deepEqual(
      told.get('30'),
      Array.from({ length: 12 }, (_, index) => [30 * (index + 1)]),
    );
    const counts = told.get('count')!;
    assert.deepEqual(
      counts.map(([, count]) => count),
      [0, 3, 6, 10, 12, 12, 12, 12, 12, 12],
    );
    // Every 4 ms from the sixth on; the first ones come faster.
    const fast = counts.map(([, , n]) => n as number);
    assert.ok(fast.slice(2).every((n, index) => n - fast[index + 1]! === 25));
  });

  it('run where they are due a rounding error after a frame', async () => {
    const told = await observe(
      page(`
      let count = 0;
      globalThis.frame = (n) => {
        if (n === 2) setInterval(() => count++, 20);
        say('count', n, count);
      };`),
      // 2/30 s and five times 20 ms are, in binary fractions, later than 5/30 s.
      { fps: 30 },
    );
    assert.deepEqual(
      told.get('count')!.map(([, count]) => count),
      [0, 0, 0, 1, 3, 4, 6, 8, 10, 11],
    );
  });

  it('have idle callbacks among them', async () => {
    const told = await observe(
      page(`
      globalThis.frame = (n) => n % 4 || requestIdleCallback((deadline) =>
        say('idle', n, deadline.didTimeout, deadline.timeRemaining() > 0, performance.now() - n * 100 < 100));
      cancelIdleCallback(requestIdleCallback(() => say('cancelled')));`),
    );
    assert.deepEqual(told.get('idle'), [
      [0, false, true, true],
      [4, false, true, true],
      [8, false, true, true],
    ]);
    assert.equal(told.get('cancelled'), undefined);
  });
});

describe('frame callbacks', () => {
  it('run once a frame, in their order; what they ask for comes with the next', async () => {
    const told = await observe(
      page(`
      const at = (name) => say('call', name, genlock.frame);
      requestAnimationFrame(() => {
        at('a');
        Promise.resolve().then(() => at('promise of a'));
        cancelAnimationFrame(c);
        requestAnimationFrame(() => at('a again'));
        setTimeout(() => at('timer of a'), 0);
      });
      requestAnimationFrame(() => at('b'));
      const c = requestAnimationFrame(() => at('c'));
      cancelAnimationFrame(requestAnimationFrame(() => at('d')));`),
    );
    assert.deepEqual(told.get('call'), [
      ['a', 0],
      ['promise of a', 0],
      ['b', 0],
      // Set while frame 0 was made: it is after that frame.
      ['timer of a', 1],
      ['a again', 1],
    ]);
  });
});

describe('Math.random', () => {
  it('is the same sequence in every render, another one for another seed', async () => {
    const url = page("say('random', Math.random(), Math.random(), Math.random())");
    const [first] = (await observe(url)).get('random')!;
    const [second] = (await observe(url, { randomSeed: 1 })).get('random')!;
    // mulberry32 of 0.
    assert.deepEqual(first, [0.26642920868471265, 0.0003297457005828619, 0.2232720274478197]);
    assert.notDeepEqual(second, first);
  });
});

describe('window.genlock', () => {
  it('tells the frame, the time, the rate and the properties', async () => {
    const told = await observe(
      page(`
      say('api', genlock.isRendering, genlock.fps, genlock.props, Object.isFrozen(genlock));
      genlock.waitUntil(Promise.resolve());
      globalThis.frame = (n) => say('frame', n, genlock.frame, genlock.time);`),
      { fps: '30000/1001', inputProps: { title: '</script>\u2028"', list: [1, null] } },
    );
    assert.deepEqual(told.get('api'), [[true, 30000 / 1001, { title: '</script>\u2028"', list: [1, null] }, true]]);
    assertClose(
      told.get('frame'),
      perFrame((frame) => [frame, (frame * 1001) / 30000]),
    );
  });

  it('waitUntil holds the frame until the promise settles, and the clock with it', async () => {
    const told = await observe(
      page(`
      globalThis.frame = (n) => {
        say('frame', n, performance.now());
        if (n === 3) genlock.waitUntil((async () => {
          for (let i = 0; i < 20; i++) await new Promise((resolve) => { const c = new MessageChannel(); c.port1.onmessage = resolve; c.port2.postMessage(0); });
          await new Promise((resolve) => setTimeout(resolve, 0));
          say('frame', 'waited', genlock.frame, performance.now());
        })());
      }`),
    );
    assert.deepEqual(told.get('frame')!.slice(2, 6), [
      [2, 200],
      [3, 300],
      ['waited', 3, 300],
      [4, 400],
    ]);
  });
});

describe('work in real time', () => {
  it('a fetch that a frame starts is done before the frame is drawn', async () => {
    await using server = await Server.start((request, response) => {
      if (request.url === '/slow') setTimeout(() => response.end('rgb(0, 200, 0)'), 60);
      else {
        response.setHeader('content-type', 'text/html');
        response.end(`<!doctype html><body style="background: rgb(200, 0, 0)"><script>
          requestAnimationFrame(async function draw() {
            requestAnimationFrame(draw);
            if (genlock.frame !== 2) return;
            const response = await fetch('/slow');
            document.body.style.background = await response.text();
            console.log(JSON.stringify(['fetched', genlock.frame, performance.now()]));
          });
        </script>`);
      }
    });
    const told = await pages.render(server.url(''), { frameCount: 4 });
    assert.deepEqual(told, [['fetched', 2, 200]]);
    assert.deepEqual(
      [1, 2, 3].map((frame) => pages.colourAt(frame, 0, 0)),
      [
        [200, 0, 0],
        [0, 200, 0],
        [0, 200, 0],
      ],
    );
  });

  it('data, pictures and blobs come within the frame', async () => {
    const told = await observe(
      page(`
      globalThis.frame = async (n) => {
        if (n !== 2) return;
        const svg = 'data:image/svg+xml,' + encodeURIComponent('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
        const image = Object.assign(new Image(), { src: svg });
        await image.decode();
        const json = await (await fetch('data:application/json,[1]')).json();
        const bitmap = await createImageBitmap(await (await fetch('data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7')).blob());
        const text = await new Blob(['b']).text();
        say('done', genlock.frame, performance.now(), image.width, json, bitmap.width, text);
      }`),
    );
    assert.deepEqual(told.get('done'), [[2, 200, 9, [1], 1, 'b']]);
  });

  it('fonts, images and styles are there at frame 0', async () => {
    const font = fontFile();
    const files: Record<string, string> = {
      '/style.css': 'body { margin-left: 7px }',
      '/picture.svg': '<svg xmlns="http://www.w3.org/2000/svg" width="11" height="9"/>',
    };
    await using server = await Server.start((request, response) => {
      const type = request.url!.endsWith('.css')
        ? 'text/css'
        : request.url!.endsWith('.svg')
          ? 'image/svg+xml'
          : 'text/html';
      response.setHeader('content-type', type);
      // The files take their time.
      const html = `<!doctype html><link rel="stylesheet" href="style.css"><img src="picture.svg">
        <style>@font-face { font-family: own; src: url(${font}) }</style><p style="font-family: own">text</p>
        <script>requestAnimationFrame(() => console.log(JSON.stringify(['first', genlock.frame,
          document.fonts.status, document.fonts.check('12px own'), document.images[0].width,
          getComputedStyle(document.body).marginLeft])))</script>`;
      setTimeout(() => response.end(files[request.url!] ?? html), request.url === '/' ? 0 : 80);
    });
    assert.deepEqual(await pages.render(server.url(''), { frameCount: 1 }), [['first', 0, 'loaded', true, 11, '7px']]);
  });
});

/** A font of this system, as a data: URL. */
function fontFile(): string {
  const folders = readdirSync('/usr/share/fonts', { recursive: true, encoding: 'utf8' });
  const file = folders.find((name) => /\.(ttf|otf)$/.test(name));
  assert.ok(file, 'there is a font on this system');
  return `data:font/ttf;base64,${readFileSync(join('/usr/share/fonts', file)).toString('base64')}`;
}

describe('CSS', () => {
  it('animations are where they belong in every frame', async () => {
    const told = await observe(
      page(
        `globalThis.frame = (n) => {
          const [plain, delayed, early] = ['plain', 'delayed', 'early'].map((id) => document.getElementById(id).getAnimations()[0]);
          say('plain', n, plain.currentTime, plain.playState, getComputedStyle(document.getElementById('plain')).left);
          say('delayed', n, delayed.currentTime, getComputedStyle(document.getElementById('delayed')).left);
          say('early', n, getComputedStyle(document.getElementById('early')).left);
        }`,
        `<style>@keyframes move { from { left: 0px } to { left: 1000px } }
          p { position: absolute; animation: move 1s linear both }</style>
          <p id="plain"></p><p id="delayed" style="animation-delay: 0.25s"></p><p id="early" style="animation-delay: -0.5s"></p>`,
      ),
    );
    assertClose(
      told.get('plain'),
      perFrame((frame) => [frame * 100, 'running', `${frame * 100}px`]),
    );
    assertClose(
      told.get('delayed'),
      perFrame((frame) => [frame * 100, `${Math.max(0, frame * 100 - 250)}px`]),
    );
    assertClose(
      told.get('early'),
      perFrame((frame) => `${Math.min(1000, 500 + frame * 100)}px`),
    );
  });

  for (const beginFrameControl of [true, false]) {
    const mode = beginFrameControl ? '' : ', also without begin-frame control';
    it(`animations tell of their start, turns and end in the frame of it${mode}`, async () => {
      const told = await observe(
        page(
          `for (const type of ['animationstart', 'animationiteration', 'animationend'])
            document.addEventListener(type, (event) => say('event', type, genlock.frame, event.elapsedTime));`,
          `<style>@keyframes fade { to { opacity: 0 } } p { animation: fade 0.3s 2 }</style><p>text`,
        ),
        { browserConfig: { beginFrameControl } },
      );
      assertClose(told.get('event'), [
        ['animationstart', 0, 0],
        ['animationiteration', 3, 0.3],
        ['animationend', 6, 0.6],
      ]);
    });
  }

  it('a transition begins in the frame that asks for it, and ends on time', async () => {
    const told = await observe(
      page(
        `const p = document.querySelector('p');
        for (const type of ['transitionrun', 'transitionstart', 'transitionend'])
          p.addEventListener(type, () => say('event', type, genlock.frame));
        globalThis.frame = (n) => {
          if (n === 2) p.style.left = '400px';
          say('left', n, getComputedStyle(p).left);
        }`,
        '<p style="position: absolute; left: 0px; transition: left 0.4s linear">text',
      ),
    );
    const left = [0, 0, 0, 100, 200, 300, 400, 400, 400, 400];
    assert.deepEqual(
      told.get('left'),
      left.map((value, frame) => [frame, `${value}px`]),
    );
    assert.deepEqual(told.get('event'), [
      ['transitionrun', 2],
      ['transitionstart', 2],
      ['transitionend', 6],
    ]);
  });
});

describe('many animations', () => {
  /** Moves by 100px in a frame of 100 ms. */
  const many = (count: number) =>
    page(
      `let lists = 0;
      const list = Document.prototype.getAnimations;
      Document.prototype.getAnimations = function () { lists++; return list.call(this); };
      const [last, shown, timed, paused, scripted] = ['i:last-of-type', '#shown', '#timed', '#paused', '#scripted'].map((name) => document.querySelector(name));
      document.addEventListener('animationstart', ({ target }) => target.id && say('start', target.id, genlock.frame));
      document.addEventListener('animationend', ({ target }) => target.id && say('end', target.id, genlock.frame));
      const animation = scripted.animate({ left: ['0px', '400px'] }, 400);
      animation.cancel();
      setTimeout(() => timed.classList.add('moves'), 450);
      globalThis.frame = (n) => {
        if (n === 2) shown.style.display = 'block';
        if (n === 3) animation.play();
        if (n === 4) paused.style.animationPlayState = 'paused';
        if (n === 6) paused.style.animationPlayState = 'running';
        if (n === 8) last.style.animationDuration = '20s';
        say('lists', lists);
        lists = 0;
        say('left', n, ...[last, shown, timed, paused, scripted].map((element) => getComputedStyle(element).left));
      };`,
      `<style>@keyframes move { to { left: 1000px } } i { position: absolute; left: 0px; animation: move 1s linear }
      #shown { display: none } #timed { animation-name: none } #timed.moves { animation: move 0.3s linear } #scripted { animation: none }</style>
      <i id="shown"></i><i id="timed"></i><i id="paused"></i><i id="scripted"></i>${'<i></i>'.repeat(count)}`,
    );

  it('are where few would be, and are not listed again for single new ones', async () => {
    const few = await observe(many(3));
    const told = await observe(many(300));
    for (const topic of ['left', 'start', 'end']) assert.deepEqual(told.get(topic), few.get(topic), topic);
    assert.equal(told.get('left')!.length, 10);
    const lists = told.get('lists')!.flat() as number[];
    // That which is shown in frame 2, the script's of frame 3 and the timer's of frame 5 are found otherwise.
    assert.ok(lists[0]! > 0);
    assert.deepEqual(
      lists.slice(1).map((count) => count > 0),
      Array(9).fill(false),
    );
  });
});

describe('Web Animations', () => {
  const animate = (script: string, options = '1000') =>
    page(
      `const p = document.querySelector('p');
      const animation = p.animate({ left: ['0px', '1000px'] }, ${options});
      ${script}`,
      '<p style="position: absolute; left: 0px">text',
    );

  /** currentTime at each frame, given what the page does with its animation at certain frames. */
  async function times(acts: Record<number, string>, options?: string): Promise<unknown[]> {
    const script = `
      animation.onfinish = () => say('finish', genlock.frame);
      globalThis.frame = (n) => {
        say('time', animation.currentTime === null ? null : Math.round(animation.currentTime * 1e3) / 1e3);
        ${Object.entries(acts)
          .map(([frame, act]) => `if (n === ${frame}) { ${act} }`)
          .join('\n')}
      }`;
    const told = await observe(animate(script, options));
    return [told.get('time')!.flat(), (told.get('finish') ?? []).flat()];
  }

  it('finish in their frame: the event and the promise', async () => {
    const told = await observe(
      animate(
        `animation.onfinish = (event) => say('finish', genlock.frame, event.currentTime, performance.now());
        animation.finished.then(() => say('finished', genlock.frame, performance.now(), animation.playState));`,
        '500',
      ),
    );
    assert.deepEqual(told.get('finish'), [[5, 500, 500]]);
    assert.deepEqual(told.get('finished'), [[5, 500, 'finished']]);
  });

  it('run at their rate', LONG, async () => {
    const all = [0, 200, 400, 600, 800, 1000, 1000, 1000, 1000, 1000];
    assert.deepEqual(await times({ 0: '' }, '{ duration: 1000 }); animation.updatePlaybackRate(2); (0'), [all, [5]]);
    assert.deepEqual(await times({ 3: 'animation.playbackRate = 0.5' }), [
      [0, 100, 200, 300, 350, 400, 450, 500, 550, 600],
      [],
    ]);
  });

  it('run backwards', async () => {
    assert.deepEqual(await times({ 3: 'animation.reverse()' }), [[0, 100, 200, 300, 200, 100, 0, 0, 0, 0], [6]]);
  });

  it('pause and go on', async () => {
    assert.deepEqual(await times({ 2: 'animation.pause()', 5: 'animation.play()' }), [
      [0, 100, 200, 200, 200, 200, 300, 400, 500, 600],
      [],
    ]);
  });

  it('go where they are put, and from there on', LONG, async () => {
    assert.deepEqual(await times({ 2: 'animation.currentTime = 700' }), [
      [0, 100, 200, 800, 900, 1000, 1000, 1000, 1000, 1000],
      [5],
    ]);
    assert.deepEqual(await times({ 2: 'animation.finish()', 5: 'animation.play()' }), [
      [0, 100, 200, 1000, 1000, 1000, 100, 200, 300, 400],
      [2],
    ]);
    assert.deepEqual(await times({ 3: 'animation.cancel()' }), [
      [0, 100, 200, 300, null, null, null, null, null, null],
      [],
    ]);
  });

  it('start when they are told to', async () => {
    assert.deepEqual(await times({ 3: 'animation.startTime = document.timeline.currentTime - 500' }), [
      [0, 100, 200, 300, 600, 700, 800, 900, 1000, 1000],
      [8],
    ]);
    const told = await observe(animate("globalThis.frame = (n) => say('start', n, animation.startTime);"));
    assertClose(
      told.get('start'),
      perFrame(() => 0),
    );
  });

  it('start by their start time alone, also from a pause', async () => {
    const effect = 'new KeyframeEffect(p, { opacity: [0, 1] }, 1000)';
    const told = await observe(
      animate(`
        const idle = new Animation(${effect});
        const paused = p.animate({ right: ['0px', '1000px'] }, 1000);
        paused.pause();
        globalThis.frame = (n) => {
          if (n === 2) idle.startTime = document.timeline.currentTime + 100;
          if (n === 2) paused.startTime = document.timeline.currentTime - 500;
          if (n === 6) idle.startTime = null;
          say('idle', n, idle.currentTime, idle.playState, Number(getComputedStyle(p).opacity));
          say('paused', n, paused.currentTime, paused.playState);
        };`),
    );
    assertClose(
      told.get('idle'),
      perFrame((frame) => {
        if (frame < 2) return [null, 'idle', 1];
        const time = Math.min(frame, 6) * 100 - 300;
        return [time, frame < 6 ? 'running' : 'paused', time < 0 ? 1 : time / 1000];
      }),
    );
    assertClose(
      told.get('paused'),
      perFrame((frame) =>
        frame < 2 ? [0, 'paused'] : [Math.min(1000, frame * 100 + 300), frame < 7 ? 'running' : 'finished'],
      ),
    );
  });

  it('that start at a timer between two frames begin with the frame that shows them first', async () => {
    const told = await observe(
      page(
        `let animation;
        setTimeout(() => { animation = document.querySelector('p').animate({ opacity: [0, 1] }, 1000); }, 250);
        globalThis.frame = (n) => animation && say('time', n, animation.currentTime);`,
        '<p>text',
      ),
    );
    assertClose(told.get('time'), perFrame((frame) => frame * 100 - 300).slice(3));
  });

  it('in a shadow root and on a pseudo-element move too', async () => {
    const told = await observe(
      page(
        `const root = document.querySelector('div').attachShadow({ mode: 'closed' });
        root.innerHTML = '<style>@keyframes move { to { left: 1000px } } p { position: absolute; left: 0px; animation: move 1s linear }</style><p>';
        globalThis.frame = (n) => say('left', n, getComputedStyle(root.querySelector('p')).left,
          getComputedStyle(document.querySelector('i'), '::before').left);`,
        `<style>@keyframes move { to { left: 1000px } } i::before { content: 'x'; position: absolute; left: 0px; animation: move 1s linear }</style>
        <div></div><i></i>`,
      ),
    );
    assert.deepEqual(
      told.get('left'),
      perFrame((frame) => [`${frame * 100}px`, `${frame * 100}px`]),
    );
  });
});

describe('SMIL', () => {
  it('follows the clock of the frames', async () => {
    const told = await observe(
      page(
        `const svg = document.querySelector('svg');
        const rect = document.querySelector('rect');
        globalThis.frame = (n) => say('svg', n, Math.round(svg.getCurrentTime() * 1e4) / 1e4, Math.round(rect.x.animVal.value * 1e3) / 1e3);`,
        '<svg><rect width="9" height="9"><animate attributeName="x" from="0" to="100" dur="1s"/></rect></svg>',
      ),
    );
    assertClose(
      told.get('svg'),
      perFrame((frame) => [frame / 10, frame * 10]),
    );
  });
});

describe('frames within the page', () => {
  it('have the same clock', async () => {
    const inner =
      '<script>requestAnimationFrame(function draw(time) { parent.heard(genlock.frame, time, performance.now()); requestAnimationFrame(draw) })</script>';
    const told = await observe(
      page(
        "globalThis.heard = (...values) => say('inner', ...values);",
        `<iframe srcdoc="${inner.replaceAll('"', '&quot;')}"></iframe>`,
      ),
    );
    assertClose(
      told.get('inner'),
      perFrame((frame) => [frame * 100, frame * 100]),
    );
  });
});
