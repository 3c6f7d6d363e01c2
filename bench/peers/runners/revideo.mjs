// Revideo: one node of the scene that paints the page's canvas; what is not on a canvas cannot be shown.
import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { browserWithout, pageParts, readJob } from './page.mjs';

const job = readJob();
const project = join(job.folder, 'project.js');

function scene() {
  const { frames, fps, width, height } = job;
  return `import { makeProject } from '@revideo/core';
import { makeScene2D, Node } from '@revideo/2d';

const parts = ${JSON.stringify(pageParts(job.page))};
const root = document.createElement('div');
root.style.display = 'none';
root.innerHTML = parts.markup;
document.body.append(root);
new Function(parts.script)();

let frame = 0;

class Painting extends Node {
  draw(context) {
    context.save();
    context.translate(${-width / 2}, ${-height / 2});
    window.paint(context, frame / ${fps});
    context.restore();
  }
}

const scene = makeScene2D('page', function* (view) {
  view.add(new Painting({}));
  for (frame = 0; frame < ${frames}; frame++) yield;
});

export default makeProject({
  scenes: [scene],
  settings: { shared: { size: { x: ${width}, y: ${height} } }, rendering: { fps: ${fps} } },
});
`;
}

if (job.step === 'prepare') {
  writeFileSync(project, scene());
} else {
  process.env.DISABLE_TELEMETRY = 'true';
  process.chdir(job.folder);
  const { renderVideo } = await import('@revideo/renderer');
  const outDir = join(dirname(job.output), 'revideo');
  mkdirSync(outDir, { recursive: true });
  const executablePath = browserWithout(['--single-process'], job.browser, join(job.folder, 'browser'));
  const made = await renderVideo({
    projectFile: './project.js',
    settings: {
      outFile: basename(job.output),
      outDir,
      workers: job.concurrency,
      logProgress: false,
      ffmpeg: { ffmpegPath: job.ffmpeg, ffprobePath: job.ffprobe },
      puppeteer: { executablePath, args: ['--no-sandbox'] },
    },
  });
  renameSync(made, job.output);
  process.exit(0);
}
