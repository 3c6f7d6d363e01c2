import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import send from 'send';
import { Server } from '../support/server.js';
import { makeMedia } from './media.js';

/** What begins so is answered after a time that nobody knows. */
const LATE = /^\/late\//;
const MOST_LATE_MS = 100;
/** What begins so is answered much later than a frame is drawn. */
const LATER = /^\/later\//;
const LATER_MS = 400;
const PAGES = join(import.meta.dirname, 'pages');
const { resolve } = createRequire(import.meta.url);

/**
 * The corpus on loopback: the pages at `/`, what they show at `/media/`, and the files of installed
 * packages at `/vendor/<package>/`; each of them also at `/late/…`, after a time that nobody knows, and at `/later/…`,
 * much later than a frame is drawn. It answers to `localhost` too, which is another site to a browser.
 */
export class CorpusServer implements AsyncDisposable {
  private constructor(
    readonly media: string,
    readonly server: Server,
  ) {}

  /** Makes the pictures, videos and sounds, and serves until it is disposed of. */
  static async start(): Promise<CorpusServer> {
    const media = mkdtempSync(join(tmpdir(), 'genlock-corpus-'));
    await makeMedia(media);
    const server = await Server.start((request, response) => {
      const asked = (request.url ?? '/').replace(/[?#].*$/, '');
      const path = asked.replace(LATE, '/').replace(LATER, '/');
      const found = locate(path, media);
      if (!found) {
        response.writeHead(404).end(`No installed package has ${path}: run npm install.`);
        return;
      }
      const [root, file] = found;
      const answer = () =>
        send(request, file, { root, cacheControl: false, etag: false, lastModified: false }).pipe(response);
      if (asked === path) answer();
      else void setTimeout(LATER.test(asked) ? LATER_MS : Math.random() * MOST_LATE_MS).then(answer);
    });
    return new CorpusServer(media, server);
  }

  url(page: string): string {
    return this.server.url(`${page}.html`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]();
    rmSync(this.media, { recursive: true, force: true });
  }
}

/** The folder that a path is answered from, and the file in it; undefined where the package is not installed. */
function locate(path: string, media: string): [root: string, file: string] | undefined {
  if (path.startsWith('/media/')) return [media, path.slice('/media'.length)];
  const [, name, file] = /^\/vendor\/((?:@[^/]+\/)?[^/]+)(\/.*)$/.exec(path) ?? [];
  if (name === undefined) return [PAGES, path];
  const folder = packageFolder(name);
  return folder === undefined ? undefined : [folder, file!];
}

/** Asking for a package's file by its name would fail where its "exports" hide that file. */
function packageFolder(name: string): string | undefined {
  const folders = (resolve.paths(name) ?? []).map((modules) => join(modules, name));
  return folders.find((candidate) => existsSync(join(candidate, 'package.json')));
}
