import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { renderStill } from '@genlock/renderer';
import pixelmatch from 'pixelmatch';
import { PNG } from 'pngjs';
import { FPS, pageFile, SPEED_PAGES, SPEED_SIZE } from '../cases.js';
import { pageWith } from '../peers/runners/page.mjs';

/** Within the second slide's entry. */
const FRAME = 40;
/** Edges of layers that were rastered at another angle before. */
const MOST_DIFFERENT = 0.002;

for (const page of new Set(Object.values(SPEED_PAGES).map((speed) => speed.page))) {
  test(`the page ${page} draws at a time what it shows there when it is played`, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'genlock-bench-test-'));
    try {
      const drawn = join(folder, 'drawn.html');
      await writeFile(drawn, pageWith(pageFile(page), `window.drawAt(0); window.drawAt(${FRAME / FPS});`));
      const shoot = async (path, frame) => {
        const output = join(folder, `${frame}.png`);
        await renderStill(pathToFileURL(path).href, output, { ...SPEED_SIZE, fps: FPS, frame });
        return PNG.sync.read(await readFile(output)).data;
      };
      const { width, height } = SPEED_SIZE;
      const different = pixelmatch(await shoot(pageFile(page), FRAME), await shoot(drawn, 0), undefined, width, height);
      assert.ok(different / (width * height) < MOST_DIFFERENT, `${different} pixels differ`);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
}
