import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { ToolError, type DistributedRenderOptions } from '../src/index.js';
import { LONG } from './support/extent.js';
import { fail, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';
import { decodedFrame } from './support/video.js';

const SMALL = {
  width: 160,
  height: 90,
  fps: 30,
  frameCount: 6,
  concurrency: 2,
} satisfies Partial<DistributedRenderOptions>;
const EXTRA =
  '<div style="position: absolute; inset: 0 auto auto 0; width: 9px; height: 9px; background: white"></div>';

/** In frame n the canvas has this colour. */
const colourOf = (frame: number): number[] => [frame * 20, 255 - frame * 20, 128];

function page(extra = '', when = 'start()'): string {
  return `<!doctype html><body style="margin: 0"><canvas width="160" height="90" style="display: block"></canvas>${extra}
    <script type="module">
      async function start() {
        const device = await (await navigator.gpu.requestAdapter()).requestDevice();
        const context = document.querySelector('canvas').getContext('webgpu');
        context.configure({ device, format: navigator.gpu.getPreferredCanvasFormat(), alphaMode: 'opaque' });
        requestAnimationFrame(function draw() {
          const shade = genlock.frame * 20 / 255;
          const view = context.getCurrentTexture().createView();
          const clearValue = [shade, 1 - shade, 128 / 255, 1];
          const encoder = device.createCommandEncoder();
          encoder.beginRenderPass({ colorAttachments: [{ view, clearValue, loadOp: 'clear', storeOp: 'store' }] }).end();
          device.queue.submit([encoder.finish()]);
          requestAnimationFrame(draw);
        });
      }
      ${when};
    </script>`;
}

describe('a page with WebGPU', () => {
  const ways: [what: string, html: string, options: Partial<DistributedRenderOptions>, extent: object][] = [
    ['alone on it', page(), {}, {}],
    ['with more on it', page(EXTRA), {}, LONG],
    ['by screenshots', page(EXTRA), { mode: 'screenshot', concurrency: 1 }, LONG],
    ['by the compositor', page(EXTRA), { mode: 'compositor' }, LONG],
  ];
  for (const [what, html, options, extent] of ways) {
    it(`shows each frame, ${what}`, extent, async () => {
      using sandbox = new Sandbox();
      const { path } = await succeed(sandbox, sandbox.page(html), { ...SMALL, ...options });
      for (const frame of [0, 2, 3, 5]) {
        const pixels = await decodedFrame(path, frame);
        const at = (45 * 160 + 80) * 3;
        const differences = colourOf(frame).map((value, index) => Math.abs(value - pixels[at + index]!));
        assert.ok(Math.max(...differences) <= 5, `frame ${frame}: ${[...pixels.subarray(at, at + 3)].join()}`);
      }
    });
  }

  it('is the same however many workers render it', LONG, async () => {
    using sandbox = new Sandbox();
    const url = sandbox.page(page(EXTRA));
    const hashes: string[] = [];
    for (const concurrency of [1, 2, 5]) {
      const frameHashes = sandbox.destination(`hashes-${concurrency}.txt`);
      await succeed(sandbox, url, { ...SMALL, frameCount: 20, concurrency, frameHashes }, {}, `out-${concurrency}.mp4`);
      hashes.push(readFileSync(frameHashes, 'utf8'));
    }
    assert.equal(new Set(hashes).size, 1);
    assert.equal(hashes[0]!.trim().split('\n').length, 20);
  });

  it('that asks for it only after it has loaded fails by name', async () => {
    using sandbox = new Sandbox();
    const when =
      'requestAnimationFrame(function wait() { genlock.frame < 3 ? requestAnimationFrame(wait) : start(); })';
    const { error } = await fail(sandbox, sandbox.page(page('', when)), { ...SMALL, concurrency: 1 });
    assert.ok(error instanceof ToolError, String(error));
    assert.match(error.message, /frame 3 \(capture\): the page asks for WebGPU only now.*--enable-unsafe-webgpu/);
  });
});
