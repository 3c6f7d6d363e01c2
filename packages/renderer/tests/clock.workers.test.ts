import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import type { CDPSession } from '../src/browser/Connection.js';
import { PageReporter } from '../src/browser/PageReporter.js';
import type { PartKind } from '../src/browser/PageTargets.js';
import { PageError, StallError } from '../src/index.js';
import { LONG } from './support/extent.js';
import { ClockPages, EPOCH, perFrame, SAY } from './support/clockPages.js';
import { Server } from './support/server.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

/** A page with workers: `worker(source, options)` starts one from a text. */
function page(script: string, html = ''): string {
  return pages.page(
    `const worker = (source, options) => new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })), options);
    ${script}`,
    html,
  );
}

describe('a dedicated worker', () => {
  it('has the clock before its first line, and time goes on with the frames', async () => {
    const told = await pages.observe(
      page(`
      const tell = \`postMessage(['first', performance.now(), Date.now(), performance.timeOrigin, Math.random(), new Event('x').timeStamp,
          crypto.getRandomValues(new Uint8Array(2)).join()]);
        let count = 0;
        setInterval(() => postMessage(['interval', ++count, performance.now()]), 40);
        onmessage = ({ data }) => postMessage(['answer', data, performance.now(), Date.now()]);\`;
      const classic = worker(tell);
      const module = worker('export {};' + tell, { type: 'module' });
      const nested = worker('const inner = new Worker(URL.createObjectURL(new Blob([' + JSON.stringify(tell) + ']))); inner.onmessage = ({ data }) => postMessage(data); onmessage = ({ data }) => inner.postMessage(data);');
      const data = new Worker('data:text/javascript,' + encodeURIComponent(tell));
      for (const [name, each] of Object.entries({ classic, module, nested, data })) {
        each.onmessage = ({ data: [topic, ...values] }) => say(name + ' ' + topic, genlock.frame, performance.now(), ...values);
      }
      globalThis.frame = (n) => { for (const each of [classic, module, nested, data]) each.postMessage(n); };`),
    );
    const random = new Set<unknown>();
    for (const name of ['classic', 'module', 'nested', 'data']) {
      const [first, ...more] = told.get(`${name} first`)!;
      assert.deepEqual(more, []);
      assert.deepEqual([...first!.slice(0, 5), first![6]], [0, 0, 0, EPOCH, EPOCH, 0], name);
      random.add(first![5]).add(first![7]);
      assert.deepEqual(
        told.get(`${name} answer`),
        Array.from({ length: 10 }, (_, n) => [n, n * 100, n, n * 100, EPOCH + n * 100]),
        name,
      );
      // Its timers run among those of the page, in the order of time.
      assert.deepEqual(
        told.get(`${name} interval`),
        Array.from({ length: 22 }, (_, i) => (i + 1) * 40).map((time, i) => [Math.ceil(time / 100), time, i + 1, time]),
        name,
      );
    }
    assert.equal(random.size, 8, 'each one has random numbers of its own');
  });

  it('has the same random numbers wherever the page is served, and others than its siblings', async () => {
    const files = {
      'page.html': `<script>${SAY}
        for (const name of ['a', 'b']) new Worker('/' + name + '.js').onmessage = ({ data }) => say(name, data);
        new Worker('/a.js?again').onmessage = ({ data }) => say('again', data);</script>`,
      'a.js': 'postMessage(Math.random())',
      'b.js': 'postMessage(Math.random())',
      'a.js?again': 'postMessage(Math.random())',
    };
    const tellings = [];
    for (let count = 0; count < 2; count++) {
      await using server = await Server.serve(files);
      tellings.push(await pages.render(server.url('page.html'), { frameCount: 1, mode: 'screenshot' }));
    }
    const [first, second] = tellings.map((said) => said.sort());
    assert.deepEqual(first, second);
    assert.equal(new Set(first!.map(([, number]) => number)).size, 3);
  });

  it('has the random numbers of its place among its siblings, whichever of them is there first', async () => {
    const told = async (sizes: readonly number[]) => {
      const said = await pages.observeOnce(
        page(`
        const tell = 'postMessage([name, Math.random(), crypto.randomUUID()]);';
        const nest = \`new Worker(URL.createObjectURL(new Blob([\${JSON.stringify(tell)}])), { name: 'in' }).onmessage = ({ data }) => postMessage(data);\`;
        for (const [index, size] of ${JSON.stringify(sizes)}.entries())
          worker('/' + '*'.repeat(size) + '/' + tell + nest, index === 0 ? undefined : { name: 'w' + index })
            .onmessage = ({ data }) => say(index + data[0], ...data);`),
        { frameCount: 1, mode: 'screenshot' },
      );
      return Object.fromEntries(said);
    };
    const first = await told([3e7, 10, 10]);
    assert.deepEqual(Object.keys(first).sort(), ['0', '0in', '1in', '1w1', '2in', '2w2']);
    assert.equal(new Set(Object.values(first).flatMap(([values]) => values!.slice(1))).size, 12);
    assert.deepEqual(await told([10, 3e7, 10]), first);
  });

  it('that starts in a later frame counts its own time from there', async () => {
    const told = await pages.observe(
      page(`
      globalThis.frame = (n) => {
        if (n !== 3) return;
        const late = worker("postMessage([performance.now(), Date.now()]); setTimeout(() => postMessage([performance.now(), Date.now()]), 250)");
        late.onmessage = ({ data }) => say('late', genlock.frame, performance.now(), ...data);
      };`),
    );
    assert.deepEqual(told.get('late'), [
      [3, 300, 0, EPOCH + 300],
      [6, 550, 250, EPOCH + 550],
    ]);
  });

  it('answers within the frame, however often they talk, and in a fixed order', async () => {
    const told = await pages.observe(
      page(`
      const order = [];
      const sources = ['let sum = 0; onmessage = ({ data }) => { if (data < 6) { for (let i = 0; i < 2e6; i++) sum += i; } postMessage(data + 1); }', 'onmessage = ({ data }) => postMessage(data + 1)'];
      const all = sources.map((source, index) => {
        const each = worker(source);
        each.onmessage = ({ data }) => { order.push(index + ':' + data); if (data < 12) each.postMessage(data + 1); };
        return each;
      });
      globalThis.frame = (n) => { say('order', n, order.join()); order.length = 0; if (n < 2) for (const each of all) each.postMessage(1); };`),
    );
    const rounds = '0:2,1:2,0:4,1:4,0:6,1:6,0:8,1:8,0:10,1:10,0:12,1:12';
    assert.deepEqual(
      told.get('order'),
      perFrame((frame) => (frame === 1 || frame === 2 ? rounds : '')),
    );
  });

  it('that talks for ever, with the page or itself, goes on in the next frame', LONG, async () => {
    const told = await pages.observe(
      page(`
      let count = 0;
      const endless = worker("onmessage = () => postMessage(0)");
      endless.onmessage = () => { count++; endless.postMessage(0); };
      endless.postMessage(0);
      globalThis.frame = (n) => say('count', n, count);`),
    );
    const counts = told.get('count')!.map(([, count]) => count as number);
    assert.ok(
      counts.every((count, n) => n === 0 || count > counts[n - 1]!),
      counts.join(),
    );
  });

  it('talks through ports, and waits for what it fetches', async () => {
    const told = await pages.observe(
      page(`
      const one = worker(\`onmessage = ({ ports: [port] }) => { port.onmessage = async ({ data }) => {
        const text = await (await fetch('data:text/plain,' + data)).text();
        await crypto.subtle.digest('SHA-256', new Uint8Array(1e6));
        port.postMessage(text + '!');
      } }\`);
      const { port1, port2 } = new MessageChannel();
      one.postMessage(0, [port2]);
      port1.onmessage = ({ data }) => say('port', genlock.frame, data);
      globalThis.frame = (n) => { port1.postMessage(n); };`),
    );
    assert.deepEqual(
      told.get('port'),
      perFrame((frame) => `${frame}!`),
    );
  });

  it('draws with its own frame callbacks on a canvas of the page, in the very frame', async () => {
    const url = page(
      `const canvas = document.querySelector('canvas').transferControlToOffscreen();
      const painter = worker(\`onmessage = ({ data: canvas }) => {
        const context = canvas.getContext('2d');
        let calls = 0;
        requestAnimationFrame(function draw(time) {
          context.fillStyle = 'rgb(' + Math.round(time / 10) + ', ' + calls++ + ', 200)';
          context.fillRect(0, 0, 64, 36);
          requestAnimationFrame(draw);
        });
      }\`);
      painter.postMessage(canvas, [canvas]);
      const own = document.querySelectorAll('canvas')[1].transferControlToOffscreen();
      const context = own.getContext('2d');
      globalThis.frame = (n) => { context.fillStyle = 'rgb(10, ' + n * 20 + ', 30)'; context.fillRect(0, 0, 64, 36); };`,
      `<style>body { margin: 0 } canvas { position: absolute; left: 0; top: 0 } canvas + canvas { left: 32px }</style>
      <canvas width="64" height="36"></canvas><canvas width="64" height="36"></canvas>`,
    );
    const colours = (frames: number) =>
      Array.from({ length: frames }, (_, frame) => [0, 40].flatMap((x) => pages.colourAt(frame, x, 0)));
    const expected = Array.from({ length: 10 }, (_, n) => [n * 10, n, 200, 10, n * 20, 30]);
    await pages.render(url);
    assert.deepEqual(colours(10), expected);
    await pages.render(url, { startFrame: 6, frameCount: 4 });
    assert.deepEqual(colours(4), expected.slice(6));
  });

  it('fails the render when it throws, at the frame in which it does', async (context) => {
    // The browser may be slow to tell.
    // eslint-disable-next-line @typescript-eslint/unbound-method -- It is called with its object.
    const { watch } = PageReporter.prototype;
    context.mock.method(
      PageReporter.prototype,
      'watch',
      function (this: PageReporter, client: CDPSession, kind: PartKind) {
        const late = (name: string, tell: (details: unknown) => void) =>
          client.on(name as never, (details: unknown) => void setTimeout(tell, 300, details));
        watch.call(this, { on: late } as never, kind);
      },
    );
    const url = page(`worker("setTimeout(() => { throw new RangeError('in the worker') }, 250)")`);
    await assert.rejects(pages.render(url), (error: unknown) => {
      assert.ok(error instanceof PageError);
      assert.match(error.message, /frame 3 .*threw: RangeError: in the worker\n {4}at blob:.*:1:/s);
      return true;
    });
  });

  it('tells the page that it has thrown in the frame in which it does, and may handle it by itself', async () => {
    const told = await pages.observe(
      page(`
      const told = worker("setTimeout(() => { throw new RangeError('in the worker') }, 150)");
      told.onerror = (event) => { event.preventDefault(); say('told', genlock.frame, event.message); };
      const own = worker("onerror = () => true; setTimeout(() => { throw new RangeError('handled') }, 150)");
      own.onerror = () => say('never');`),
    );
    assert.deepEqual(told.get('told'), [[2, 'Uncaught RangeError: in the worker']]);
    assert.equal(told.get('never'), undefined);
  });

  it('that does not end is stopped by the deadline', async () => {
    const url = page(`const busy = worker("onmessage = () => { for (;;); }");
      globalThis.frame = (n) => n === 2 && busy.postMessage(0);`);
    await assert.rejects(pages.render(url, { deadlines: { capture: 700 } }), (error: unknown) => {
      assert.ok(error instanceof StallError);
      assert.equal(error.position.frame, 2);
      return true;
    });
  });

  it('may end itself, be ended, and wait for a shared number', LONG, async () => {
    const told = await pages.observe(
      page(`
      const one = worker("setTimeout(() => { postMessage('last'); close(); }, 150)");
      one.onmessage = ({ data }) => say('one', genlock.frame, data);
      const two = worker("setInterval(() => postMessage(0), 100)");
      two.onmessage = () => { say('two', genlock.frame); if (genlock.frame === 2) two.terminate(); };
      const waits = worker("Atomics.wait(new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer), 0, 0)");
      waits.postMessage('is not heard');
      globalThis.frame = (n) => { one.postMessage(n); say('frame', n); };`),
    );
    assert.deepEqual(told.get('one'), [[2, 'last']]);
    assert.deepEqual(told.get('two'), [[1], [2]]);
    assert.equal(told.get('frame')!.length, 10);
  });

  it('holds up nothing that is ended before it has begun', async () => {
    const files = {
      'page.html': `<iframe id="gone" src="gone.html"></iframe><script>${SAY}
        const blob = (source) => URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
        new Worker('twin.js').terminate();
        new Worker('twin.js').onmessage = ({ data }) => say('twin', data);
        new Worker('module.js', { type: 'module' }).terminate();
        new Worker('missing.js').terminate();
        new Worker(blob('')).terminate();
        new Worker('nests.js').onmessage = ({ data }) => say('nests', data);
        gone.onload = () => gone.remove();
        requestAnimationFrame(function each() {
          if (genlock.frame === 1) new Worker('late.js').terminate();
          requestAnimationFrame(each);
        });</script>`,
      'gone.html': '<script>new Worker("gone.js")</script>',
      'twin.js': 'postMessage(1)',
      'nests.js': `new Worker('inner.js').terminate();
        new Worker(URL.createObjectURL(new Blob(['']))).terminate();
        postMessage(2);`,
      ...{ 'module.js': '', 'inner.js': '', 'gone.js': '', 'late.js': '' },
    };
    await using server = await Server.serve(files);
    const said = await pages.render(server.url('page.html'), { frameCount: 3 });
    assert.deepEqual(said.sort(), [
      ['nests', 2],
      ['twin', 1],
    ]);
  });

  it('may close itself, or wait, before it can be asked', async () => {
    const told = await pages.observeOnce(
      page(`
      worker('close()');
      worker('postMessage(1); postMessage(2); close();').onmessage = ({ data }) => say('closed', genlock.frame, data);
      const wait = 'Atomics.wait(new Int32Array(new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true }).buffer), 0, 0, 1);';
      worker(wait + 'setTimeout(() => postMessage(performance.now()), 150)').onmessage = ({ data }) => say('waited', genlock.frame, data);
      `),
      { frameCount: 4 },
    );
    assert.deepEqual(told.get('closed'), [
      [0, 1],
      [0, 2],
    ]);
    assert.deepEqual(told.get('waited'), [[2, 150]]);
  });

  it('whose script is not there fails the render, unless that is allowed', async () => {
    const url = page("new Worker('nowhere.js').onerror = () => say('error', genlock.frame);");
    await assert.rejects(pages.render(url), /the script of a worker did not load: nowhere\.js/);
    assert.deepEqual(await pages.render(url, { frameCount: 2, allowMissingAssets: true }), [['error', 0]]);
  });
});

describe('a shared worker', () => {
  it('may end with the document that has it', async () => {
    const source = 'onconnect = ({ ports: [port] }) => port.postMessage(0)';
    await using server = await Server.serve({
      'shared.js': source,
      'page.html':
        '<script>new SharedWorker("shared.js").port.onmessage = () => { location.href = "next.html"; }</script>',
      'next.html': `<iframe id="gone" src="gone.html"></iframe><script>${SAY}
        onmessage = () => { gone.remove(); say('gone'); };</script>`,
      'gone.html': '<script>new SharedWorker("shared.js").port.onmessage = () => parent.postMessage(0);</script>',
    });
    assert.deepEqual(await pages.render(server.url('page.html'), { frameCount: 2 }), [['gone']]);
  });

  it('answers a page of its own at the time of the question, in one order with other workers', async () => {
    const told = await pages.observe(
      page(`
      const blob = (source) => URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
      const answer = 'let sum = 0; for (let i = 0; i < data[1]; i++) sum += i; port.postMessage([...data, performance.now()]);';
      const source = 'let port; onconnect = ({ ports }) => { port = ports[0]; port.onmessage = ({ data }) => {' + answer + '};' +
        'setInterval(() => port.postMessage(["own", performance.now()]), 130); port.postMessage(["random", Math.random()]); }';
      const ports = [0, 1].map((name) => new SharedWorker(blob(source), { name }).port);
      const dedicated = worker('const port = self; onmessage = ({ data }) => {' + answer + '}');
      const heard = [];
      for (const [index, each] of [...ports, dedicated].entries())
        each.onmessage = ({ data: [n, ...more] }) => { if (n !== 'random') heard.push(index + ':' + n); say('heard ' + n, index, performance.now(), more.at(-1)); };
      let count = 0;
      setInterval(() => {
        count++;
        for (const [index, each] of [...ports, dedicated].entries()) each.postMessage([count, (count + index) % 3 * 1e7]);
      }, 70);
      globalThis.frame = (n) => say('order', n, heard.splice(0).join());`),
    );
    const order = told.get('order')!.map(([, heard]) => heard);
    assert.deepEqual(order.slice(0, 4), [
      '',
      '0:1,1:1,2:1',
      '0:own,1:own,0:2,1:2,2:2',
      '0:3,1:3,2:3,0:own,1:own,0:4,1:4,2:4',
    ]);
    const at = (time: number) => [0, 1, 2].map((index) => [index, time, time]);
    const [[, , one], [, , two]] = told.get('heard random') as [number[], number[]];
    assert.notEqual(one, two, 'they are known by their names');
    assert.deepEqual(told.get('heard 1'), at(70));
    assert.deepEqual(told.get('heard 5'), at(350));
    assert.deepEqual(
      told.get('heard own')!.slice(0, 4),
      [130, 260].flatMap((time) => at(time).slice(0, 2)),
    );
  });

  it('keeps what is said before it listens, ends or gives its port away, and what is sent along', async () => {
    const told = await pages.observe(
      page(`
      const blob = (source) => URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
      const shared = (source) => new SharedWorker(blob(source)).port;
      const late = shared('onconnect = ({ ports: [port] }) => { port.postMessage("first"); setTimeout(() => (port.onmessage = ({ data }) => port.postMessage(data)), 150); }');
      late.postMessage('kept');
      setTimeout(() => (late.onmessage = ({ data }) => say('late', performance.now(), data)), 50);
      shared('onconnect = ({ ports: [port] }) => { port.postMessage("last"); close(); }').onmessage = ({ data }) => say('closed', performance.now(), data);
      const echo = 'onconnect = ({ ports: [port] }) => { port.onmessage = ({ data, ports }) => ports[0] ? ports[0].postMessage([data.size, String(data.canvas)]) : port.postMessage(data); }';
      const along = shared(echo);
      along.onmessage = ({ data }) => say('along', performance.now(), data.bytes.byteLength);
      const canvas = new OffscreenCanvas(1, 1);
      const bytes = new ArrayBuffer(8);
      setTimeout(() => {
        along.postMessage({ bytes }, [bytes]);
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = ({ data }) => say('port', performance.now(), ...data);
        along.postMessage({ size: bytes.byteLength, canvas }, [port2, canvas]);
      }, 120);
      const given = shared(echo);
      const other = worker('onmessage = ({ ports: [port] }) => { port.onmessage = ({ data }) => postMessage(data); port.postMessage("through"); }');
      other.onmessage = ({ data }) => say('given', genlock.frame, data);
      other.postMessage(0, [given]);`),
    );
    assert.deepEqual(told.get('late'), [
      [50, 'first'],
      [150, 'kept'],
    ]);
    assert.deepEqual(told.get('closed'), [[0, 'last']]);
    assert.deepEqual(told.get('along'), [[120, 8]]);
    assert.deepEqual(told.get('port'), [[120, 0, '[object OffscreenCanvas]']]);
    assert.deepEqual(told.get('given'), [[0, 'through']]);
  });

  it('is in the order of the network, as the page is', async () => {
    const files = {
      'page.html': `<script>${SAY}
        const { port } = new SharedWorker('worker.js', { type: 'module', name: 'its own' });
        port.onmessage = ({ data }) => say('told', performance.now(), ...data);
        setTimeout(() => port.postMessage('late'), 150);
        fetch('own').then(() => say('own'));</script>`,
      'worker.js': `import first from './first.js';
        const load = async (what) => { let text = what; for (let i = 0; i < 4; i++) text += await (await fetch('text')).text(); return text; };
        onconnect = async ({ ports: [port] }) => {
          port.onmessage = async ({ data }) => port.postMessage([await load(data), performance.now()]);
          port.postMessage([name, await load(first)]);
        };`,
      ...{ 'first.js': 'export default "early"', own: '', text: '!' },
    };
    await using server = await Server.serve(files);
    // Were it not known whom the answers are for, each would take 5 seconds.
    const limits = { frameCount: 3, deadlines: { load: 18_000, capture: 18_000 } };
    assert.deepEqual(await pages.render(server.url('page.html'), limits), [
      ['own'],
      ['told', 0, 'its own', 'early!!!!'],
      ['told', 150, 'late!!!!', 150],
    ]);
  });

  it('that several documents have is moved ahead of them, and each hears of the others within the frame', async () => {
    const ask = (who: string) => `<style>body { margin: 0 } iframe { position: fixed; left: 32px; border: 0 }</style>
      <script>${SAY}
        const { port } = new SharedWorker('worker.js');
        const heard = new Set();
        port.onmessage = ({ data }) => {
          heard.add(data);
          document.documentElement.style.background = 'rgb(' + heard.size * 20 + ', 0, 0)';
        };
        setInterval(() => port.postMessage('${who}'), 130);
      </script>`;
    await using server = await Server.serve({
      'worker.js': `const ports = [];
        onconnect = ({ ports: [port] }) => {
          ports.push(port);
          port.onmessage = ({ data }) => { for (const each of ports) each.postMessage(data + performance.now()); };
        };`,
      'page.html': `<iframe src="inner.html"></iframe>${ask('page')}`,
      'inner.html': ask('inner'),
    });
    await pages.render(server.url('page.html'), { frameCount: 5, mode: 'screenshot' });
    const reds = [0, 1, 2, 3, 4].map((frame) => [0, 40].map((x) => pages.colourAt(frame, x, 0)[0]));
    // At 130, 260 and 390 ms both have asked.
    assert.deepEqual(
      reds,
      [255, 255, 40, 80, 120].map((red) => [red, red]),
    );
  });

  it('has the clock of the page, a frame at a time', async () => {
    const told = await pages.observe(
      page(`
      const source = 'let count = 0; setInterval(() => count++, 10); onconnect = ({ ports: [port] }) => { port.onmessage = ({ data }) => port.postMessage([data, performance.now(), Date.now(), count]); }';
      const { port } = new SharedWorker(URL.createObjectURL(new Blob([source])));
      port.onmessage = ({ data }) => say('shared', genlock.frame, ...data);
      globalThis.frame = (n) => port.postMessage(n);`),
    );
    assert.deepEqual(
      told.get('shared'),
      Array.from({ length: 10 }, (_, n) => [n, n, n * 100, EPOCH + n * 100, n * 10]),
    );
  });
});
