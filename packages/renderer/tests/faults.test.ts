import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { describe, it } from 'node:test';
import {
  cellName,
  EVENTS,
  expectation,
  formatMatrix,
  isFast,
  isNotYet,
  NOT_YET,
  PHASES,
  type FaultEvent,
  type FaultPhase,
} from './support/faultMatrix.js';
import { injectorOf, NotHere, withoutFault } from './support/faults.js';
import { cells, testCells } from './support/matrixTests.js';
import { Sandbox } from './support/Sandbox.js';

const fast = cells().filter(({ phase, event }) => isFast(phase, event));

/** What a cell of the matrix lacks. */
function lacks(phase: FaultPhase, event: FaultEvent): string[] {
  const expected = expectation(phase, event);
  const name = cellName(phase, event);
  if (!/^[AE2WITGLS-]$/.test(expected ?? '')) return [`${name}: an expectation`];
  if (isNotYet(phase, event)) return (NOT_YET[phase] ?? NOT_YET[event]) ? [] : [`${name}: a reason why not yet`];
  return expected === '-' || injectorOf(phase, event) ? [] : [`${name}: a way to put the fault there`];
}

describe('the fault matrix', () => {
  it('has an expectation of every cell, and a way to test it', () => {
    const cellsOfAll = PHASES.flatMap((phase) => EVENTS.map((event) => [phase, event] as const));
    assert.deepEqual(
      cellsOfAll.flatMap(([phase, event]) => lacks(phase, event)),
      [],
    );
  });

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

describe('a cell whose fault does nothing', () => {
  it('ends its render at its limit, gives its disk back, and leaves everything as it was', async (context) => {
    const before = process.env['TMPDIR'];
    const limit = new AbortController();
    const sandbox = new Sandbox(limit.signal);
    context.after(() => sandbox[Symbol.dispose]());
    const reason = new Error('the cell took too long');
    try {
      await withoutFault(sandbox, () => limit.abort(reason));
      assert.fail('it has ended by itself');
    } catch (error) {
      if (error instanceof NotHere) {
        context.skip(error.message);
        return;
      }
      assert.equal(error, reason);
    }
    sandbox.assertNoProcesses();
    sandbox[Symbol.dispose]();
    assert.ok(!existsSync(sandbox.root), 'the disk is gone');
    assert.equal(process.env['TMPDIR'], before);
  });
});

testCells('faults', fast);
