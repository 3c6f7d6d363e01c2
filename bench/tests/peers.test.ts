import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseBest, concurrenciesOf, modeFlags, newEntry, ratios, type Entry } from '../peers/entries.js';
import { cannotDraw, PEERS } from '../peers/peers.js';
import { judge } from '../peers/verdict.js';
import type { Quality } from '../quality.js';

const GOOD: Quality = {
  frames: 150,
  ssim: 0.97,
  worstSsim: 0.96,
  shape: 0.98,
  psnr: 40,
  moving: 149,
  movingInReference: 149,
};

function entry(tool: string, runs: Entry['runs'], more: Partial<Entry> = {}): Entry {
  const made = Object.assign(newEntry('dom', tool, 150, []), { runs, ...more });
  chooseBest(made);
  return made;
}

test('a tool is tried with one and two workers, and goes on with the better', () => {
  const made = entry('Other', { 1: [9000], 2: [5000] });
  assert.deepEqual(concurrenciesOf(newEntry('dom', 'Other', 150, []), 1), [1, 2]);
  assert.deepEqual(concurrenciesOf(made, 2), [2]);
  assert.equal(made.framesPerSecond, 30);
});

test('the better one stays so when a later round is slower', () => {
  const made = entry('Other', { 1: [6000], 2: [5000, 7000, 7500] });
  assert.deepEqual([made.best, made.framesPerSecond], [2, 150 / 7]);
});

test('a tool that cannot draw a page, or has failed, is not run', () => {
  assert.deepEqual(concurrenciesOf(newEntry('dom', 'Other', 150, ['draws canvases only']), 1), []);
  assert.deepEqual(concurrenciesOf(newEntry('dom', 'Other', 150, []), 2), []);
  const revideo = PEERS.find(({ name }) => name === 'revideo')!;
  assert.equal(cannotDraw(revideo, 'mixed'), 'draws canvases only');
  assert.equal(cannotDraw(revideo, 'webgl'), undefined);
});

test('the median of all rounds counts', () => {
  assert.equal(entry('Other', { 1: [5000, 1000, 3000] }).framesPerSecond, 50);
});

test('Genlock is compared with the fastest tool that makes the right picture', () => {
  const entries = [
    entry('Genlock', { 2: [5000] }),
    entry('Slow', { 2: [20_000] }),
    entry('Right', { 1: [10_000] }),
    entry('Frozen', { 1: [1000] }, { isWrong: true }),
    entry('Broken', {}),
  ];
  assert.deepEqual(ratios(entries), [{ page: 'dom', genlock: 'Genlock', peer: 'Right', ratio: 2 }]);
  const alone = ratios([entry('Genlock, fast', { 1: [1000] }), ...entries.slice(3)]);
  assert.deepEqual(alone, [{ page: 'dom', genlock: 'Genlock, fast', peer: undefined, ratio: undefined }]);
});

test('a video with another picture, or one that stands still, is wrong', () => {
  assert.deepEqual(judge(GOOD, 150), { faults: [], isWrong: false });
  assert.match(judge({ ...GOOD, shape: 0.5 }, 150).faults[0]!, /^WRONG: another picture/);
  assert.equal(judge({ ...GOOD, shape: NaN }, 150).isWrong, true);
  assert.deepEqual(judge({ ...GOOD, moving: 3 }, 150), {
    faults: ['WRONG: frozen (3 of 149 frames move)'],
    isWrong: true,
  });
});

test('colours that are off and a frame too many are named, and are no wrong picture', () => {
  assert.deepEqual(judge({ ...GOOD, ssim: 0.8 }, 150), { faults: ['colours are off'], isWrong: false });
  assert.deepEqual(judge({ ...GOOD, frames: 151 }, 150), { faults: ['151 frames instead of 150'], isWrong: false });
});

test('a mode is given to the command line as its flags', () => {
  assert.deepEqual(modeFlags({}), []);
  assert.deepEqual(modeFlags({ mode: 'screenshot', fast: true, chunkFrames: 30 }), [
    '--mode=screenshot',
    '--fast',
    '--chunk-frames=30',
  ]);
});
