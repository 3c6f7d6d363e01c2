import type { BudgetError } from '../errors.js';
import { TeardownError, type RenderPhase, type RenderPosition } from '../errors.js';
import { codeOf, positionOf } from '../errorRecord.js';
import type { EndedProcess, RenderEvent, StopReceipt } from '../events.js';
import { attempt, isA, messageOf } from '../unknowns.js';
import { keepReceipt } from './stopReceipts.js';

/** The parts of a receipt that are not recorded here. */
type Circumstances = Pick<StopReceipt, 'workers' | 'retries'> & { leftovers: readonly string[] };

/** Records a stop while it happens: its cause, and the processes that it ends. */
export class StopRecord {
  readonly #ended: EndedProcess[] = [];
  #cause: (Pick<StopReceipt, 'reason' | 'message' | 'first'> & { at: number }) | undefined;

  get reason(): StopReceipt['reason'] | undefined {
    return this.#cause?.reason;
  }

  /**
   * Called at the moment of the abort or the first failure, from which all times are measured. `first` is where
   * it happened. False if a stop has already begun.
   */
  begin(error: unknown, byUser: boolean, first: RenderPosition): boolean {
    if (this.#cause) return false;
    const known = byUser ? {} : { ...first, ...positionOf(error) };
    this.#cause = { at: performance.now(), reason: reasonOf(error, byUser), message: messageOf(error), first: known };
    return true;
  }

  /** Records a process that ended after the stop began. `phase` is where its worker was. */
  processEnded(event: Extract<RenderEvent, { type: 'process' }>, phase: RenderPhase | undefined): void {
    if (event.state !== 'ended' || !this.#cause) return;
    const { pid, role, worker, how = 'exit' } = event;
    this.#ended.push({ pid, role, ...(worker === undefined ? {} : { worker }), ...(phase ? { phase } : {}), how });
  }

  /**
   * The event that ends a stop, once nothing is left. Leftovers are listed in the receipt and, because the cause
   * takes precedence, in a TeardownError among the suppressed errors.
   */
  stopped(error: unknown, suppressed: readonly unknown[], circumstances: Circumstances): RenderEvent {
    const { at, ...cause } = this.#cause!;
    const receipt: StopReceipt = {
      ...cause,
      workers: circumstances.workers,
      processes: this.#ended,
      retries: circumstances.retries,
      ms: performance.now() - at,
      leftovers: [...circumstances.leftovers],
    };
    keepReceipt(error, receipt);
    const isReported = receipt.leftovers.length === 0 || [error, ...suppressed].some((e) => isA(e, TeardownError));
    const teardown = isReported ? [] : [new TeardownError(receipt.leftovers)];
    return { type: 'stopped', receipt, error, suppressed: [...suppressed, ...teardown] };
  }
}

function reasonOf(error: unknown, byUser: boolean): StopReceipt['reason'] {
  if (byUser) return 'user';
  switch (codeOf(error)) {
    case 'stall':
      return 'stall';
    case 'budget':
      return attempt(() => (error as BudgetError).budget) === 'time' ? 'deadline' : 'budget';
    default:
      return 'worker';
  }
}
