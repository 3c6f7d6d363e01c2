import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { OptionsError, Renderer, RenderOrchestrator, renderStill, verifyPage, type RenderEvent } from '../src/index.js';
import { planVerification } from '../src/verify/planVerification.js';
import { Sandbox } from './support/Sandbox.js';

const SIZE = { width: 64, height: 36, fps: 10 };
const OPTIONS = { ...SIZE, frameCount: 2, concurrency: 1, mode: 'screenshot' } as const;

let sandbox: Sandbox;
let page: string;
before(() => {
  sandbox = new Sandbox();
  const folder = join(sandbox.inputs, 'odd #1 100% ü?');
  mkdirSync(folder);
  page = join(folder, 'page.html');
  writeFileSync(page, '<body style="background: teal"><script src="title.js"></script>');
  writeFileSync(join(folder, 'title.js'), 'document.title = "loaded"');
});
after(() => sandbox[Symbol.dispose]());

/** Each way in which the library takes a page; none of them gets further than its checks. */
const ENTRIES: Record<string, (url: string, onEvent?: (event: RenderEvent) => void) => Promise<unknown>> = {
  render: (url, onEvent) => RenderOrchestrator.render(url, join(sandbox.root, 'a.mp4'), OPTIONS, job(onEvent)),
  Renderer: (url, onEvent) => new Renderer(RANGE).render(url, join(sandbox.root, 'b.mp4'), job(onEvent)),
  renderStill: (url, onEvent) => renderStill(url, join(sandbox.root, 'c.png'), { ...SIZE, frame: 0 }, job(onEvent)),
  verifyPage: (url, onEvent) =>
    verifyPage(
      url,
      { ...OPTIONS, pictures: join(sandbox.root, 'pictures'), samples: 1, sampleFrames: 1 },
      job(onEvent),
    ),
};
const { concurrency: _concurrency, ...RANGE } = OPTIONS;

function job(onEvent?: (event: RenderEvent) => void) {
  return onEvent ? { onEvent } : {};
}

describe('the page that is to be rendered', () => {
  it('may be the path of a file', async () => {
    for (const [name, run] of Object.entries(ENTRIES)) {
      const path = name === 'Renderer' ? page : relative(process.cwd(), page);
      await run(path);
    }
    assert.deepEqual(sandbox.files().sort(), ['a.mp4', 'b.mp4', 'c.png']);
  });

  it('is an OptionsError before anything starts when it is no page', async () => {
    const cases: [unknown, RegExp][] = [
      ['', /^compositionUrl is empty: give an http:, https:, file: or data: address, or the path of a file$/],
      ['  ', /is empty/],
      ['pagé.html', /pagé\.html is not an address, and there is no file .*\/pagé\.html: give an http:/],
      ['example.com/page', /is not an address, and there is no file/],
      [join(sandbox.inputs, 'nope', 'page.html'), /there is no file/],
      [sandbox.inputs, /is a folder: name the page in it/],
      ['localhost:3000', /is not the address of a page \(did you mean http:\/\/localhost:3000\?\)/],
      ['http://', /http:\/\/ is not the address of a page/],
      ['http://a b/', /is not the address of a page/],
      ['https:', /is not the address of a page/],
      ['ftp://host/page.html', /is not the address of a page/],
      ['javascript:alert(1)', /is not the address of a page/],
      ['chrome://version', /is not the address of a page/],
      ['page\0.html', /contains a null character/],
      [undefined, /must be text \(given: undefined\)/],
      [null, /must be text \(given: null\)/],
      [42, /must be text \(given: number\)/],
      [new URL('http://127.0.0.1/'), /must be text \(given: object\)/],
    ];
    const events: RenderEvent[] = [];
    for (const [url, message] of cases) {
      for (const [name, run] of Object.entries(ENTRIES)) {
        await assert.rejects(
          run(url as string, (event) => events.push(event)),
          (error: unknown) => {
            assert.ok(error instanceof OptionsError, `${name} of ${String(url)}: ${String(error)}`);
            assert.match(error.message, message);
            assert.equal(error.exitCode, 2);
            return true;
          },
        );
      }
    }
    assert.deepEqual(events, []);
  });

  it('is looked for by an executor of the caller where that runs', async () => {
    const asked: string[] = [];
    const executor = { render: (url: string) => Promise.reject(new Error((asked.push(url), 'elsewhere'))) };
    const output = join(sandbox.root, 'd.mp4');
    await assert.rejects(RenderOrchestrator.render('/not/here.html', output, { ...OPTIONS, executor }), /elsewhere/);
    assert.deepEqual(asked, ['file:///not/here.html']);
  });

  it('is told with what else is wrong', () => {
    assert.throws(
      () => RenderOrchestrator.plan('ftp://host/', 'out.mp4', { ...OPTIONS, width: 0 }),
      (error: OptionsError) => error.problems.length === 2 && /^compositionUrl .*ftp/.test(error.problems[0]!),
    );
  });

  it('is an address in a plan, which looks nothing up', () => {
    const planned = (url: string) => RenderOrchestrator.plan(url, 'out.mp4', OPTIONS).compositionUrl;
    assert.equal(planned('nothing.html'), pathToFileURL('nothing.html').href);
    assert.equal(planned('/a/odd #1?.html'), 'file:///a/odd%20%231%3F.html');
    for (const url of [
      'http://127.0.0.1:1/x?y#z',
      'HTTPS://host/',
      'data:text/html,<p>',
      'file:///x.html',
      'about:blank',
    ]) {
      assert.equal(planned(url), url);
    }
    const { compositionUrl } = planVerification('nothing.html', { ...OPTIONS, pictures: 'p' });
    assert.equal(compositionUrl, pathToFileURL('nothing.html').href);
    assert.throws(() => planVerification('ftp://host/', { ...OPTIONS, pictures: 'p' }), OptionsError);
  });
});
