import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { BrowserSession } from '../src/browser/BrowserSession.js';
import { JobScope } from '../src/lifecycle/JobScope.js';
import { runCommand } from '../src/lifecycle/runCommand.js';
import { parseRendererOptions } from '../src/options/options.js';
import { Sandbox } from './support/Sandbox.js';

const INTERVAL_MS = 1000 / 30;
const DEADLINE_MS = 10_000;
/** What the first cluster of a WebM begins with: before it there is the head, after it there are pictures. */
const CLUSTER = Buffer.from('1f43b675', 'hex');

const sandbox = new Sandbox();
after(() => sandbox[Symbol.dispose]());

/** A page with a video of which only the head is there, until `arrive()` is called. */
async function pageWithLateVideo(): Promise<string> {
  const path = join(sandbox.inputs, 'late.webm');
  const source = ['-f', 'lavfi', '-i', 'testsrc2=s=160x90:r=30:d=1', '-c:v', 'libvpx-vp9', '-deadline', 'realtime'];
  const { code, stderr } = await runCommand('ffmpeg', ['-v', 'error', ...source, path]);
  assert.equal(code, 0, stderr);
  const video = readFileSync(path);
  const end = video.indexOf(CLUSTER);
  const [head, pictures] = [video.subarray(0, end), video.subarray(end)].map((part) => part.toString('base64'));
  return sandbox.page(`<!doctype html><body><video id="late" muted></video><script>
    const bytes = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt());
    const source = new MediaSource();
    const headRead = new Promise((resolve) => late.addEventListener('loadedmetadata', resolve));
    let buffer;
    source.addEventListener('sourceopen', () => {
      buffer = source.addSourceBuffer('video/webm; codecs="vp9"');
      buffer.appendBuffer(bytes('${head}'));
    });
    late.src = URL.createObjectURL(source);
    let changes = 0;
    const change = () => {
      document.body.style.background = changes++ % 2 ? 'red' : 'lime';
      requestAnimationFrame(change);
    };
    const arrive = () => buffer.appendBuffer(bytes('${pictures}'));
    </script>`);
}

describe('a page whose picture waits for that of a video', () => {
  it('takes part in every frame, and none is left without an answer', async () => {
    const url = await pageWithLateVideo();
    const options = parseRendererOptions({ width: 320, height: 180, fps: 30, frameCount: 1 }, 'late.mkv');
    await JobScope.run({}, options, join(sandbox.root, 'late.mkv'), async (scope) => {
      await using session = await BrowserSession.open(scope, options);
      let tick = 1e9;
      const frame = () => {
        tick += INTERVAL_MS;
        const parameters = { frameTimeTicks: tick, interval: INTERVAL_MS, noDisplayUpdates: true };
        const issued = session.send('HeadlessExperimental.beginFrame', parameters);
        return scope.wait(issued, DEADLINE_MS, 'the browser to answer a frame');
      };
      const evaluate = async (expression: string) => {
        const { result } = await session.send('Runtime.evaluate', { expression, awaitPromise: true });
        return result.value as unknown;
      };

      await session.send('Page.enable');
      const loaded = new Promise((resolve) => session.client.on('Page.loadEventFired', resolve));
      await session.send('Page.navigate', { url });
      await loaded;
      await evaluate('headRead');
      let seen = false;
      const seeing = evaluate('new Promise(requestAnimationFrame)').then(() => (seen = true));
      while (!seen) await frame();
      await seeing;

      // The page has nothing to do in this one, but something in the next one, while the video arrives.
      await frame();
      await evaluate('change()');
      const changed = frame();
      await evaluate('arrive()');
      await changed;
      assert.equal(await evaluate('changes'), 2);
    });
  });
});
