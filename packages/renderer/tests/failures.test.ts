import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import {
  AssetError,
  BrowserCrashError,
  EncoderError,
  NavigationError,
  PageError,
  Renderer,
  RenderOrchestrator,
  StallError,
  ToolError,
  VerificationError,
  type DistributedRenderOptions,
  type GenlockError,
  type RenderEvent,
  type RenderExecutor,
  type RenderPosition,
} from '../src/index.js';
import { runCommand } from '../src/lifecycle/runCommand.js';
import { LONG } from './support/extent.js';
import { encodeOnly } from './support/encodeOnly.js';
import {
  TWO_WORKERS,
  atEvent,
  eventsOf,
  fail,
  framesOf,
  killRenderers,
  succeed,
  whenDrawn,
  type Failure,
} from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { Server } from './support/server.js';
import { untilAborted } from './support/untilAborted.js';

/** For what is asked of the error alone, and not of the other workers. */
const ONE_WORKER = { concurrency: 1 };
const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
/** A frame of worker 1 alone; its eleventh and twelfth frame come before it. */
const FRAME = 12;

type Kind<T> = new (...args: never[]) => T;

/** Asserts the class, the position and the words of the error. */
function assertError<T extends GenlockError>(
  { error, receipt }: Failure,
  kind: Kind<T>,
  position: RenderPosition,
  ...words: (string | RegExp)[]
): T {
  assert.ok(error instanceof kind, String(error));
  for (const [name, value] of Object.entries(position)) {
    assert.equal(error.position[name as keyof RenderPosition], value, `${name} of ${error.message}`);
    assert.equal(receipt.first[name as keyof RenderPosition], value, `${name} in the receipt`);
  }
  assert.equal(receipt.message, error.message);
  for (const word of words) {
    if (typeof word === 'string') assert.ok(error.message.includes(word), `"${error.message}" does not say ${word}`);
    else assert.match(error.message, word);
  }
  return error;
}

/** Asserts that worker 1 failed at FRAME, and had drawn all frames before it and none from it on. */
function assertAtOnce({ events, receipt }: Failure): void {
  assert.deepEqual(framesOf(events, 1), [10, 11]);
  assert.equal(receipt.workers[1]!.state, 'failed');
  assert.equal(receipt.workers[1]!.frame, FRAME);
  const [failed] = eventsOf(events, 'worker-failed');
  assert.equal(failed?.worker, 1);
}

/** A page that runs a script, and another piece of it in the callback of frame FRAME. */
function page(sandbox: Sandbox, { atLoad = '', atFrame = '', body = '' }): string {
  return sandbox.page(
    [
      '<!doctype html><body style="margin:0;background:linear-gradient(90deg,#123,#486)">',
      '<h1 id="count"></h1>',
      body,
      `<script>${atLoad}`,
      'const draw = () => {',
      "  document.querySelector('#count').textContent = genlock.frame;",
      `  if (genlock.frame === ${FRAME}) {`,
      atFrame,
      '  }',
      '  requestAnimationFrame(draw);',
      '};',
      'requestAnimationFrame(draw);',
      '</script>',
    ].join('\n'),
  );
}

describe('a page that fails', () => {
  it('throws at load', async () => {
    using sandbox = new Sandbox();
    const failure = await fail(sandbox, page(sandbox, { atLoad: '\nundefinedFunction();\n' }), ONE_WORKER);
    const words = ['ReferenceError: undefinedFunction is not defined', 'worker 0', 'page.html:5:1'];
    const { kind } = assertError(failure, PageError, { phase: 'load' }, ...words);
    assert.equal(kind, 'exception');
    assert.deepEqual(eventsOf(failure.events, 'frame'), []);
  });

  it('throws at a frame', async () => {
    using sandbox = new Sandbox();
    const failure = await fail(sandbox, page(sandbox, { atFrame: "throw new TypeError('on purpose');" }));
    const position = { worker: 1, frame: FRAME, phase: 'capture' } as const;
    const words = [`worker 1, frame ${FRAME} (capture)`, 'TypeError: on purpose', 'page.html:8:7'];
    const error = assertError(failure, PageError, position, ...words);
    assert.match(error.location!, /^file:.*page\.html:8:7$/);
    assertAtOnce(failure);
    const [told] = eventsOf(failure.events, 'page-error');
    assert.deepEqual([told?.error, told?.worker, told?.frame], [error, 1, FRAME]);
  });

  it('throws what is no error', LONG, async () => {
    using sandbox = new Sandbox();
    for (const [thrown, words] of [
      ["'a text'", 'a text'],
      ['undefined', 'undefined'],
      ['{ code: 5 }', ''],
    ] as const) {
      const failure = await fail(sandbox, page(sandbox, { atLoad: `throw ${thrown};` }), { concurrency: 1 });
      assertError(failure, PageError, { phase: 'load' }, 'the page threw', words);
    }
  });

  it('throws in a timer, at the frame that waits for it', async () => {
    using sandbox = new Sandbox();
    const atLoad = `setTimeout(() => { throw new Error('late') }, ${(FRAME - 0.5) * (1000 / 30)});`;
    const failure = await fail(sandbox, page(sandbox, { atLoad }));
    assertError(failure, PageError, { worker: 1, frame: FRAME }, 'Error: late');
    assertAtOnce(failure);
  });

  it('leaves a rejection unhandled', async () => {
    using sandbox = new Sandbox();
    const failure = await fail(sandbox, page(sandbox, { atFrame: "Promise.reject(new Error('nobody cares'));" }));
    const words = ['Error: nobody cares', 'left a rejection unhandled', 'page.html:8'];
    const { kind } = assertError(failure, PageError, { worker: 1, frame: FRAME }, ...words);
    assert.equal(kind, 'rejection');
    assertAtOnce(failure);
  });

  it('may handle its own errors', async () => {
    using sandbox = new Sandbox();
    const atFrame = `
      Promise.reject(new Error('handled')).catch(() => {});
      try { throw new Error('caught') } catch {}
      console.error('only said');`;
    const { events, report } = await succeed(sandbox, page(sandbox, { atFrame }));
    assert.equal(report.frames, 20);
    assert.deepEqual(
      eventsOf(events, 'page-console')
        .filter(({ worker }) => worker === 1)
        .map(({ level, text, frame }) => [level, text, frame]),
      [['error', 'only said', FRAME]],
    );
  });

  it('rejects what it gave to waitUntil', async () => {
    using sandbox = new Sandbox();
    const atLoad = "genlock.waitUntil(Promise.reject(new Error('no data')));";
    const loading = await fail(sandbox, page(sandbox, { atLoad }), ONE_WORKER);
    assertError(loading, PageError, { phase: 'load' }, 'Error: no data');

    const atFrame =
      "genlock.waitUntil(new Promise((_, reject) => setTimeout(reject, 0, new Error('no frame')))); genlock.waitUntil(Promise.reject(new Error('no frame')));";
    const failure = await fail(sandbox, page(sandbox, { atFrame }));
    assertError(failure, PageError, { worker: 1, frame: FRAME }, 'Error: no frame');
    assertAtOnce(failure);
  });

  it('opens dialogs: they are answered, and the render goes on', async () => {
    using sandbox = new Sandbox();
    const atFrame = "alert('hello'); console.log(confirm('sure?'), prompt('name?'));";
    const options = { concurrency: 1, startFrame: 10, frameCount: 4 };
    const { events } = await succeed(sandbox, page(sandbox, { atLoad: "alert('load');", atFrame }), options);
    const said = eventsOf(events, 'page-console');
    assert.deepEqual(
      said.map(({ text }) => text),
      ['false null'],
    );
  });

  it('may not close itself: the call does nothing', async () => {
    using sandbox = new Sandbox();
    const options = { concurrency: 1, startFrame: 10, frameCount: 6 };
    const { events } = await succeed(sandbox, page(sandbox, { atFrame: 'window.close();' }), options);
    assert.deepEqual(framesOf(events, 0), [10, 11, 12, 13, 14, 15]);
  });

  it('leaves for another address at a frame', async () => {
    using sandbox = new Sandbox();
    const other = sandbox.page('<title>elsewhere</title>', 'other.html');
    const failure = await fail(sandbox, page(sandbox, { atFrame: `location.href = '${other}';` }));
    assertError(failure, NavigationError, { worker: 1 }, 'other.html');
  });

  it('may move within itself, and forward to another page while it loads', LONG, async () => {
    using sandbox = new Sandbox();
    const atFrame = "location.hash = '#there'; history.pushState({}, '', '?a=1');";
    const moving = page(sandbox, { atFrame });
    assert.equal((await succeed(sandbox, moving)).report.frames, 20);
    const forward = sandbox.page(`<script>location.replace('${moving}')</script>`, 'forward.html');
    const { events } = await succeed(sandbox, forward, { frameCount: 4 });
    assert.deepEqual([...framesOf(events, 0), ...framesOf(events, 1)], [0, 1, 2, 3]);
  });
});

describe('a page whose files are missing', () => {
  const kinds: [kind: string, html: string, file: string][] = [
    ['image', '<img src="gone.png">', 'gone.png'],
    ['background image', '<div style="background:url(gone.png);width:9px;height:9px"></div>', 'gone.png'],
    ['stylesheet', '<link rel="stylesheet" href="gone.css">', 'gone.css'],
    ['script', '<script src="gone.js"></script>', 'gone.js'],
    ['module', '<script type="module">import "./gone.js"</script>', 'gone.js'],
    ['font', '<style>@font-face{font-family:x;src:url(gone.woff2)}p{font-family:x}</style><p>text', 'gone.woff2'],
    ['frame', '<iframe src="gone.html"></iframe>', 'gone.html'],
    ['video', '<video src="gone.mp4"></video>', 'gone.mp4'],
    ['SVG image', '<svg><image href="gone.svg" width="9" height="9"/></svg>', 'gone.svg'],
  ];
  for (const [kind, html, file] of kinds) {
    // All kinds at once are in the tests of missing files.
    const extent = ['image', 'video'].includes(kind) ? {} : LONG;
    it(`${kind}: names the address and the status`, extent, async () => {
      using sandbox = new Sandbox();
      await using server = await Server.serve({ 'index.html': `<!doctype html><body>${html}` });
      const failure = await fail(sandbox, server.url('index.html'), { concurrency: 1 });
      const words = [server.url(file), 'HTTP 404', 'worker 0', 'allowMissingAssets'];
      const error = assertError(failure, AssetError, { phase: 'load' }, ...words);
      assert.equal(error.url, server.url(file));
      assert.equal(error.reason, 404);
      assert.deepEqual(eventsOf(failure.events, 'frame'), []);
    });
  }

  it('a file that is asked for at a frame', async () => {
    using sandbox = new Sandbox();
    const atFrame = "document.body.append(Object.assign(new Image(), { src: 'gone.png' }));";
    const failure = await fail(sandbox, page(sandbox, { atFrame }));
    assertError(failure, AssetError, { worker: 1, frame: FRAME }, 'gone.png', 'ERR_FILE_NOT_FOUND');
    assertAtOnce(failure);
  });

  it('a server that breaks off', async () => {
    using sandbox = new Sandbox();
    await using server = await Server.start((request, response) => {
      if (request.url === '/index.html') response.end('<!doctype html><img src="broken.png">');
      else request.socket.destroy();
    });
    const failure = await fail(sandbox, server.url('index.html'), ONE_WORKER);
    assertError(failure, AssetError, { phase: 'load' }, server.url('broken.png'), 'net::ERR_EMPTY_RESPONSE');
  });

  it('allowMissingAssets goes on, and warns of each', async () => {
    using sandbox = new Sandbox();
    const html = kinds.map(([, part]) => part).join('\n');
    await using server = await Server.serve({ 'index.html': `<!doctype html><body>${html}` });
    const { report, events } = await succeed(sandbox, server.url('index.html'), { allowMissingAssets: true });
    assert.equal(report.frames, 20);
    for (const worker of [0, 1]) {
      const warnings = eventsOf(events, 'warning').filter((event) => event.worker === worker);
      for (const [, , file] of kinds) {
        assert.ok(
          warnings.some(({ message }) => message.includes(server.url(file))),
          `worker ${worker}: ${file}`,
        );
      }
    }
  });

  it('fetch and XMLHttpRequest are the business of the page', LONG, async () => {
    using sandbox = new Sandbox();
    const script = `
      fetch('gone.json').then((response) => console.log('fetch', response.status));
      const request = new XMLHttpRequest();
      request.onload = () => console.log('xhr', request.status);
      request.open('GET', 'gone.json');
      request.send();`;
    await using server = await Server.serve({ 'index.html': `<!doctype html><script>${script}</script>` });
    const { events } = await succeed(sandbox, server.url('index.html'), { frameCount: 2 });
    const said = eventsOf(events, 'page-console').filter(({ worker }) => worker === 0);
    assert.deepEqual(said.map(({ text }) => text).sort(), ['fetch 404', 'xhr 404']);
  });
});

describe('an address that is no page', () => {
  it('404', async () => {
    using sandbox = new Sandbox();
    await using server = await Server.serve({});
    const failure = await fail(sandbox, server.url('gone.html'), ONE_WORKER);
    assertError(failure, NavigationError, { phase: 'load' }, server.url('gone.html'), 'HTTP 404', 'worker 0');
  });

  it('connection refused', async () => {
    using sandbox = new Sandbox();
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    await new Promise((resolve) => server.close(resolve));
    const failure = await fail(sandbox, url, ONE_WORKER);
    assertError(failure, NavigationError, { phase: 'load' }, url, 'net::ERR_CONNECTION_REFUSED');
  });

  it('no such file', async () => {
    using sandbox = new Sandbox();
    const failure = await fail(sandbox, 'file:///no/such/page.html', ONE_WORKER);
    assertError(failure, NavigationError, { phase: 'load' }, 'file:///no/such/page.html', 'ERR_FILE_NOT_FOUND');
  });

  it('a server that never answers', async () => {
    using sandbox = new Sandbox();
    await using server = await Server.start(() => {});
    const failure = await fail(sandbox, server.url(''), { ...ONE_WORKER, deadlines: { load: 1000 } });
    assertError(failure, StallError, { phase: 'load' }, server.url(''), '1000 ms');
    assert.equal(failure.receipt.reason, 'stall');
  });
});

describe('clause 12: something stalls', () => {
  /** Long enough for a frame on a busy machine, short enough to wait for. */
  const DEADLINE = 1500;
  const position = { worker: 1, frame: FRAME, phase: 'capture' } as const;

  it('what it waits for is named: an answer that does not end, and all else', async () => {
    using sandbox = new Sandbox();
    await using server = await Server.start(({ url }, response) => {
      if (url === '/body') response.write('the beginning');
      else if (url === '/page') {
        response.setHeader('content-type', 'text/html');
        response.end(`<!doctype html><script>
          new EventSource('/events');
          fetch('/answer');
          fetch('/body').then((answer) => answer.text());
          genlock.waitUntil(new Promise(() => {}));
        </script>`);
      }
    });
    const failure = await fail(sandbox, server.url('page'), { concurrency: 1, deadlines: { load: DEADLINE } });
    // The answers come in order: the page has none of them, and has not begun to read the second.
    const words = [server.url('answer'), server.url('body'), 'fetch()', 'genlock.waitUntil'];
    assertError(failure, StallError, { worker: 0, phase: 'load' }, ...words);
    assert.doesNotMatch(String(failure.error), /events|script that does not end/);
  });

  it('a page that loops for ever at a frame', async () => {
    using sandbox = new Sandbox();
    const failure = await fail(sandbox, COUNTER, { inputProps: { loopAt: FRAME }, deadlines: { capture: DEADLINE } });
    assertError(failure, StallError, position, `worker 1, frame ${FRAME} (capture)`, `${DEADLINE} ms`);
    assert.equal(failure.receipt.reason, 'stall');
    assert.deepEqual(framesOf(failure.events, 1), [10, 11]);
  });

  it('a page that loops for ever at load', LONG, async () => {
    using sandbox = new Sandbox();
    const failure = await fail(sandbox, page(sandbox, { atLoad: 'for (;;);' }), {
      stabilityTimeout: DEADLINE,
      concurrency: 1,
    });
    assertError(failure, StallError, { phase: 'load' }, '(load)', 'page.html');
  });

  it('a page that loops for ever before the first frame of a chunk', async () => {
    using sandbox = new Sandbox();
    // Worker 0 would be there at its last frame, long after the deadline of worker 1.
    const options = { inputProps: { loopAt: 3 }, startFrame: 5, deadlines: { seek: DEADLINE } };
    const failure = await fail(sandbox, COUNTER, options);
    assertError(failure, StallError, { frame: 3, phase: 'seek' }, 'frame 3 (seek)');
  });

  it('a promise given to waitUntil that never settles, at load and at a frame', LONG, async () => {
    using sandbox = new Sandbox();
    const wait = 'genlock.waitUntil(new Promise(() => {}));';
    const options = { deadlines: { load: DEADLINE }, concurrency: 1 };
    const loading = await fail(sandbox, page(sandbox, { atLoad: wait }), options);
    assertError(loading, StallError, { phase: 'load' }, '(load)', 'waitUntil', 'worker 0');
    const drawing = await fail(sandbox, page(sandbox, { atFrame: wait }), { deadlines: { capture: DEADLINE } });
    assertError(drawing, StallError, position, `frame ${FRAME}`, 'waitUntil');
  });

  it('an image that never arrives', async () => {
    using sandbox = new Sandbox();
    await using server = await Server.start((request, response) => {
      if (request.url === '/index.html') response.end('<!doctype html><img src="slow.png">');
    });
    const options = { deadlines: { load: DEADLINE }, concurrency: 1 };
    const failure = await fail(sandbox, server.url('index.html'), options);
    assertError(failure, StallError, { phase: 'load' }, server.url('slow.png'));
  });

  it('a browser that is stopped', async () => {
    using sandbox = new Sandbox();
    const stop = whenDrawn('browser', (pid) => process.kill(-pid, 'SIGSTOP'));
    const failure = await fail(sandbox, COUNTER, { deadlines: { capture: DEADLINE } }, { onEvent: stop });
    assertError(failure, StallError, { worker: 1, phase: 'capture' });
  });

  it('an encoder that takes no frame', async () => {
    using sandbox = new Sandbox();
    const ffmpegPath = sandbox.script('ffmpeg', 'exec sleep 1000');
    const options = { ffmpegPath, width: 1280, height: 720, concurrency: 1, deadlines: { encode: DEADLINE } };
    const failure = await fail(sandbox, COUNTER, options);
    assertError(failure, StallError, { phase: 'encode' }, '(encode)', 'the encoder');
  });

  it('an encoder that does not end', LONG, async () => {
    using sandbox = new Sandbox();
    const ffmpegPath = sandbox.script('ffmpeg', 'cat > /dev/null', 'sleep 1000');
    const options = { ffmpegPath, frameCount: 1, concurrency: 1, deadlines: { drain: DEADLINE } };
    const failure = await fail(sandbox, COUNTER, options);
    assertError(failure, StallError, { phase: 'drain' }, 'the encoder to finish');
  });
});

describe('a process that dies', () => {
  const options: Partial<DistributedRenderOptions> = { frameCount: 100 };

  it('the browser', async () => {
    using sandbox = new Sandbox();
    const kill = whenDrawn('browser', (pid) => process.kill(pid, 'SIGKILL'));
    const failure = await fail(sandbox, COUNTER, options, { onEvent: kill });
    assertError(failure, BrowserCrashError, { worker: 1, phase: 'capture' }, 'worker 1, frame 5', 'SIGKILL');
    // A few are on their way until the system has ended all of its processes.
    assert.ok(framesOf(failure.events, 1).length < 25, 'at once');
  });

  it('the process that draws the page', async () => {
    using sandbox = new Sandbox();
    const kill = whenDrawn('browser', killRenderers);
    const failure = await fail(sandbox, COUNTER, options, { onEvent: kill });
    assertError(failure, BrowserCrashError, { worker: 1, phase: 'capture' }, 'worker 1, frame 5', 'crashed');
    assert.ok(framesOf(failure.events, 1).length < 25, 'at once');
  });

  it('the encoder', async () => {
    using sandbox = new Sandbox();
    const kill = whenDrawn('encoder', (pid) => process.kill(pid, 'SIGKILL'));
    const failure = await fail(sandbox, COUNTER, options, { onEvent: kill });
    const error = assertError(failure, EncoderError, { worker: 1, phase: 'capture' }, 'worker 1', 'SIGKILL');
    assert.equal(error.exit.signal, 'SIGKILL');
    assert.ok(framesOf(failure.events, 1).length < 25, 'at once');
  });

  it('an encoder that fails says why', async () => {
    using sandbox = new Sandbox();
    const ffmpegPath = sandbox.script('ffmpeg', 'echo "no space left" >&2', 'exit 28');
    const failure = await fail(sandbox, COUNTER, { ffmpegPath });
    assertError(failure, EncoderError, {}, 'code 28', 'no space left', /worker [01]/);
  });

  it('the ffmpeg that joins the chunks', async () => {
    using sandbox = new Sandbox();
    const kill = atEvent(
      (event) => event.type === 'process' && event.state === 'started' && event.role === 'concat',
      (event) => process.kill((event as { pid: number }).pid, 'SIGKILL'),
    );
    const failure = await fail(sandbox, COUNTER, { executor: encodeOnly }, { onEvent: kill });
    assertError(failure, EncoderError, { phase: 'concat' }, 'joining', 'SIGKILL');
  });
});

describe('a browser that is none', () => {
  it('says something else than a browser would: it fails its own render alone', async () => {
    using sandbox = new Sandbox();
    const executablePath = sandbox.script('browser', 'echo "what is it that you want?" >&4', 'exec sleep 1000');
    const failure = await fail(sandbox, COUNTER, { browserConfig: { executablePath } });
    assertError(failure, ToolError, { phase: 'launch' }, executablePath, 'does not speak the DevTools protocol');
  });
});

describe('clause 11: a tool that lies', () => {
  it('an encoder that leaves early with exit code 0', async () => {
    using sandbox = new Sandbox();
    const ffmpegPath = sandbox.script('ffmpeg', 'head -c 20000 | ffmpeg "$@"');
    const failure = await fail(sandbox, COUNTER, { ffmpegPath });
    assert.ok(failure.error instanceof EncoderError || failure.error instanceof VerificationError);
  });

  it('an encoder that ends with exit code 0: the error does not tell that all went well', () => {
    const failed = (code: number | null, signal: NodeJS.Signals | null, stderr = '') =>
      new EncoderError('encoding failed', { code, signal, stderr }, {}).message;
    assert.equal(failed(0, null), 'encoding failed: ffmpeg ended before its work was done');
    assert.match(
      failed(0, null, 'av_interleaved_write_frame(): No space left on device'),
      /ffmpeg found the disk full/,
    );
    assert.equal(failed(3, null), 'encoding failed: ffmpeg exited with code 3');
    assert.equal(failed(null, 'SIGKILL'), 'encoding failed: ffmpeg was ended by SIGKILL');
  });

  it('an encoder that takes everything and encodes a part', async () => {
    using sandbox = new Sandbox();
    const ffmpegPath = sandbox.script(
      'ffmpeg',
      'for a; do shift; [ "$a" = -an ] && set -- "$@" -frames:v 7; set -- "$@" "$a"; done',
      'ffmpeg "$@" && cat > /dev/null',
    );
    const failure = await fail(sandbox, COUNTER, { ffmpegPath });
    assertError(failure, VerificationError, { phase: 'verify' }, '7 frames instead of 10');
  });

  it('an encoder that a full disk cuts short, with exit code 0', async () => {
    using sandbox = new Sandbox();
    // As ffmpeg does with Matroska: it writes what there is room for and says nothing.
    const ffmpegPath = sandbox.script('ffmpeg', 'for last; do :; done', 'ffmpeg "$@" && truncate -s 2000 "$last"');
    const failure = await fail(sandbox, COUNTER, { ffmpegPath, lossless: true, frameCount: 4, concurrency: 1 });
    assert.ok(failure.error instanceof EncoderError || failure.error instanceof VerificationError);
  });

  it('a join that loses frames', async () => {
    using sandbox = new Sandbox();
    const short = 'ffmpeg -v error -y -f lavfi -i color=size=320x180:rate=30 -frames:v 19 -f mp4 "$last"';
    const ffmpegPath = sandbox.script(
      'ffmpeg',
      'for last; do :; done',
      `case "$*" in *ffconcat*) exec ${short};; esac`,
      'exec ffmpeg "$@"',
    );
    const failure = await fail(sandbox, COUNTER, { ffmpegPath, executor: encodeOnly });
    assertError(failure, VerificationError, {}, '19 frames instead of 20');
  });

  it('a chunk that is gone, before its worker has looked into it and after', LONG, async () => {
    using sandbox = new Sandbox();
    const ffmpegPath = sandbox.script('ffmpeg', 'for last; do :; done', 'ffmpeg "$@" && rm "$last"');
    const before = await fail(sandbox, COUNTER, { ffmpegPath, frameCount: 2 });
    assertError(before, EncoderError, { phase: 'verify' }, 'cannot read the encoded video back');
    const executor: RenderExecutor = {
      async render(url, path, options, job) {
        await new Renderer(options).render(url, path, job);
        rmSync(path);
      },
    };
    const after = await fail(sandbox, COUNTER, { executor, frameCount: 2 });
    assertError(after, EncoderError, { phase: 'verify' }, 'cannot read the encoded video back');
  });

  it('a chunk that is written to after its worker has looked into it', async () => {
    using sandbox = new Sandbox();
    const executor: RenderExecutor = {
      async render(url, path, options, job) {
        const result = await new Renderer(options).render(url, path, job);
        if (job.worker !== 1) return result;
        const shorten = 'ffmpeg -v error -y -i "$0" -c copy -frames:v 7 "$0.mp4" && mv "$0.mp4" "$0"';
        assert.equal((await runCommand('sh', ['-c', shorten, path])).code, 0);
        return result;
      },
    };
    // Says which file it reads.
    const list = join(sandbox.inputs, 'probed');
    const ffprobePath = sandbox.script('ffprobe', `for last; do :; done; echo "$last" >> ${list}`, 'exec ffprobe "$@"');
    const failure = await fail(sandbox, COUNTER, { executor, ffprobePath });
    assertError(failure, VerificationError, { phase: 'verify', worker: 1 }, '7 frames instead of 10');
    const probed = readFileSync(list, 'utf8').trimEnd().split('\n');
    const finished = probed.map((path) => basename(path)).filter((name) => !name.includes('.part-'));
    assert.deepEqual(finished, ['part_1.mp4'], 'the other chunk is what it was, and not looked into again');
  });

  it('an ffprobe that says nothing of use', LONG, async () => {
    using sandbox = new Sandbox();
    for (const says of ['not json', '{}', '']) {
      const ffprobePath = sandbox.script('ffprobe', `printf '${says}'`);
      const failure = await fail(sandbox, COUNTER, { ffprobePath, frameCount: 1, concurrency: 1 });
      assert.ok(failure.error instanceof VerificationError, String(failure.error));
    }
  });
});

describe('a tool that is missing', () => {
  it('ffmpeg', async () => {
    using sandbox = new Sandbox();
    const failure = await fail(sandbox, COUNTER, { ffmpegPath: '/no/such/ffmpeg' });
    assertError(failure, ToolError, {}, '/no/such/ffmpeg', 'apt-get install -y ffmpeg');
  });

  it('ffprobe', async () => {
    using sandbox = new Sandbox();
    const failure = await fail(sandbox, COUNTER, { ffprobePath: '/no/such/ffprobe' });
    assertError(failure, ToolError, {}, '/no/such/ffprobe', 'apt-get install');
  });

  it('the browser', async () => {
    using sandbox = new Sandbox();
    const failure = await fail(sandbox, COUNTER, { browserConfig: { executablePath: '/no/such/browser' } });
    assertError(failure, ToolError, {}, '/no/such/browser', 'chromium-headless-shell');
  });

  it('a browser that is none', async () => {
    using sandbox = new Sandbox();
    const executablePath = sandbox.script('browser', 'echo "no display" >&2', 'exit 7');
    const failure = await fail(sandbox, COUNTER, { browserConfig: { executablePath } });
    assertError(failure, ToolError, { phase: 'launch' }, executablePath, 'code 7', 'no display');
  });
});

describe('the surroundings fail', () => {
  it('the output folder is removed meanwhile', async () => {
    using sandbox = new Sandbox();
    const folder = join(sandbox.root, 'folder');
    mkdirSync(folder);
    const onEvent = (event: RenderEvent) => {
      sandbox.watch(event);
      if (event.type === 'frame') rmSync(folder, { recursive: true, force: true });
    };
    await assert.rejects(
      RenderOrchestrator.render(COUNTER, join(folder, 'out.mp4'), TWO_WORKERS, { onEvent }),
      (error: Error) => error.message.includes(folder) && /No such file/i.test(error.message),
    );
    assert.deepEqual(sandbox.survivors(), []);
    assert.deepEqual(sandbox.files(), []);
  });

  const moments: [string, (event: RenderEvent) => boolean][] = [
    ['the first state', (event) => event.type === 'state'],
    ['the start of a browser', (event) => event.type === 'process' && event.role === 'browser'],
    ['the first frame', (event) => event.type === 'frame'],
    ['the join', (event) => event.type === 'phase' && event.phase === 'concat'],
    ['the commit', (event) => event.type === 'phase' && event.phase === 'commit' && event.worker === undefined],
  ];
  for (const [name, matches] of moments) {
    it(`onEvent throws at ${name}: that very error comes out`, async () => {
      using sandbox = new Sandbox();
      const thrown = new Error('my listener is broken');
      const onEvent = atEvent(matches, () => {
        throw thrown;
      });
      // A browser is needed only to hear of it and of its frames.
      const options = /browser|frame/.test(name) ? { frameCount: 4 } : { executor: encodeOnly };
      const { error } = await fail(sandbox, COUNTER, options, { onEvent });
      assert.equal(error, thrown);
    });
  }

  for (const [name, matches] of moments.filter(([moment]) => !/browser|frame/.test(moment))) {
    it(`an async onEvent rejects at ${name}: that very error comes out`, async () => {
      using sandbox = new Sandbox();
      const thrown = new Error('my listener is broken');
      const onEvent = async (event: RenderEvent): Promise<void> => {
        if (matches(event)) throw thrown;
      };
      const { error } = await fail(sandbox, COUNTER, { executor: encodeOnly }, { onEvent });
      assert.equal(error, thrown);
      sandbox.assertNoComplaints();
    });
  }

  it('async listeners of a Renderer by itself reject: that very error comes out', async () => {
    using sandbox = new Sandbox();
    const { concurrency: _, ...options } = TWO_WORKERS;
    for (const listener of ['onProgress', 'onEvent'] as const) {
      const destination = sandbox.destination('out.mp4');
      const thrown = new Error(`${listener} is broken`);
      const broken = async (told: unknown): Promise<void> => {
        if (listener !== 'onEvent' || (told as RenderEvent).type === 'frame') throw thrown;
      };
      const render = new Renderer({ ...options, frameCount: 2 }).render(COUNTER, destination, { [listener]: broken });
      await assert.rejects(render, (error) => error === thrown);
      sandbox.assertNothingLeft(destination);
    }
  });

  it('async listeners that reject when the render is over, or never settle, change nothing', async () => {
    using sandbox = new Sandbox();
    const onEvent = (event: RenderEvent): unknown =>
      event.type === 'report' ? Promise.reject(new Error('too late')) : new Promise(() => {});
    const { report } = await succeed(
      sandbox,
      COUNTER,
      { frameCount: 2, executor: encodeOnly },
      {
        onEvent,
      },
    );
    assert.equal(report.frames, 2);
    sandbox.assertNoComplaints();
  });

  it('onProgress throws: that very thing comes out', async () => {
    using sandbox = new Sandbox();
    const executor: RenderExecutor = {
      render: async (_url, _path, _options, job) => void job.onProgress!(0.5),
    };
    for (const [thrown, options] of [
      [new Error('my listener is broken'), { frameCount: 4 }],
      ['a text', { executor }],
      [undefined, { executor }],
    ] as const) {
      const onProgress = () => {
        throw thrown as Error;
      };
      const { error } = await fail(sandbox, COUNTER, options, { onProgress });
      assert.equal(error, thrown);
    }
    for (const thrown of [new Error('my listener is broken'), undefined, Object.create(null)]) {
      const { error } = await fail(sandbox, COUNTER, { executor }, { onProgress: () => Promise.reject(thrown) });
      assert.ok(error === thrown);
    }
  });

  it('onEvent throws while the render stops: the cause still comes out', async () => {
    using sandbox = new Sandbox();
    const cause = new PageError('Error: the cause', 'exception', {}, { worker: 1, frame: FRAME, phase: 'capture' });
    const executor: RenderExecutor = {
      render: async (_url, _path, _options, { worker, signal, onEvent }) => {
        if (worker === 0) return untilAborted(signal!);
        onEvent!({ type: 'worker-failed', error: cause, worker: 1 });
        throw cause;
      },
    };
    for (const type of ['state', 'worker-failed', 'worker', 'stopped'] as const) {
      const onEvent = (event: RenderEvent) => {
        const early = event.type === 'state' && event.state === 'running';
        const stopping = event.type !== 'worker' || event.state === 'failed' || event.state === 'stopped';
        if (event.type === type && stopping && !early) throw new Error('from the listener');
      };
      const failure = await fail(sandbox, COUNTER, { executor }, { onEvent });
      assert.equal(failure.error, cause);
      assertError(failure, PageError, { worker: 1, frame: FRAME }, 'the cause');
    }
  });

  it('onProgress of a Renderer by itself throws: that very error comes out', async () => {
    using sandbox = new Sandbox();
    const thrown = new Error('my listener is broken');
    const onProgress = () => {
      throw thrown;
    };
    const { concurrency: _, ...options } = TWO_WORKERS;
    const destination = sandbox.destination('out.mp4');
    const job = { onProgress, onEvent: sandbox.watch };
    const [outcome] = await Promise.allSettled([new Renderer(options).render(COUNTER, destination, job)]);
    assert.equal((outcome as PromiseRejectedResult).reason, thrown);
    sandbox.assertNothingLeft(destination);
  });
});
