// Helios: the page is drawn where Helios, having moved its virtual time, waits until the page is stable.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { RenderOrchestrator } from '@helios-project/renderer';
import { browserWithout, readJob, pageWith } from './page.mjs';

const job = readJob();
const html = join(job.folder, 'index.html');

if (job.step === 'prepare') {
  const script = 'window.helios = { waitUntilStable: () => window.drawAt(performance.now() / 1000) };';
  // It reads a canvas in a later task than the one that draws it.
  const keeping = (page) => page.replace('preserveDrawingBuffer: false', 'preserveDrawingBuffer: true');
  writeFileSync(html, keeping(pageWith(job.page, script)));
} else {
  const stripped = [
    // With these its first screenshot waits for a frame that nobody issues.
    ...['--enable-begin-frame-control', '--run-all-compositor-stages-before-draw', '--single-process'],
    // Without a graphics card there would be no WebGL at all.
    '--disable-software-rasterizer',
  ];
  const executablePath = browserWithout(stripped, job.browser, join(job.folder, 'browser'));
  await RenderOrchestrator.render(pathToFileURL(html).href, job.output, {
    width: job.width,
    height: job.height,
    fps: job.fps,
    durationInSeconds: job.seconds,
    frameCount: job.frames,
    mode: job.isCanvas ? 'canvas' : 'dom',
    crf: job.crf,
    preset: job.preset,
    concurrency: job.concurrency,
    ffmpegPath: job.ffmpeg,
    browserConfig: { executablePath, args: ['--no-sandbox', '--enable-unsafe-swiftshader'] },
  });
}
