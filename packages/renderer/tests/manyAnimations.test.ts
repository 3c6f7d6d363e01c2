import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { BrowserSession } from '../src/browser/BrowserSession.js';
import { PageSession } from '../src/browser/PageSession.js';
import { JobScope } from '../src/lifecycle/JobScope.js';
import { parseRendererOptions } from '../src/options/options.js';
import { assertClose, ClockPages, OPTIONS, perFrame } from './support/clockPages.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

/** So many that the page lists them only when it must. */
const MANY = 400;
const FRAMES = 10;

/** How often the browser finds out styles and layouts for a frame of a page, at most. */
async function recalculations(url: string): Promise<{ styles: number; layouts: number }> {
  const options = parseRendererOptions({ ...OPTIONS, frameCount: FRAMES }, pages.output, url);
  return JobScope.run({}, options, pages.output, async (scope) => {
    await scope.enter('launch');
    await using session = await BrowserSession.open(scope, options);
    const page = await PageSession.open(session, scope, options);
    await page.load(url);
    await session.send('Performance.enable');
    const counts = async () => {
      const { metrics } = await session.send('Performance.getMetrics');
      const [styles, layouts] = ['RecalcStyleCount', 'LayoutCount'].map((name) => {
        return metrics.find((metric) => metric.name === name)!.value;
      }) as [number, number];
      return { styles, layouts };
    };
    const most = { styles: 0, layouts: 0 };
    for (let frame = 0; frame < FRAMES; frame++) {
      const before = await counts();
      await page.step(frame, options.deadlines.capture);
      await page.frames.draw(options.deadlines.capture);
      const now = await counts();
      // In frame 0 the page is laid out.
      if (frame === 0) continue;
      most.styles = Math.max(most.styles, now.styles - before.styles);
      most.layouts = Math.max(most.layouts, now.layouts - before.layouts);
    }
    return most;
  });
}

const STYLE = `<style>@keyframes grow { from { width: 0px } to { width: 100px } }
  i { position: absolute; width: 1px; transition: width 1s linear }</style>`;
const KINDS: Record<string, { css: string; script?: string }> = {
  'of style sheets': { css: 'i { animation: grow 1s linear infinite }' },
  // They turn in frame 3, where each is put and looked at.
  'that go back and forth': { css: 'i { animation: grow 0.3s linear infinite alternate }' },
  'of pseudo-elements': { css: 'i::before { content: ""; position: absolute; animation: grow 1s steps(7) infinite }' },
  'of scripts': {
    css: '',
    script: "for (const i of document.querySelectorAll('i')) i.animate({ width: ['0px', '100px'] }, 1000);",
  },
  transitions: {
    css: '',
    script: `globalThis.frame = (n) => {
      if (n === 0) for (const i of document.querySelectorAll('i')) i.style.width = '100px';
    };`,
  },
};

describe('many animations', () => {
  for (const [kind, { css, script = '' }] of Object.entries(KINDS)) {
    it(`${kind} are read and moved in turns of all, not of each`, async () => {
      const html = `${STYLE}<style>${css}</style>${'<i></i>'.repeat(MANY)}`;
      const { styles, layouts } = await recalculations(pages.page(script, html));
      assert.ok(styles <= 4, `styles are found out ${styles} times in a frame`);
      assert.ok(layouts <= 4, `the page is laid out ${layouts} times in a frame`);
    });
  }

  it('are found when there are some new ones in each frame, without a list of all', async () => {
    const script = `
      let lists = 0;
      const list = Document.prototype.getAnimations;
      Document.prototype.getAnimations = function () { lists++; return list.call(this); };
      const born = [];
      globalThis.frame = (n) => {
        say('lists', n, lists);
        lists = 0;
        born.forEach((element, index) => say('width', n - index, getComputedStyle(element).width));
        const element = document.createElement('i');
        document.body.append(element);
        born.push(element);
      };`;
    const html = `${STYLE}<style>i { animation: grow 1s linear infinite }</style>${'<i></i>'.repeat(MANY)}`;
    const told = await pages.observe(pages.page(script, html));
    const widths = told.get('width') as [age: number, width: string][];
    assert.equal(widths.length, 45);
    assertClose(
      widths.map(([age, width]) => [age, parseFloat(width)]),
      // They begin in the frame that makes them.
      widths.map(([age]) => [age, 10 * age]),
    );
    const lists = told.get('lists') as [frame: number, lists: number][];
    assert.deepEqual(
      lists.filter(([frame, count]) => frame > 0 && count > 0),
      [],
    );
  });

  it('that a script changes on the way are where it says', async () => {
    const script = `
      const p = document.querySelector('p');
      const animation = p.animate({ left: ['0px', '1000px'] }, 1000);
      globalThis.frame = (n) => {
        if (n === 3) animation.effect.updateTiming({ duration: 500 });
        if (n === 4) animation.effect.updateTiming({ iterations: 3 });
        if (n === 8) animation.effect = new KeyframeEffect(p, { left: ['0px', '100px'] }, { duration: 1000, fill: 'both' });
        say('left', n, parseFloat(getComputedStyle(p).left));
      };`;
    const told = await pages.observe(pages.page(script, '<p style="position: absolute; left: 7px">text'));
    const left = [0, 100, 200, 600, 800, 0, 200, 400, 80, 90];
    assertClose(
      told.get('left'),
      perFrame((n) => left[n]),
    );
  });
});
