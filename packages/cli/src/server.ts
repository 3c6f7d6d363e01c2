import { realpath } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, sep } from 'node:path';
import send from 'send';

/** A folder that is served to the browsers on this machine, until it is disposed of. */
export interface FolderServer extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly origin: string;
}

/**
 * Serves a folder on a free port of the loopback interface: files with their types and byte ranges,
 * `index.html` for folders. Nothing outside the folder can be read, also not through a symbolic link.
 */
export async function serveFolder(folder: string): Promise<FolderServer> {
  const root = await realpath(folder);
  const server = createServer((request, response) => {
    answer(root, request, response).catch(() => refuse(response, 500, 'cannot be read'));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      // Browsers keep connections open; close() alone would wait for them.
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The path of a file in an address of this server: each part is encoded, so that `#`, `?` and `%` stay names. */
export function encodePath(relativePath: string): string {
  return relativePath.split(sep).map(encodeURIComponent).join('/');
}

async function answer(root: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const path = (request.url ?? '/').replace(/[?#].*$/s, '');
  const fault = await findFault(root, request, path);
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

/** Why a request is refused, as an HTTP status and words; undefined when it may be answered. */
async function findFault(root: string, request: IncomingMessage, path: string): Promise<[number, string] | undefined> {
  const host = `127.0.0.1:${request.socket.localPort}`;
  // A foreign site that points its own name at 127.0.0.1 must not read the user's files.
  if (request.headers.host !== host) return [403, `is served as http://${host} only`];
  if (request.method !== 'GET' && request.method !== 'HEAD') return [405, 'can only be read'];
  const name = decodePath(path);
  if (name === undefined) return [400, 'is not a valid address'];
  return (await isInside(root, name)) ? undefined : [404, `is not in ${root}`];
}

/** The file name that an address names; undefined when it is malformed or climbs upwards. */
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

/** Whether a name leads to something inside the root after every symbolic link on its way is followed. */
async function isInside(root: string, name: string): Promise<boolean> {
  for (const candidate of name.endsWith('/') ? [name, `${name}index.html`] : [name]) {
    let real: string;
    try {
      real = await realpath(join(root, candidate));
    } catch {
      return false;
    }
    if (real !== root && !real.startsWith(root.endsWith(sep) ? root : root + sep)) return false;
  }
  return true;
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
