/** A helper that some compilers insert calls of, to preserve the names of functions. */
export const NAME_HELPER = 'const __name = (value) => value;';

/** The isolated world of the page that our scripts share: it has neither the page's clock nor its globals. */
export const OUR_WORLD = 'genlock';

/** The source text of a self-contained function that is to run in a page or worker. */
export function functionSource(call: (...args: never[]) => unknown): string {
  return `(() => { ${NAME_HELPER} return (${call.toString()}); })()`;
}

/** The source text of a call of such a function. Its arguments must survive JSON. */
export function callSource<Arguments extends unknown[]>(
  call: (...args: Arguments) => unknown,
  ...args: Arguments
): string {
  const list = args.map((arg) => JSON.stringify(arg)).join(', ');
  return `${functionSource(call)}(${list})`;
}
