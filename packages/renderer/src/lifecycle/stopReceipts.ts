import type { StopReceipt } from '../events.js';

/** Kept apart from the errors, because users' error objects are never changed. */
const receipts = new WeakMap<object, StopReceipt>();

/** Keeps the receipt of the stop that was caused by this error or abort reason. */
export function keepReceipt(error: unknown, receipt: StopReceipt): void {
  if (isObject(error)) receipts.set(error, receipt);
}

/**
 * The receipt of the stop that ended with this error, which is what `render` rejected with. If one object
 * stopped several renders, the latest receipt. Undefined if the error stopped no render, or is not an object: the
 * receipt is then only available in the `stopped` event.
 */
export function stopReceiptOf(error: unknown): StopReceipt | undefined {
  return isObject(error) ? receipts.get(error) : undefined;
}

function isObject(value: unknown): value is object {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}
