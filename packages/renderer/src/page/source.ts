/** Some compilers wrap functions in a call of this helper to keep their names. */
export const NAME_HELPER = 'const __name = (value) => value;';

/** The world beside the page that our scripts share: the page's clock and globals are out of its reach. */
export const OUR_WORLD = 'genlock';

/** The source text of a function that is complete in itself, for where it is to run: in a page or a worker. */
export function functionSource(call: (...args: never[]) => unknown): string {
  return `(() => { ${NAME_HELPER} return (${call.toString()}); })()`;
}

/**
 * The source text of a call of such a function. Its arguments must survive JSON.
 */
export function callSource<Arguments extends unknown[]>(
  call: (...args: Arguments) => unknown,
  ...args: Arguments
): string {
  const list = args.map((arg) => JSON.stringify(arg)).join(', ');
  return `${functionSource(call)}(${list})`;
}
