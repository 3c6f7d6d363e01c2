// HyperFrames: the page is a composition that draws when it is told to seek.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readJob, pageWith } from './page.mjs';

const job = readJob();
const project = join(job.folder, 'project');

if (job.step === 'prepare') {
  mkdirSync(project, { recursive: true });
  const { width, height, seconds } = job;
  const root = `id="stage" data-composition-id="page" data-start="0" data-duration="${seconds}" data-width="${width}" data-height="${height}" data-no-timeline`;
  const html = pageWith(
    job.page,
    "window.drawAt(0); window.addEventListener('hf-seek', (event) => window.drawAt(event.detail.time));",
  );
  writeFileSync(join(project, 'index.html'), html.replace('id="stage"', root));
} else {
  process.env.PRODUCER_HEADLESS_SHELL_PATH = job.browser;
  process.env.HYPERFRAMES_FFMPEG_PATH = job.ffmpeg;
  process.env.HYPERFRAMES_FFPROBE_PATH = job.ffprobe;
  const { createRenderJob, executeRenderJob } = await import('@hyperframes/producer');
  const render = createRenderJob({
    fps: { num: job.fps, den: 1 },
    quality: 'standard',
    crf: job.crf,
    format: 'mp4',
    workers: job.concurrency,
  });
  await executeRenderJob(render, project, job.output);
  // It keeps a browser for the next render.
  process.exit(0);
}
