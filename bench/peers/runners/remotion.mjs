// Remotion: the page's own markup and script in a React component, drawn at the time of the current frame.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { bundle } from '@remotion/bundler';
import { renderMedia, selectComposition } from '@remotion/renderer';
import { pageParts, readJob } from './page.mjs';

const job = readJob();
const entryPoint = join(job.folder, 'entry.js');
const outDir = join(job.folder, 'bundle');

function entry() {
  const { frames: durationInFrames, fps, width, height } = job;
  return `import { createElement, useLayoutEffect, useRef } from 'react';
import { Composition, registerRoot, useCurrentFrame, useVideoConfig } from 'remotion';

const parts = ${JSON.stringify(pageParts(job.page))};

function Page() {
  const frame = useCurrentFrame();
  const { fps } = useVideoConfig();
  const root = useRef(null);
  const now = useRef(0);
  useLayoutEffect(() => {
    if (root.current.childElementCount === 0) {
      root.current.innerHTML = '<style>' + parts.style + '</style>' + parts.markup;
      new Function(parts.script)();
      // After its first frame the element is put into another box, and its animations begin anew.
      root.current.addEventListener('animationstart', () => window.drawAt(now.current));
    }
    now.current = frame / fps;
    window.drawAt(now.current);
  }, [frame, fps]);
  return createElement('div', { ref: root, style: { position: 'absolute', inset: 0 } });
}

const video = ${JSON.stringify({ id: 'page', durationInFrames, fps, width, height })};
registerRoot(() => createElement(Composition, { ...video, component: Page }));
`;
}

if (job.step === 'prepare') {
  writeFileSync(entryPoint, entry());
  await bundle({ entryPoint, outDir, enableCaching: false });
} else {
  const browser = { browserExecutable: job.browser, chromeMode: 'headless-shell', logLevel: 'error' };
  const composition = await selectComposition({ ...browser, serveUrl: outDir, id: 'page' });
  await renderMedia({
    ...browser,
    composition,
    serveUrl: outDir,
    codec: 'h264',
    crf: job.crf,
    x264Preset: job.preset,
    concurrency: job.concurrency,
    muted: true,
    outputLocation: job.output,
  });
}
