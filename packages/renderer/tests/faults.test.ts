import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EVENTS, expectation, formatMatrix, isFast, isNotYet, NOT_YET, PHASES } from './support/faultMatrix.js';
import { injectorOf } from './support/faults.js';
import { cells, testCells } from './support/matrixTests.js';

const fast = cells().filter(({ phase, event }) => isFast(phase, event));

describe('the fault matrix', () => {
  for (const phase of PHASES) {
    for (const event of EVENTS) {
      const expected = expectation(phase, event);
      it(`${phase} × ${event} has an expectation, and a way to test it`, () => {
        assert.match(expected ?? 'missing', /^[AE2WITGLS-]$/);
        if (isNotYet(phase, event)) assert.ok(NOT_YET[phase] ?? NOT_YET[event], 'a reason why not');
        else if (expected !== '-') assert.ok(injectorOf(phase, event), 'a way to put the fault there');
      });
    }
  }

  it('has a test of every row, and of every column, among those that run every time', () => {
    const run = cells();
    for (const { phase } of run)
      assert.ok(
        fast.some((cell) => cell.phase === phase),
        phase,
      );
    for (const { event } of run)
      assert.ok(
        fast.some((cell) => cell.event === event),
        event,
      );
  });

  it('prints in less than 120 columns', () => {
    const [, ...lines] = formatMatrix(new Map()).split('\n');
    for (const line of lines) assert.ok(line.length < 120, line);
  });
});

testCells('faults', fast);
