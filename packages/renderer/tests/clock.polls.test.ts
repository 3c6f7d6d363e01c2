import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { ClockPages, clockPage, SAY } from './support/clockPages.js';
import { LONG } from './support/extent.js';
import { Server } from './support/server.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

/** Ways to come back later, to see whether something is there. */
const PAUSES: Record<string, string> = {
  MessageChannel:
    '(done) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = done; port2.postMessage(0); }',
  'scheduler.yield': '(done) => void scheduler.yield().then(done)',
  'scheduler.postTask': '(done) => void scheduler.postTask(done)',
  setTimeout: '(done) => setTimeout(done, 0)',
  requestIdleCallback: '(done) => (globalThis.requestIdleCallback ?? setTimeout)(done)',
};
/** Ways that take no virtual time. */
const INSTANT = ['MessageChannel', 'scheduler.yield', 'scheduler.postTask'];

/** What takes real time. */
const WORKS: Record<string, string> = {
  import: "import('/slow.js?' + name)",
  fetch: "fetch('/slow.js?' + name).then((answer) => answer.text())",
  picture: "new Promise((done) => Object.assign(new Image(), { onload: done, src: '/slow.svg?' + name }))",
};

/** Serves a page, or one with others beside it, whose slow files come after so many milliseconds. */
async function served(page: string | Record<string, string>, delay: number, options = {}): Promise<unknown[][]> {
  const files = typeof page === 'string' ? { '': page } : page;
  await using server = await Server.start((request, response) => {
    const [name] = request.url!.slice(1).split('?');
    const [type, text, isSlow] =
      name === 'slow.js'
        ? ['text/javascript', 'export default 1', true]
        : name === 'slow.svg'
          ? ['image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>', true]
          : [name!.endsWith('.js') ? 'text/javascript' : 'text/html', files[name!], false];
    response.setHeader('content-type', type);
    setTimeout(() => response.end(text), isSlow ? delay : 0);
  });
  return await pages.render(server.url(''), { frameCount: 4, ...options });
}

const POLLS = `
  const pauses = { ${Object.entries(PAUSES)
    .map(([name, pause]) => `'${name}': ${pause}`)
    .join(', ')} };
  const works = { ${Object.entries(WORKS)
    .map(([name, work]) => `'${name}': (name) => ${work}`)
    .join(', ')} };
  async function poll(pause, work) {
    let isThere = false;
    works[work](pause + work + genlock.frame).then(() => (isThere = true));
    while (!isThere) await new Promise(pauses[pause]);
    say('there', pause, work, genlock.frame, performance.now());
  }`;

const sorted = (rows: unknown[][]) => rows.map((row) => JSON.stringify(row)).sort();

describe('a page that polls', () => {
  it('sees what takes real time at the moment at which it asked, however long that takes', async () => {
    const polls = `for (const pause of ${JSON.stringify(INSTANT)}) for (const work in works) void poll(pause, work);`;
    const html = clockPage(`${POLLS} ${polls} globalThis.frame = (n) => { if (n === 2) { ${polls} } };`);
    const expected = INSTANT.flatMap((pause) =>
      Object.keys(WORKS).flatMap((work) => [
        ['there', pause, work, 0, 0],
        ['there', pause, work, 2, 200],
      ]),
    );
    for (const delay of [0, 300]) assert.deepEqual(sorted(await served(html, delay)), sorted(expected), `${delay} ms`);
  });

  it('by timers and idle callbacks comes through as well', async () => {
    const polls =
      "for (const pause of ['setTimeout', 'requestIdleCallback']) for (const work in works) void poll(pause, work);";
    const html = clockPage(`${POLLS} ${polls} globalThis.frame = (n) => { if (n === 1) { ${polls} } };`);
    const told = await served(html, 300);
    assert.equal(told.length, 12);
    for (const row of told) {
      const [, , , frame, now] = row as [string, string, string, number, number];
      // Before the frame that comes after the one in which it asked.
      assert.ok(frame === 1 ? now <= 4 : frame === 2 && now >= 100 && now <= 104, JSON.stringify(row));
    }
  });

  it('has what a timer began before the frame that comes next', async () => {
    const html = clockPage(`
      let text = 'nothing';
      setTimeout(async () => { text = await (await fetch('/slow.js')).text(); }, 250);
      globalThis.frame = (n) => say('text', n, text);`);
    const answers = ['nothing', 'nothing', 'nothing', 'export default 1'].map((text, frame) => ['text', frame, text]);
    assert.deepEqual(await served(html, 300), answers);
  });

  it('for the time lets it pass, 4 ms with each timer from the sixth on', async () => {
    const told = await pages.render(
      pages.page(`
      (async () => {
        const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
        const nap = async () => { await sleep(0); };
        while (performance.now() < 50) await sleep(0);
        say('awake', performance.now());
        await new Promise((done) => { const { port1, port2 } = new MessageChannel(); port1.onmessage = done; port2.postMessage(0); });
        const times = [];
        for (let round = 0; round < 8; round++) { await nap(); times.push(performance.now()); }
        say('naps', ...times);
      })();`),
    );
    assert.deepEqual(told, [
      ['awake', 52],
      ['naps', 52, 52, 52, 52, 52, 56, 60, 64],
    ]);
  });

  it('within a promise for which the clock stands still', async () => {
    const html = clockPage(`${POLLS}
      const sleep = () => new Promise((resolve) => setTimeout(resolve, 0));
      const rounds = async (pause) => { for (let round = 0; round < 12; round++) await new Promise(pause); };
      genlock.waitUntil(rounds(pauses.setTimeout).then(() => say('load', performance.now())));
      globalThis.frame = (n) => {
        if (n === 1) genlock.waitUntil(rounds(pauses.requestIdleCallback).then(() => say('idle', genlock.frame, performance.now())));
        if (n === 2) genlock.waitUntil(poll('setTimeout', 'import'));
      };`);
    assert.deepEqual(await served(html, 200), [
      ['load', 0],
      ['idle', 1, 100],
      ['there', 'setTimeout', 'import', 2, 200],
    ]);
  });

  describe('while the clock stands still for a promise', () => {
    const names = Object.keys(PAUSES);
    /** Has `ask` poll in each way: while the page loads, one after the other, and in frame n in the n-th way. */
    const asking = (ask: string, html = '') =>
      clockPage(
        `${ask}
        const names = ${JSON.stringify(names)};
        const tell = async (name) => { await ask(name); say('done', name, genlock.frame, performance.now()); };
        genlock.waitUntil((async () => { for (const name of names) await tell(name); })());
        globalThis.frame = (n) => { if (n > 0) genlock.waitUntil(tell(names[n - 1])); };`,
        html,
      );
    const bySelf = `${POLLS} const ask = (name) => poll(name, 'fetch');`;
    const byOther = `
      let heard;
      const hear = ({ data }) => heard?.(data);
      const loaded = new Promise((done) => addEventListener('load', done));
      const ask = (name) => loaded.then(() => new Promise((done) => { heard = done; send(name); }));`;
    const answering = `
      ${POLLS.replaceAll('genlock.frame', '0')}
      const say = () => {};
      onmessage = async ({ data }) => { if (pauses[data]) { await poll(data, 'fetch'); send(data); } };`;
    const frame = '<iframe src="other.html"></iframe>';
    const ways: [who: string, files: Record<string, string>, extent?: object][] = [
      ['the page', { '': asking(bySelf) }, LONG],
      ['a document in it', { '': clockPage('', frame), 'other.html': asking(bySelf) }, LONG],
      [
        'a worker',
        {
          '': asking(
            `${byOther} const worker = new Worker('other.js'); worker.onmessage = hear;
            const send = (name) => worker.postMessage(name);`,
          ),
          'other.js': `const send = (name) => postMessage(name); ${answering}`,
        },
      ],
      [
        'a document that another one waits for',
        {
          '': asking(
            `${byOther} const send = (name) => frames[0].postMessage(name, '*');
            addEventListener('message', hear);`,
            frame,
          ),
          'other.html': `<script>const send = (name) => parent.postMessage(name, '*'); ${answering}</script>`,
        },
      ],
    ];
    for (const [who, files, extent = {}] of ways) {
      it(`comes through, where ${who} polls`, extent, async () => {
        const atLoad = names.map((name) => ['done', name, 0, 0]);
        const inFrames = names.map((name, index) => ['done', name, index + 1, (index + 1) * 100]);
        const told = await served(files, 50, { frameCount: names.length + 1 });
        assert.deepEqual(
          told.filter(([topic]) => topic === 'done'),
          [...atLoad, ...inFrames],
        );
      });
    }
  });

  it('sends a fixed number of messages where it never ends, whatever else takes real time', async () => {
    const html = `<!doctype html><script>${SAY}
      let count = 0;
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => { count++; port2.postMessage(0); };
      requestAnimationFrame(function draw() {
        if (genlock.frame === 0) port2.postMessage(0);
        if (genlock.frame === 1) { fetch('/slow.js').then((answer) => answer.text()); import('/slow.js'); }
        say('count', genlock.frame, count);
        requestAnimationFrame(draw);
      });</script>`;
    const [fast, slow] = [await served(html, 0), await served(html, 200)];
    assert.deepEqual(fast, slow);
    const counts = fast.map(([, , count]) => count as number);
    const [first, ...each] = counts.slice(1).map((count, frame) => count - counts[frame]!);
    assert.ok(first! >= 500 && first! < 1000, `${first} messages`);
    assert.deepEqual(each, [first, first]);
  });
});
