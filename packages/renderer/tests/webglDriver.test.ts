import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { ToolError, type DistributedRenderOptions, type RenderEvent } from '../src/index.js';
import { findLlvmpipe } from '../src/browser/llvmpipe.js';
import { eventsOf, fail, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const page = (name: string) => pathToFileURL(join(import.meta.dirname, 'pages', `${name}.html`)).href;
const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

const WITHOUT = findLlvmpipe() ? {} : { skip: 'llvmpipe is not installed (mesa-vulkan-drivers)' };

/** As large as the canvas of the page. */
const PART = { width: 320, height: 180, frameCount: 6 };

let renders = 0;

async function render(name: string, options: Partial<DistributedRenderOptions> = {}) {
  const frameHashes = join(sandbox.root, `driver-${++renders}.hashes`);
  const { events } = await succeed(
    sandbox,
    page(name),
    { ...PART, frameHashes, ...options },
    {},
    `driver-${renders}.mp4`,
  );
  return { events, hashes: readFileSync(frameHashes, 'utf8') };
}

const drivers = (events: readonly RenderEvent[]) => eventsOf(events, 'capture').map(({ webgl }) => webgl);
const browsers = (events: readonly RenderEvent[]) =>
  eventsOf(events, 'process').filter(({ role, state }) => role === 'browser' && state === 'started').length;

let own: ReturnType<typeof render> | undefined;
/** A render with the browser's own driver. */
const ownDriver = () => (own ??= render('webgl', { webgl: 'swiftshader', concurrency: 1 }));

/** Runs with another list of the folders in which Vulkan's loader looks for drivers. */
async function withDrivers<T>(folder: string, run: () => Promise<T>): Promise<T> {
  const before = process.env['XDG_DATA_DIRS'];
  process.env['XDG_DATA_DIRS'] = folder;
  try {
    return await run();
  } finally {
    if (before === undefined) delete process.env['XDG_DATA_DIRS'];
    else process.env['XDG_DATA_DIRS'] = before;
  }
}

/** A folder with a driver that no loader can load. */
function brokenDriver(): string {
  const folder = join(sandbox.root, 'broken');
  const manifests = join(folder, 'vulkan/icd.d');
  mkdirSync(manifests, { recursive: true });
  const library = join(folder, 'libvulkan_lvp.so');
  writeFileSync(library, 'not a library');
  const ICD = { library_path: library, api_version: '1.3.0' };
  writeFileSync(join(manifests, 'lvp_icd.json'), JSON.stringify({ file_format_version: '1.0.0', ICD }));
  return folder;
}

describe('the driver of WebGL', () => {
  it('is llvmpipe where it is installed, and draws the same frames however the work is split', WITHOUT, async () => {
    const whole = await render('webgl', { concurrency: 1 });
    const split = await render('webgl', { concurrency: 2 });
    assert.deepEqual(drivers(whole.events), ['llvmpipe']);
    assert.deepEqual(drivers(split.events), ['llvmpipe', 'llvmpipe']);
    assert.equal(split.hashes, whole.hashes);
    // Named, it is there from the start; found on the way, it takes a second browser.
    const named = await render('webgl', { concurrency: 1, webgl: 'llvmpipe' });
    assert.equal(named.hashes, whole.hashes);
    assert.deepEqual([browsers(whole.events), browsers(named.events)], [2, 1]);
  });

  it('is the own one of the browser where that is named, and where there is no WebGL', async () => {
    const own = await ownDriver();
    assert.deepEqual([drivers(own.events), browsers(own.events)], [['swiftshader'], 1]);
    const without = await render('counter', { concurrency: 1 });
    assert.deepEqual([drivers(without.events), browsers(without.events)], [[undefined], 1]);
  });

  it('is the own one of the browser where llvmpipe does not start, which is told', async () => {
    const own = await ownDriver();
    const broken = await withDrivers(brokenDriver(), () => render('webgl', { concurrency: 1 }));
    assert.deepEqual(drivers(broken.events), ['swiftshader']);
    assert.equal(broken.hashes, own.hashes);
    const warnings = eventsOf(broken.events, 'warning').map(({ message }) => message);
    assert.equal(warnings.length, 1);
    assert.match(warnings[0]!, /does not draw WebGL with llvmpipe/);
  });

  it('fails the render where it is named and does not start, or is not installed', async () => {
    const broken = await withDrivers(brokenDriver(), () => fail(sandbox, page('webgl'), { webgl: 'llvmpipe' }));
    assert.ok(broken.error instanceof ToolError);
    assert.match(broken.error.message, /does not draw WebGL with llvmpipe: it cannot load the driver/);
    const lacking = await withDrivers('/nowhere', () => fail(sandbox, page('webgl'), { webgl: 'llvmpipe' }));
    assert.ok(lacking.error instanceof ToolError);
    assert.match(lacking.error.message, /is not installed.*mesa-vulkan-drivers/);
    assert.equal(browsers(lacking.events), 0);
  });

  it('is named where the browser crashes, with the way that does without it', WITHOUT, async () => {
    const pids: number[] = [];
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'process' && event.role === 'browser' && event.state === 'started') pids.push(event.pid);
      if (event.type === 'frame') process.kill(pids.at(-1)!, 'SIGSEGV');
    };
    const options = { concurrency: 1, webgl: 'llvmpipe', hardening: false } as const;
    const { error } = await fail(sandbox, page('webgl'), options, { onEvent });
    assert.match(
      String(error),
      /the browser was ended by SIGSEGV while llvmpipe drew its WebGL \(.*--webgl swiftshader/,
    );
  });
});
