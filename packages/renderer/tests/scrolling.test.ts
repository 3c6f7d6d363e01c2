import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { Renderer, type RenderEvent } from '../src/index.js';
import { eventsOf } from './support/renders.js';
import { Sandbox } from './support/Sandbox.js';

const PAGE = `<!doctype html><body style="height:5000px;margin:0">
  <div id=box style="height:20px;overflow:auto"><div style="height:999px"></div></div>
  <script>
    const log = [];
    for (const type of ['scroll', 'scrollend']) {
      addEventListener(type, () => log.push(type + ' ' + genlock.frame + ' ' + Math.round(scrollY)));
      box.addEventListener(type, () => log.push('box ' + type + ' ' + genlock.frame + ' ' + Math.round(box.scrollTop)));
    }
    requestAnimationFrame(function draw() {
      if (genlock.frame === 1) {
        const promise = scrollTo({ top: 300, behavior: 'smooth' });
        promise?.then(() => genlock.frame === 4 || log.push('its promise is kept in frame ' + genlock.frame));
      }
      if (genlock.frame === 2) box.scrollTop = 20;
      // On its way it is sent elsewhere.
      if (genlock.frame === 6) box.scrollTo({ top: 900, behavior: 'smooth' });
      if (genlock.frame === 7) box.scrollTo(0, 10);
      if (genlock.frame === 8) console.log(JSON.stringify(log));
      requestAnimationFrame(draw);
    });
  </script>`;

describe('scrolling that takes its time', () => {
  it('tells its end in the frame in which it ends, and nothing before it moves', async () => {
    using sandbox = new Sandbox();
    const page = join(sandbox.inputs, 'index.html');
    writeFileSync(page, PAGE);
    for (const startFrame of [0, 8]) {
      const events: RenderEvent[] = [];
      const options = {
        width: 64,
        height: 36,
        fps: 10,
        startFrame,
        frameCount: 9 - startFrame,
        lossless: true,
      } as const;
      await new Renderer({ ...options, entry: 'replay' }).render(
        pathToFileURL(page).href,
        join(sandbox.root, 'out.mkv'),
        { onEvent: (event) => void events.push(event) },
      );
      const log = JSON.parse(eventsOf(events, 'page-console').at(-1)?.text ?? '[]') as string[];
      assert.deepEqual(log, [
        ...['scroll 2 75', 'box scroll 2 20', 'box scrollend 2 20', 'scroll 3 241', 'scroll 4 300', 'scrollend 4 300'],
        ...['box scroll 7 10', 'box scrollend 7 10'],
      ]);
    }
  });
});
