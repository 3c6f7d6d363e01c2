import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatFrameRate, framesIn, frameTime, parseFrameRate } from '../src/options/frameRate.js';

describe('parseFrameRate', () => {
  const rates: [unknown, number, number][] = [
    [30, 30, 1],
    [1, 1, 1],
    [1000, 1000, 1],
    [12.5, 25, 2],
    [0.5, 1, 2],
    [23.976, 24000, 1001],
    [23.98, 24000, 1001],
    [24000 / 1001, 24000, 1001],
    [29.97, 30000, 1001],
    [47.952, 48000, 1001],
    [59.94, 60000, 1001],
    [119.88, 120000, 1001],
    ['30', 30, 1],
    [' 24.0 ', 24, 1],
    ['29.97', 30000, 1001],
    ['30000/1001', 30000, 1001],
    ['60000 : 1001', 60000, 1001],
    ['50/2', 25, 1],
    // Near an NTSC rate, yet none.
    [23.95, 479, 20],
    [29.9, 299, 10],
  ];
  for (const [value, num, den] of rates) {
    it(`reads ${JSON.stringify(value)} as ${num}/${den}`, () => {
      assert.deepEqual(parseFrameRate(value), { num, den });
    });
  }

  const refused: unknown[] = [
    ...[0, -0, -30, NaN, Infinity, -Infinity, 1000.5, 1e9, 1e-9],
    ...['', ' ', 'abc', '30fps', '-30', '+30', '1e3', '0x1e', '30/0', '0/1', '1/2/3', '-30/1', '29.97/1', '2000/1'],
    ...['99999999999999999999/99999999999999999999', null, undefined, true, [30], { num: 30, den: 1 }, 30n],
  ];
  for (const value of refused) {
    it(`refuses ${typeof value} ${String(value)}`, () => {
      assert.equal(parseFrameRate(value), undefined);
    });
  }
});

describe('frame arithmetic', () => {
  const ntsc = { num: 30000, den: 1001 };

  it('writes a rate so that it is read back as the same', () => {
    assert.equal(formatFrameRate({ num: 30, den: 1 }), '30');
    assert.equal(formatFrameRate(ntsc), '30000/1001');
    for (const rate of [24, 23.976, 25, 12.5, 59.94]) {
      const parsed = parseFrameRate(rate)!;
      assert.deepEqual(parseFrameRate(formatFrameRate(parsed)), parsed);
    }
  });

  it('knows the time of a frame without adding up errors', () => {
    assert.equal(frameTime(0, ntsc), 0);
    assert.equal(frameTime(30000, ntsc), 1001);
    assert.equal(frameTime(45, { num: 30, den: 1 }), 1.5);
  });

  it('counts the frames of a duration, at least one', () => {
    assert.equal(framesIn(5, { num: 30, den: 1 }), 150);
    assert.equal(framesIn(10, ntsc), 300);
    assert.equal(framesIn(0.1, { num: 24, den: 1 }), 2);
    assert.equal(framesIn(0.001, { num: 24, den: 1 }), 1);
  });
});
