import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { browserLaunch } from '../src/browser/Browser.js';
import { browserFlags } from '../src/browser/flags.js';
import { Renderer, ToolError } from '../src/index.js';
import { parseRendererOptions } from '../src/options/options.js';
import { Sandbox } from './support/Sandbox.js';

const GOOD = { width: 64, height: 36, fps: 10, frameCount: 1 };

describe('the environment of a browser', () => {
  it('has what Chromium would add to it while other threads read it', async () => {
    using sandbox = new Sandbox();
    const list = join(sandbox.root, 'environment');
    const executablePath = sandbox.script('browser', `env > '${list}'`, 'exit 3');
    const options = { width: 64, height: 36, fps: 10, frameCount: 1, browserConfig: { executablePath } };
    const render = new Renderer(options).render(sandbox.page('<p>'), join(sandbox.root, 'out.mp4'));
    await assert.rejects(render, ToolError);
    const environment = readFileSync(list, 'utf8');
    for (const name of ['DBUS_SESSION_BUS_ADDRESS', 'VK_ICD_FILENAMES'])
      assert.match(environment, new RegExp(`^${name}=`, 'm'));
  });
});

const LAUNCH = {
  ...{ beginFrameControl: true, profile: 'profile', scale: 1, locale: 'en', extra: [] },
  ...{ webgpu: false, fileAccess: false, ignoreHttpsErrors: false },
};
describe('a browser that may serve another job', () => {
  it('is not one whose file has been replaced since it was started', () => {
    using sandbox = new Sandbox();
    const executablePath = sandbox.script('browser', 'exit 3');
    const options = { width: 64, height: 36, fps: 10, frameCount: 1, browserConfig: { executablePath } };
    const key = () => browserLaunch(parseRendererOptions(options, 'out.mp4')).key;
    const first = key();
    assert.equal(key(), first);
    rmSync(executablePath);
    sandbox.script('browser', 'exit 4');
    assert.notEqual(key(), first);
  });
});

describe('the switches of a browser', () => {
  it('have the features and settings of the options beside ours: a second switch would replace the first', () => {
    const found = { path: 'browser', headlessShell: true, beginFrameControl: true };
    const extra = ['--enable-features=One,Two', '--blink-settings=one=2', '--more'];
    const flags = browserFlags(found, { ...LAUNCH, extra });
    const enabled = flags.filter((flag) => flag.startsWith('--enable-features='));
    assert.equal(enabled.length, 1);
    assert.match(enabled[0]!, /NoCompositorFrameAcks.*,One,Two$/);
    const settings = flags.filter((flag) => flag.startsWith('--blink-settings='));
    assert.deepEqual(settings, ['--blink-settings=fullscreenSupported=false,one=2']);
    assert.equal(flags.at(-1), '--more');
  });

  it('open what is closed only where that was asked for', () => {
    const found = { path: 'browser', headlessShell: true, beginFrameControl: true };
    const opening = ['--allow-file-access-from-files', '--ignore-certificate-errors'];
    const given = (more: object) =>
      browserFlags(found, { ...LAUNCH, ...more }).filter((flag) => opening.includes(flag));
    assert.deepEqual(given({}), []);
    assert.deepEqual(given({ fileAccess: true }), opening.slice(0, 1));
    assert.deepEqual(given({ ignoreHttpsErrors: true }), opening.slice(1));
    const accessOf = (url: string) => parseRendererOptions(GOOD, 'out.mp4', url).fileAccess;
    assert.deepEqual(
      ['http://127.0.0.1/', 'https://h/file:', 'data:text/html,<p>', 'file:///page.html', 'FILE:///page.html'].map(
        accessOf,
      ),
      [false, false, false, true, true],
    );
  });
});
