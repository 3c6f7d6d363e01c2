import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { browserFlags } from '../src/browser/flags.js';
import { Renderer, ToolError } from '../src/index.js';
import { Sandbox } from './support/Sandbox.js';

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

describe('the switches of a browser', () => {
  it('have the features and settings of the options beside ours: a second switch would replace the first', () => {
    const found = { path: 'browser', headlessShell: true, beginFrameControl: true };
    const extra = ['--enable-features=One,Two', '--blink-settings=one=2', '--more'];
    const options = { beginFrameControl: true, profile: 'profile', scale: 1, locale: 'en', htmlInCanvas: false, extra };
    const flags = browserFlags(found, options);
    const enabled = flags.filter((flag) => flag.startsWith('--enable-features='));
    assert.equal(enabled.length, 1);
    assert.match(enabled[0]!, /NoCompositorFrameAcks.*,One,Two$/);
    const settings = flags.filter((flag) => flag.startsWith('--blink-settings='));
    assert.deepEqual(settings, ['--blink-settings=fullscreenSupported=false,one=2']);
    assert.equal(flags.at(-1), '--more');
  });
});
