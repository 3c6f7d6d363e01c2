/**
 * The part of a worker's address that does not depend on where the composition is: a folder may be served at another
 * host and port each time, and files may be in another place.
 */
export function stableWorkerName(url: string, pageOrigin: string | undefined): string {
  const { protocol, origin, pathname, search } = new URL(url);
  if (protocol === 'blob:' || protocol === 'data:') return protocol;
  if (protocol === 'file:') return pathname.slice(pathname.lastIndexOf('/') + 1) + search;
  return origin === pageOrigin ? pathname + search : url;
}
