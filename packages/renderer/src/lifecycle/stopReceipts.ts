import type { StopReceipt } from '../events.js';

/** Kept beside the errors, which belong to those who made them. */
const receipts = new WeakMap<object, StopReceipt>();

/** Keeps the receipt of the stop that this error, or reason of an abort, has caused. */
export function keepReceipt(error: unknown, receipt: StopReceipt): void {
  if (isObject(error)) receipts.set(error, receipt);
}

/**
 * The receipt of the stop that ended with this error: what `render` rejected with. The latest, when
 * one object has stopped several renders. Undefined for what has stopped none, and for values that
 * are no objects: their receipt comes with the `stopped` event alone.
 */
export function stopReceiptOf(error: unknown): StopReceipt | undefined {
  return isObject(error) ? receipts.get(error) : undefined;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
