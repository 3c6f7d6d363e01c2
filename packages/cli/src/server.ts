import { randomBytes } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative, sep } from 'node:path';
import send from 'send';
import { isHidden } from './hidden.js';

/** A folder that is served to browsers on this machine until this object is disposed of. */
export interface FolderServer extends AsyncDisposable {
  /** `http://genlock-<secret>.localhost:<port>` */
  readonly origin: string;
}

export interface FolderOptions {
  /** Whether files and folders whose names begin with a dot are served too. Default false. */
  allowDotfiles?: boolean;
  /** Called with the path of each requested file that is withheld because it is hidden. */
  onHidden?: (path: string) => void;
}

interface Folder extends FolderOptions {
  /** Absolute, with symbolic links resolved. */
  root: string;
  /** The `Host` header that requests must have. */
  host: string;
}

/**
 * Serves a folder on a free port of the loopback interface: files with their types and byte ranges,
 * `index.html` for folders. Nothing outside the folder can be read, not even through a symbolic link,
 * nor anything whose name begins with a dot.
 *
 * Every user of this machine can reach the port, so the server answers only under a host name that
 * nobody can guess. Browsers resolve every name below `localhost` to this machine and trust it like
 * `localhost` itself. Unlike a secret in the path, the name leaves addresses such as `/style.css` unchanged.
 */
export async function serveFolder(folder: string, options: FolderOptions = {}): Promise<FolderServer> {
  const secret = randomBytes(16).toString('hex');
  const served: Folder = { ...options, root: await realpath(folder), host: '' };
  const servers = await listen((request, response) => {
    answer(served, request, response).catch(() => refuse(response, 500, 'cannot be read'));
  });
  served.host = `genlock-${secret}.localhost:${portOf(servers[0]!)}`;
  return {
    origin: `http://${served.host}`,
    async [Symbol.asyncDispose]() {
      await Promise.all(servers.map(close));
    },
  };
}

/** How many ports are tried that turn out to be taken on the other loopback address. */
const MAX_PORTS = 20;

/** Listens on the same port of both loopback addresses, because browsers try both for `*.localhost`. */
async function listen(handle: (request: IncomingMessage, response: ServerResponse) => void): Promise<Server[]> {
  for (let tried = 1; ; tried++) {
    const first = await listenAt('127.0.0.1', 0, handle);
    try {
      return [first, await listenAt('::1', portOf(first), handle)];
    } catch (error) {
      // Any other error means that there is no IPv6, so nobody else can be listening there either.
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') return [first];
      await close(first);
      if (tried === MAX_PORTS) throw error;
    }
  }
}

async function listenAt(address: string, port: number, handle: Parameters<typeof listen>[0]): Promise<Server> {
  const server = createServer(handle);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host: address, port, ipv6Only: true }, resolve);
  });
  return server;
}

function portOf(server: Server): number {
  return (server.address() as AddressInfo).port;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // Browsers keep connections open; close() alone would wait for them.
  server.closeAllConnections();
  await closed;
}

/** A file's path as part of an address. Each name is encoded, so that `#`, `?` and `%` in it keep their meaning. */
export function encodePath(relativePath: string): string {
  return relativePath.split(sep).map(encodeURIComponent).join('/');
}

async function answer(folder: Folder, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const { root } = folder;
  const path = (request.url ?? '/').replace(/[?#].*$/s, '');
  const fault = await findFault(folder, request, path);
  if (fault) {
    refuse(response, ...fault);
    return;
  }
  send(request, path, { root, dotfiles: 'allow', etag: false, lastModified: false, cacheControl: false })
    .on('error', (error: NodeJS.ErrnoException & { status?: number }) => {
      const status = error.status ?? 500;
      refuse(response, status, status === 404 ? `is not in ${root}` : `cannot be read (${error.message})`);
    })
    .pipe(response);
}

/** Why a request is refused, as an HTTP status and text; undefined if it may be answered. */
async function findFault(
  { root, host, allowDotfiles, onHidden }: Folder,
  request: IncomingMessage,
  path: string,
): Promise<[number, string] | undefined> {
  // This also keeps out a foreign site that points its own name at this machine to read the user's files.
  if (request.headers.host !== host) return [403, 'is only served under another host name'];
  if (request.method !== 'GET' && request.method !== 'HEAD') return [405, 'only allows GET and HEAD'];
  const name = decodePath(path);
  if (name === undefined) return [400, 'is not a valid address'];
  const real = isHidden(name) && !allowDotfiles ? 'hidden' : await realNames(root, name);
  if (real === undefined) return [404, `is not in ${root}`];
  if (allowDotfiles || (real !== 'hidden' && !real.some(isHidden))) return undefined;
  onHidden?.(join(root, name));
  return [403, 'is hidden (part of its path begins with a dot)'];
}

/** The file name in an address's path; undefined if it is malformed or contains `..`. */
function decodePath(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  let name: string;
  try {
    name = decodeURIComponent(path);
  } catch {
    return undefined;
  }
  const parts = name.split(/[/\\]/);
  return name.includes('\0') || parts.includes('..') ? undefined : name;
}

/**
 * The paths below the root that a name resolves to once all symbolic links are followed: the file or folder itself
 * and, for a folder, its `index.html`. Undefined if one of them does not exist or lies outside the root.
 */
async function realNames(root: string, name: string): Promise<string[] | undefined> {
  const names: string[] = [];
  for (const candidate of name.endsWith('/') ? [name, `${name}index.html`] : [name]) {
    let real: string;
    try {
      real = await realpath(join(root, candidate));
    } catch {
      return undefined;
    }
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) return undefined;
    names.push(relative(root, real));
  }
  return names;
}

function refuse(response: ServerResponse, status: number, why: string): void {
  if (response.headersSent) {
    response.destroy();
    return;
  }
  response.statusCode = status;
  response.removeHeader('Content-Length');
  response.setHeader('Content-Type', 'text/plain; charset=utf-8');
  response.end(`${status}: ${response.req.url ?? ''} ${why}\n`);
}
