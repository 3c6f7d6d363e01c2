import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { after, describe, it } from 'node:test';
import { byTopic, ClockPages } from './support/clockPages.js';
import { LONG } from './support/extent.js';

const pages = new ClockPages();
after(() => pages[Symbol.asyncDispose]());

const GSAP = readFileSync(createRequire(import.meta.url).resolve('gsap/dist/gsap.min.js'), 'utf8');

/** Frames 45 to 47 at 30 frames a second: their pictures, and what the page told. */
async function enter(url: string, entry: 'seek' | 'replay') {
  const said = await pages.render(url, { fps: 30, startFrame: 45, frameCount: 3, entry });
  return { pictures: pages.hashes, told: byTopic(said) };
}

async function sameBothWays(url: string) {
  const jumped = await enter(url, 'seek');
  const replayed = await enter(url, 'replay');
  assert.deepEqual(jumped.pictures, replayed.pictures);
  assert.equal(new Set(jumped.pictures).size, 3, 'something moves');
  return { jumped: jumped.told, replayed: replayed.told };
}

describe('a jump', () => {
  it('draws what a replay draws: CSS, Web Animations, SMIL, frame callbacks, timers', async () => {
    const url = pages.page(
      `const [plain, transit, waapi, raf, late, timed, drift] = document.querySelectorAll('div');
      transit.getBoundingClientRect();
      transit.style.left = '60px';
      waapi.animate({ left: ['0px', '60px'] }, { duration: 900, iterations: Infinity, direction: 'alternate', easing: 'ease-in' });
      setTimeout(() => late.classList.add('moves'), 333);
      let count = 0;
      setInterval(() => { timed.style.left = ++count + 'px'; }, 70);
      addEventListener('animationend', (event) => say('end', event.elapsedTime));
      globalThis.frame = (n, time) => { raf.style.left = 30 + 30 * Math.sin(time / 200) + 'px'; say('frame', n, Math.round(time)); };`,
      `<style>@keyframes move { to { left: 60px } } body { margin: 0; background: white }
      div { position: absolute; left: 0; width: 4px; height: 4px; background: black }
      div:nth-of-type(1) { animation: move 2s ease-out } div:nth-of-type(2) { top: 5px; transition: left 1.7s 0.2s } div:nth-of-type(3) { top: 10px }
      div:nth-of-type(4) { top: 15px } div:nth-of-type(5) { top: 20px } .moves { animation: move 1.5s linear } div:nth-of-type(6) { top: 25px }
      div:nth-of-type(7) { top: 30px; animation: move 0.7s 2 } svg { position: absolute; top: 32px }</style>
      <div></div><div></div><div></div><div></div><div></div><div></div><div></div>
      <svg width="64" height="4"><rect width="4" height="4"><animate attributeName="x" from="0" to="60" dur="1.3s" repeatCount="indefinite"/></rect></svg>`,
    );
    const { jumped, replayed } = await sameBothWays(url);
    assert.deepEqual(jumped.get('end'), replayed.get('end'), 'animations tell of their end');
    assert.equal(jumped.get('end')!.length, 1);
    assert.equal(replayed.get('frame')!.length, 48);
    const seen = jumped.get('frame')!.map(([frame]) => frame as number);
    assert.deepEqual(seen.slice(-4), [44, 45, 46, 47]);
    assert.ok(seen.length < 10, seen.join());
  });

  for (const where of ['as a global', 'in a bundle'])
    it(`draws what a replay draws: GSAP ${where}`, where === 'in a bundle' ? LONG : {}, async () => {
      const url = pages.page(
        `const own = gsap; ${where === 'in a bundle' ? 'delete globalThis.gsap;' : ''}
        own.timeline({ repeat: -1, yoyo: true }).to('div', { x: 50, rotation: 90, duration: 0.9, ease: 'power2.inOut', stagger: 0.2 }).from('p', { y: 40, duration: 0.5 });`,
        `<script>${GSAP}</script><style>body { margin: 0; background: white } div, p { width: 8px; height: 8px; margin: 2px; background: black }</style>
        <div></div><div></div><p></p>`,
      );
      await sameBothWays(url);
    });
});
