import assert from 'node:assert/strict';
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { browserLaunch } from '../src/browser/Browser.js';
import { browserFlags } from '../src/browser/flags.js';
import { Renderer, ToolError } from '../src/index.js';
import { parseRendererOptions } from '../src/options.js';
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
  it('have the features of the options beside ours: a second switch would replace the first', () => {
    const found = { path: 'browser', headlessShell: true, beginFrameControl: true };
    const extra = ['--enable-features=One,Two', '--more'];
    const options = { beginFrameControl: true, profile: 'profile', scale: 1, locale: 'en', htmlInCanvas: false, extra };
    const flags = browserFlags(found, options);
    const enabled = flags.filter((flag) => flag.startsWith('--enable-features='));
    assert.equal(enabled.length, 1);
    assert.match(enabled[0]!, /NoCompositorFrameAcks.*,One,Two$/);
    assert.equal(flags.at(-1), '--more');
  });
});
