import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  VerificationError,
  type DistributedRenderOptions,
  type RenderExecutor,
  type RendererOptions,
} from '../src/index.js';
import { runCommand } from '../src/lifecycle/runCommand.js';
import { encodeOnly } from './support/encodeOnly.js';
import { everyThird, LONG } from './support/extent.js';
import { eventsOf, fail, succeed } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, 'pages/counter.html')).href;
const SMALL = { width: 160, height: 90, frameCount: 4, chunkFrames: 2, concurrency: 2 } as const;
const CANVAS = `<!doctype html><body style="margin: 0"><canvas width="160" height="90" style="display: block"></canvas><script>
  const context = document.querySelector('canvas').getContext('2d', { alpha: false });
  requestAnimationFrame(function draw() {
    context.fillStyle = \`hsl(\${genlock.frame * 40} 80% 50%)\`;
    context.fillRect(0, 0, 160, 90);
    requestAnimationFrame(draw);
  });
</script>`;

/** Renders chunk 1 with other options than those that it was given. */
function renderingOtherwise(other: Partial<RendererOptions>): RenderExecutor {
  return {
    render: async (url, path, options, job) => {
      const own = options.startFrame === 2 ? { ...options, ...other } : options;
      await encodeOnly.render(url, path, own, job);
    },
  };
}

/** Renders them all alike, and then makes chunk 1 another file of as many frames. */
function convertingWith(...how: string[]): RenderExecutor {
  return {
    render: async (url, path, options, job) => {
      await encodeOnly.render(url, path, options, job);
      if (options.startFrame !== 2) return;
      const other = `${path}.other.mp4`;
      await runCommand('ffmpeg', ['-v', 'error', '-i', path, ...how, other]);
      await runCommand('mv', [other, path]);
    },
  };
}

describe('chunks that are not coded alike are not joined', () => {
  const cases: [what: string, executor: RenderExecutor, words: RegExp][] = [
    [
      'another pixel format',
      renderingOtherwise({ pixelFormat: 'yuv444p' }),
      /chunk 1 \(from frame 2\).*chunk 0.*profile High 4:4:4 Predictive instead of High, pixel format yuv444p instead of yuv420p/,
    ],
    [
      'another matrix',
      convertingWith('-c:v', 'copy', '-bsf:v', 'h264_metadata=matrix_coefficients=6'),
      /colour matrix smpte170m instead of bt709/,
    ],
    [
      'another header',
      convertingWith('-c:v', 'libx264', '-preset', 'ultrafast', '-profile:v', 'high', '-x264-params', 'ref=4'),
      /codec header sha256:[0-9a-f]{12}… instead of sha256:[0-9a-f]{12}…/i,
    ],
    [
      'another range',
      convertingWith('-c:v', 'copy', '-bsf:v', 'h264_metadata=video_full_range_flag=1'),
      /colour range pc instead of tv/,
    ],
    ['another codec', convertingWith('-c:v', 'libvpx-vp9', '-deadline', 'realtime'), /codec vp9 instead of h264/],
  ];
  for (const [what, executor, words] of cases) {
    it(what, async () => {
      using sandbox = new Sandbox();
      const { error } = await fail(sandbox, COUNTER, { ...SMALL, executor });
      assert.ok(error instanceof VerificationError, String(error));
      assert.match(error.message, words);
    });
  }

  it('nor into the part that a stopped render leaves', async () => {
    using sandbox = new Sandbox();
    const executor = renderingOtherwise({ pixelFormat: 'yuv444p' });
    const partialOutput = join(sandbox.root, 'part.mp4');
    const stop = new AbortController();
    const { events } = await fail(
      sandbox,
      COUNTER,
      { ...SMALL, concurrency: 1, executor, partialOutput },
      {
        signal: stop.signal,
        onEvent: (event) => event.type === 'chunk' && event.chunk === 1 && stop.abort(new Error('enough')),
      },
    );
    assert.deepEqual(eventsOf(events, 'partial'), []);
    const [warning] = eventsOf(events, 'warning');
    assert.match(warning!.message, /could not be saved.*chunk 1.*pixel format/);
  });
});

describe('chunks of one render are coded alike', () => {
  // The last chunk has one frame.
  const all = { ...SMALL, frameCount: 3 };
  const ways: [what: string, options: Partial<DistributedRenderOptions>, extension: string][] = [
    ['x264', {}, 'mp4'],
    ['x264, fast', { fast: true }, 'mp4'],
    ['x264 by bit rate', { videoBitrate: '1M' }, 'mp4'],
    ['x264 with 4:4:4', { pixelFormat: 'yuv444p' }, 'mp4'],
    ['lossless', { lossless: true }, 'mkv'],
    ['x265', { videoCodec: 'h265' }, 'mp4'],
    ['VP9', {}, 'webm'],
    ['AV1', { videoCodec: 'av1' }, 'mp4'],
    ['ProRes', { videoCodec: 'prores' }, 'mov'],
  ];
  for (const [what, options, extension] of everyThird(ways)) {
    it(what, async () => {
      using sandbox = new Sandbox();
      await succeed(sandbox, COUNTER, { ...all, ...options, executor: encodeOnly }, {}, `out.${extension}`);
    });
  }

  it("the browser's own encoder", LONG, async () => {
    using sandbox = new Sandbox();
    await succeed(sandbox, sandbox.page(CANVAS), { ...all, mode: 'canvas' });
  });
});
