import type { RenderEvent } from '../events.js';
import { isA, nameAndMessageOf, messageOf } from '../unknowns.js';
import { verifyFrames, verifyPictures } from './readBack.js';
import { THROWN, type Range } from './testPage.js';
import { Traces } from './Traces.js';
import type { Trial } from './Trial.js';
import { LONG, type AbortedTrial, type TrialSeries } from './TrialSeries.js';

/** One property of the contract. `run` rejects with a description of what is wrong. */
export interface Check {
  name: string;
  claim: string;
  run: (series: TrialSeries) => Promise<void>;
}

/** Something that a check depends on is missing, for which another check fails. */
export class Unjudged extends Error {}

/** A chunk from the middle, so that a wrong start shows. */
const RANGE: Range = { startFrame: 5, frameCount: 4 };
const FAILING = { startFrame: 0, frameCount: 12, throwAt: 6 };

/** The checks, in order. Each judges a single property, so that an executor that violates one fails one check. */
export const CHECKS: readonly Check[] = [
  {
    name: 'renders',
    claim: 'writes exactly the frames that it is asked for, at their rate and size',
    run: async (series) => {
      const trial = await series.render(RANGE);
      await verifyTrial(trial, series, verifyFrames);
      await verifyTrial(trial, series);
    },
  },
  {
    name: 'pre-aborted',
    claim: 'on a signal that is aborted already it rejects with the very reason, and starts and writes nothing',
    run: checkPreAborted,
  },
  {
    name: 'abort-settles',
    claim: 'gives up within bounded time after an abort, at whatever moment that comes',
    run: (series) =>
      forEachAborted(series, ({ trial, ms, moment }) => {
        if (ms === undefined) {
          return trial.signal.aborted
            ? `did not settle within ${series.limits.stopMs} ms of the abort`
            : 'told nothing at which it could be aborted';
        }
        // The abort may come too late for the last frames.
        return trial.outcome.status === 'fulfilled' && moment.name !== 'near the end'
          ? 'went on to the end all the same'
          : undefined;
      }),
  },
  {
    name: 'abort-reason',
    claim: 'rejects with `signal.reason` itself, whatever that is',
    run: (series) =>
      forEachAborted(series, ({ trial: { outcome, signal } }) =>
        outcome.status === 'rejected' && outcome.reason !== signal.reason
          ? `rejected with ${nameAndMessageOf(outcome.reason)} instead of ${nameAndMessageOf(signal.reason)}`
          : undefined,
      ),
  },
  {
    name: 'abort-quiet',
    claim: 'leaves the output as it was after an abort, and writes nothing once it has settled',
    run: checkQuiet,
  },
  { name: 'own-error', claim: "fails with its own error, which tells the page's", run: checkOwnError },
  {
    name: 'reusable-after-abort',
    claim: 'renders right again after an abort',
    run: async (series) => {
      await series.abortOne();
      await verifyTrial(await series.render(RANGE), series);
    },
  },
  {
    name: 'reusable-after-failure',
    claim: 'renders right again after a failure',
    run: async (series) => {
      await series.render(FAILING);
      await verifyTrial(await series.render(RANGE), series);
    },
  },
  {
    name: 'parallel',
    claim: 'renders two chunks at once without mixing them up',
    run: async (series) => {
      const trials = [series.start({ startFrame: 0, frameCount: 4 }), series.start({ ...RANGE, startFrame: 4 }, 1)];
      for (const trial of trials) await trial.settlesWithin(series.limits.renderMs);
      for (const trial of trials) await verifyTrial(trial, series);
    },
  },
  {
    name: 'parallel-abort',
    claim: 'goes on with one chunk when another is aborted',
    run: async (series) => {
      const other = series.start({ ...LONG, startFrame: RANGE.startFrame }, 1);
      await series.abortOne();
      await other.settlesWithin(series.limits.renderMs);
      await verifyTrial(other, series);
    },
  },
  {
    name: 'progress',
    claim: 'tells its progress as numbers from 0 to 1 that never fall, and nothing once it has settled',
    run: checkProgress,
  },
  {
    name: 'listeners',
    claim: 'leaves no listener on the signal',
    run: async ({ trials }) => {
      const settled = trials.filter(({ outcome }) => outcome.status !== 'pending');
      const left = Math.max(...settled.map((trial) => trial.listeners));
      if (left > 0) throw new Error(`${left} listeners were left after a chunk had settled`);
    },
  },
];

async function verifyTrial(trial: Trial, { own, limits }: TrialSeries, verify = verifyPictures): Promise<void> {
  const { outcome } = trial;
  if (outcome.status === 'pending') throw new Error(`did not settle within ${limits.renderMs} ms`);
  if (outcome.status === 'rejected') throw new Error(`rejected with ${nameAndMessageOf(outcome.reason)}`);
  await verify(trial.output, trial.request, own);
}

async function checkPreAborted(series: TrialSeries): Promise<void> {
  const reason = { why: 'aborted before the start' };
  const traces = new Traces([]);
  const trial = series.start({ ...RANGE, sentinel: true }, 0, { reason });
  // Processes started in the tick of the call exist by now.
  const started = traces.survivors();
  await trial.settlesWithin(series.limits.stopMs);
  const { outcome } = trial;
  if (outcome.status === 'pending') throw new Error(`did not settle within ${series.limits.stopMs} ms`);
  if (outcome.status === 'fulfilled') throw new Error('rendered all the same');
  if (outcome.reason !== reason)
    throw new Error(`rejected with ${nameAndMessageOf(outcome.reason)} instead of the reason`);
  const told = trial.events.length + trial.shares.length;
  if (told > 0) throw new Error(`told ${told} events`);
  const processes = [...started, ...traces.survivors()];
  if (processes.length > 0) throw new Error(`started a process: ${processes[0]!.command}`);
  const debris = trial.debris();
  if (debris !== undefined) throw new Error(`wrote ${debris}`);
}

/** Judges every aborted trial. Throws an error that lists all problems, each with its moment. */
async function forEachAborted(
  series: TrialSeries,
  judge: (aborted: AbortedTrial) => string | undefined,
): Promise<void> {
  const problems = (await series.aborted()).flatMap((aborted) => {
    const problem = judge(aborted);
    return problem === undefined ? [] : [`aborted ${aborted.moment.name}: ${problem}`];
  });
  if (problems.length > 0) throw new Error(problems.join('\n'));
}

async function checkQuiet(series: TrialSeries): Promise<void> {
  const rejected = (await series.aborted()).filter(({ trial }) => trial.outcome.status === 'rejected');
  if (rejected.length === 0) throw new Unjudged('no aborted chunk has been given up');
  await series.quiet();
  await forEachAborted(series, ({ trial }) => {
    if (trial.outcome.status !== 'rejected') return undefined;
    const debris = trial.debris();
    if (debris !== undefined) return `left ${debris}`;
    const changes = trial.changes();
    return changes === undefined ? undefined : `wrote after it had settled: ${changes}`;
  });
}

async function checkOwnError(series: TrialSeries): Promise<void> {
  const { outcome, events } = await series.render(FAILING);
  if (outcome.status === 'pending') throw new Error(`did not settle within ${series.limits.renderMs} ms`);
  if (outcome.status === 'fulfilled') throw new Error('made a video of a page that throws');
  const { reason } = outcome;
  if (!isA(reason, Error)) throw new Error(`rejected with ${nameAndMessageOf(reason)}, which is no Error`);
  if (!messageOf(reason).includes(THROWN)) {
    throw new Error(`the error does not name what the page threw ("${THROWN}"): ${nameAndMessageOf(reason)}`);
  }
  const told = events.filter((event): event is Extract<RenderEvent, { type: 'worker-failed' }> => {
    return event.type === 'worker-failed';
  });
  if (told.some(({ error }) => error !== reason)) {
    throw new Error('the event `worker-failed` carries another object than the rejection');
  }
}

async function checkProgress({ trials }: TrialSeries): Promise<void> {
  for (const { shares, toldLate, outcome } of trials) {
    const odd = shares.find((share, index) => !(share >= (shares[index - 1] ?? 0) && share <= 1));
    if (odd !== undefined) throw new Error(`told the progress ${shares.join(', ')}`);
    if (outcome.status === 'fulfilled' && shares.length === 0) throw new Error('told no progress');
    if (toldLate > 0) throw new Error(`told ${toldLate} events after it had settled`);
  }
}
