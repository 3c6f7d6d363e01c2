import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encoderOnly, floorRate } from '../floor.js';
import { growthOf, memoryGrowth } from '../growth.js';
import { resultName } from '../results.js';
import { steadyRate } from '../speed.js';
import { speedCases } from '../speedPart.js';
import { mean, median, spread, table } from '../tables.js';

test('the median of an even number of values is between the two in the middle', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 2, 9]), 3);
  assert.equal(mean([1, 2, 6]), 3);
});

test('a spread names the median, the smallest and the largest, and leaves out what is unknown', () => {
  assert.equal(spread([5.5, undefined, 5, 6.25], 2), '5.50 (5.00-6.25)');
  assert.equal(spread([5], 1), '5.0');
  assert.equal(spread([undefined], 1), '-');
});

test('a table aligns names to the left and figures to the right', () => {
  const lines = table(
    ['page', 'n'],
    [
      ['dom', '1'],
      ['canvas', '20'],
    ],
  ).split('\n');
  assert.deepEqual(lines, ['page     n', '------  --', 'dom      1', 'canvas  20']);
});

test('the steady rate counts only the time in which all workers draw', () => {
  // Every 100 ms a frame; the second worker begins a second later, the first ends a second earlier.
  const first = Array.from({ length: 20 }, (_, i) => i * 100);
  const second = Array.from({ length: 20 }, (_, i) => 1000 + i * 100);
  assert.equal(steadyRate([first, second]), 20);
  assert.equal(steadyRate([first, second.map((time) => time + 5000)]), undefined);
});

test('the floor is what all cores can do that only draw and encode', () => {
  assert.equal(floorRate(0.06, 0.04, 2), 20);
});

test("the encoder's floor has its arguments without its input and its filter", () => {
  const args = ['-y', '-i', 'pipe:0', '-map', '0:v', '-an', '-vf', 'scale', '-c:v', 'libx264', '-crf', '18', 'out.mp4'];
  const rest = ['-map', '0:v', '-an', '-c:v', 'libx264', '-crf', '18', 'out.mp4'];
  assert.deepEqual(encoderOnly(args), rest);
  assert.deepEqual(encoderOnly(rest), rest);
});

test('memory grows by what it has near the end, not by what starting and ending take', () => {
  const steady = [0, 50, 100, 100, 100, 100, 100, 100, 100, 10];
  assert.equal(memoryGrowth(steady.with(1, 100)), 1);
  assert.equal(memoryGrowth([0, 100, 100, 120, 140, 160, 180, 200, 200, 10]), 2);
  assert.equal(memoryGrowth([100, 100]), undefined);
});

test('growth of time is told with start and end, and without', () => {
  const run = (processMs: number, capture: number) =>
    ({ processMs, phases: { capture }, memory: { series: [] } }) as never;
  const growth = growthOf({ short: [run(3000, 1000)], long: [run(12_000, 10_000)] });
  assert.deepEqual(growth, { time: 4, captureTime: 10, memory: undefined });
});

test('every page is measured in every mode with every number of workers', () => {
  const cases = speedCases({ pages: ['dom', '4k'], modes: ['default'], workers: [1, 2] });
  assert.deepEqual(
    cases.map(({ page, workers }) => `${page} ${workers}`),
    ['dom 1', 'dom 2', '4k 1', '4k 2'],
  );
});

test('results are named after the day, the parts and the commit', () => {
  const machine = { date: '2026-01-31T10:00:00.000Z', genlock: 'v1.0-3-gabc-dirty' };
  assert.equal(resultName(machine, { parts: ['speed', 'stop'] }), '2026-01-31-speed-stop-v1.0-3-gabc-dirty');
});
