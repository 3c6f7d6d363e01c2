import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import {
  cellName,
  EVENTS,
  expectation,
  formatMatrix,
  isNotYet,
  PHASES,
  type FaultEvent,
  type FaultPhase,
  type Seen,
} from './faultMatrix.js';
import { injectorOf, NotHere } from './faults.js';
import { held } from './leaks.js';
import { succeed } from './renders.js';
import { Sandbox } from './Sandbox.js';

const COUNTER = pathToFileURL(join(import.meta.dirname, '../pages/counter.html')).href;
/** A cell takes some seconds; on a busy machine ten. Whatever runs in it then is stopped. */
const LIMIT_MS = 60_000;
/** What is let go of at the end of the last test, has ended by then. */
const END_MS = 30_000;
const OUT = join(import.meta.dirname, '../../../../out');

/** The cells that a test can be made of: what applies, and is part of this suite. */
export function cells(): { phase: FaultPhase; event: FaultEvent }[] {
  return PHASES.flatMap((phase) => EVENTS.map((event) => ({ phase, event }))).filter(
    ({ phase, event }) => !isNotYet(phase, event) && expectation(phase, event) !== '-',
  );
}

/** Makes a test of each of these cells; prints the matrix as it was observed, and writes it to out/. */
export function testCells(file: string, chosen: readonly { phase: FaultPhase; event: FaultEvent }[]): void {
  const seen = new Map<string, Seen>();

  describe('every phase under every fault', () => {
    before(async () => {
      // The first render of a process loads what stays loaded.
      using sandbox = new Sandbox();
      await succeed(sandbox, COUNTER, { frameCount: 2 });
    });

    for (const { phase, event } of chosen) {
      const name = cellName(phase, event);
      it(`${name}: ${expectation(phase, event)}`, { timeout: 2 * LIMIT_MS }, async (context) => {
        const limit = new AbortController();
        const late = () => limit.abort(new Error(`the fault has ended nothing within ${LIMIT_MS / 1000} s`));
        const timer = setTimeout(late, LIMIT_MS);
        const sandbox = new Sandbox(limit.signal);
        // Also when this function never ends: the next cell is to find everything as it was.
        context.after(() => {
          clearTimeout(timer);
          sandbox[Symbol.dispose]();
        });
        try {
          const inject = injectorOf(phase, event);
          assert.ok(inject, 'nobody knows how to put this fault there');
          const outcome = await inject(sandbox);
          sandbox.assertNoProcesses();
          await sandbox.assertNoLeaks();
          assert.equal(outcome, expectation(phase, event));
          seen.set(name, { outcome });
        } catch (error) {
          if (error instanceof NotHere) {
            seen.set(name, { skipped: error.message });
            context.skip(error.message);
            return;
          }
          seen.set(name, { failed: String(error).split('\n')[0]! });
          throw error;
        }
      });
    }

    after(() => {
      const text = `Faults, as observed by ${file}:\n\n${formatMatrix(seen)}\n`;
      console.log(`\n${text}`);
      mkdirSync(OUT, { recursive: true });
      writeFileSync(join(OUT, `${file}.txt`), text);
      // It keeps nothing alive by itself.
      const giveUp = () => {
        console.error(`${file} does not end, since this is still held:\n${held().join('\n')}`);
        process.exit(1);
      };
      setTimeout(giveUp, END_MS).unref();
    });
  });
}
