import { basename, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AssetError, shortUrl } from '../errors.js';
import { bytesMissing } from '../ffmpeg/cutShort.js';
import { locateFfmpeg } from '../ffmpeg/findFfmpeg.js';
import type { JobScope } from '../lifecycle/JobScope.js';
import { runCommand } from '../lifecycle/runCommand.js';
import type { ResolvedOptions } from '../options/options.js';
import type { FileFault, FileFaults, SheetUse } from '../page/index.js';
import type { Protocol } from './Connection.js';
import type { NetworkWatch } from './NetworkWatch.js';
import type { PageTargets } from './PageTargets.js';
import { withoutFragment, type NetworkFailure } from './requests.js';

/** How long ffprobe may take to tell a file's codec, in milliseconds: the render fails without it as well. */
const PROBE_MS = 5000;

/** Files for which a page may have others, as the browser names them: those of a `<object>` are documents. */
const REPLACEABLE: ReadonlySet<string> = new Set(['Image', 'Media', 'Font', 'Document']);
/** What people call what the browser has no plain word for. */
const WORDS: Readonly<Record<string, string>> = { Other: 'file', TextTrack: 'text track' };

/**
 * The files of a page that have not come, or cannot be decoded. For most of them a page may
 * have another one in their place, and what was only preloaded may be wanted by nobody: so they are judged when
 * the page has nothing more to do.
 */
export class PageFiles {
  /** Those that did not come and are yet to be judged, by address. */
  readonly #missing = new Map<string, NetworkFailure>();
  /** Style sheets that did not come, and that the picture may not need at present, by address. */
  readonly #sheets = new Map<string, NetworkFailure>();
  /** Scripts that `import()` has led to and that did not come: where the page handles that, nothing is wrong. */
  readonly #imports = new Map<string, NetworkFailure>();
  /** Addresses of which it has been said that nothing needs them at present. */
  readonly #idle = new Set<string>();
  /** What elements have failed with although it has come. */
  readonly #refused = new Set<string>();
  /** Addresses of which something has been said. */
  readonly #told = new Set<string>();
  readonly #inspected = new Set<string>();
  /** The looks at videos and sounds, by address. */
  readonly #looks = new Map<string, Promise<void>>();
  #hasFontFailed = false;
  /** Of which kinds files have failed. */
  readonly #failedKinds = new Set<Protocol.Network.ResourceType>();

  constructor(
    readonly scope: JobScope,
    readonly options: ResolvedOptions,
    readonly network: NetworkWatch,
    readonly targets: PageTargets,
  ) {}

  /** A file did not come. */
  missing(failure: NetworkFailure): void {
    const { url, type, isPreload, isOfDocument, importRoot, isOfWrongType } = failure;
    this.#failedKinds.add(type);
    // One that was preloaded and is of a wrong type is not asked for again by what needs it.
    if (type === 'Stylesheet' && isOfDocument && (!isPreload || isOfWrongType)) {
      this.#sheets.set(url, failure);
      // One that applies fails the render at once.
      this.#judgeSheets(false, this.options.deadlines.load).catch((error: unknown) => this.scope.fail(error));
    } else if (importRoot !== undefined && !isPreload) this.#imports.set(url, failure);
    else if (isPreload || type === 'Font' || (isOfDocument && REPLACEABLE.has(type))) this.#missing.set(url, failure);
    else this.#tellMissing(failure);
  }

  /** Fails the scope for each file that is missing or broken, as the page stands now; or warns of it. */
  async judge(found: readonly FileFaults[], deadlineMs: number): Promise<void> {
    const failing = new Set(found.flatMap((each) => each.failing));
    const replaced = new Set(found.flatMap((each) => each.replaced));
    const fonts = found.some((each) => each.fonts);
    const isReplaced = (url: string) => replaced.has(url) && !failing.has(url);
    const hasModuleFailed = found.some(({ modules }) => modules);
    this.#refuse([...(hasModuleFailed ? this.network.refused.scripts : []), ...failing]);
    if (this.#looks.size > 0)
      await this.scope.wait(Promise.all(this.#looks.values()), deadlineMs, 'the lengths of videos to be looked at');
    await this.#judgeSheets(true, deadlineMs);
    this.#judgeImports(failing, hasModuleFailed);
    const missing = [...this.#missing.values()];
    this.#missing.clear();
    for (const failure of missing) {
      const isFont = failure.type === 'Font' && !failure.isPreload;
      if (isReplaced(failure.url) || (isFont && (await this.#hasFontInstead(failure, deadlineMs))))
        this.#told.add(failure.url);
      else
        this.#tellMissing(
          failure,
          failure.isPreload && !failing.has(failure.url) && !(await this.#isStyled(failure, fonts, deadlineMs)),
        );
    }
    await this.#lookForParts(
      found.flatMap(({ parts }) => parts),
      deadlineMs,
    );
    const broken = [...found.flatMap((each) => each.broken), ...(await this.#inspect(fonts, deadlineMs))];
    for (const fault of broken) if (!isReplaced(fault.url)) await this.#tellBroken(fault);
  }

  /** Nobody has handled that an import or the load of a font failed, as the page tells: names what was missing. */
  loadFailed(message: string): void {
    if (message.startsWith('NetworkError')) {
      for (const failure of this.#missing.values()) if (failure.type === 'Font') this.#tellMissing(failure);
      return;
    }
    const all = [...this.#imports.values()];
    const named = all.filter(({ url, importRoot }) => message.includes(url) || message.includes(importRoot!));
    for (const failure of named.length > 0 ? named : all) this.#tellMissing(failure);
  }

  /** What has come and is of no use to an element is as good as missing. */
  #refuse(failing: readonly string[]): void {
    for (const address of failing) {
      if (this.#refused.has(address)) continue;
      const failure = this.network.refused.failureOf(address, this.#failedKinds);
      if (!failure) continue;
      this.#refused.add(address);
      this.missing(failure);
    }
  }

  /** What a `<script>` needs fails the render, also where `import()` has asked for it first. */
  #judgeImports(failing: ReadonlySet<string>, hasModuleFailed: boolean): void {
    for (const [url, failure] of this.#imports) if (hasModuleFailed || failing.has(url)) this.#tellMissing(failure);
  }

  /** Of what the page does not know it may know more when it has nothing more to do. */
  async #judgeSheets(isAtRest: boolean, deadlineMs: number): Promise<void> {
    for (const [url, failure] of this.#sheets) {
      const call = `sheetUse(${JSON.stringify(withoutFragment(url))}, ${failure.isOfWrongType === true})`;
      const uses = new Set(await this.#asked(this.targets.evaluateAll<SheetUse>(call), deadlineMs));
      const isWanted = uses.has('applied');
      if (isWanted || (isAtRest && !uses.has('idle') && !uses.has('accepted') && !failure.isPreload)) {
        this.#sheets.delete(url);
        this.#tellMissing(failure);
      } else if (isAtRest && uses.has('accepted')) this.#sheets.delete(url);
      else if (isAtRest) this.#tellIdle(failure, uses.has('idle') ? 'style sheet that does not apply' : undefined);
    }
  }

  async #hasFontInstead({ url, isOfDocument }: NetworkFailure, deadlineMs: number): Promise<boolean> {
    const name = JSON.stringify(url);
    const call = `isFontDispensable(${name})`;
    const { targets } = this;
    // A worker may be waiting for something, and answer nobody: it is asked only of what it has asked for itself.
    const asked = isOfDocument
      ? [targets.evaluateAll<boolean>(`hasFontInstead(${name})`), targets.evaluateAll<boolean>(call)]
      : [targets.evaluateWorkers<boolean>(call)];
    return (await this.#asked(Promise.all(asked), deadlineMs)).flat().includes(true);
  }

  /** What the page says of a file that is missing. */
  #asked<T>(answer: Promise<T>, deadlineMs: number): Promise<T> {
    return this.scope.wait(answer, deadlineMs, 'the page to say whether it needs a file that is missing');
  }

  /** Whether a style asks for what was preloaded, and did not come. */
  async #isStyled({ url, type }: NetworkFailure, fonts: boolean, deadlineMs: number): Promise<boolean> {
    if (type === 'Font' && !fonts) return false;
    const call = `stylesWith(${JSON.stringify(url)})`;
    return (await this.#asked(this.targets.evaluateAll<boolean>(call), deadlineMs)).includes(true);
  }

  /** Looks whether SVG files have the parts that the page shows. */
  async #lookForParts(all: readonly string[], deadlineMs: number): Promise<void> {
    const isNew = (url: string) => !this.#inspected.has(url) && !this.#told.has(withoutFragment(url));
    const news = [...new Set(all)].filter(isNew);
    if (news.length === 0) return;
    for (const url of news) this.#inspected.add(url);
    const looked = this.targets.evaluate<FileFault[]>(`missingParts(${JSON.stringify(news)})`);
    const faults = (await this.scope.wait(looked, deadlineMs, 'the page to look into its SVG files')) ?? [];
    for (const { url, type, reason } of faults)
      this.#tell(new AssetError(url, reason, type, { ...this.scope.position }));
  }

  /** Looks into the files that have come since the last time. */
  async #inspect(fonts: boolean, deadlineMs: number): Promise<FileFault[]> {
    this.#hasFontFailed ||= fonts;
    const news = (urls: ReadonlySet<string>) => [...urls].filter((url) => !this.#inspected.has(url));
    const lists = [news(this.network.pictures), this.#hasFontFailed ? news(this.network.fonts) : []];
    if (lists.every(({ length }) => length === 0)) return [];
    for (const url of lists.flat()) this.#inspected.add(url);
    const call = `inspect(${lists.map((list) => JSON.stringify(list)).join(', ')})`;
    const looked = this.targets.evaluate<FileFault[]>(call);
    return (await this.scope.wait(looked, deadlineMs, 'the page to look into its pictures')) ?? [];
  }

  /** A video or sound begins to come. One of which the end is missing plays, and then stands still. */
  media(url: string): void {
    if (this.#looks.has(url) || url.startsWith('blob:')) return;
    this.#looks.set(url, this.#lookAt(url));
  }

  async #lookAt(url: string): Promise<void> {
    // Who cannot read it need not: the browser can.
    const missing = await bytesMissing(url, this.scope.signal).catch(() => 0);
    if (missing === 0 || this.scope.signal.aborted) return;
    const reason = `the file is cut short: its last ${missing} bytes are missing`;
    this.#tell(new AssetError(url, reason, 'Media', { ...this.scope.position }, 'Replace the file'));
    // What is not there is not to be waited for.
    await this.targets.evaluateAll(`media?.giveUp(${JSON.stringify(url)})`);
  }

  #tellIdle({ url, reason }: NetworkFailure, what = 'preloaded and not used'): void {
    if (this.#idle.has(url)) return;
    this.#idle.add(url);
    this.#warn(`${what}: ${shortUrl(url)} did not load (${reason})`);
  }

  #tellMissing(failure: NetworkFailure, isUnused = false): void {
    const { url, reason, type } = failure;
    if (isUnused) this.#tellIdle(failure);
    else this.#tell(new AssetError(url, reason, WORDS[type] ?? type, { ...this.scope.position }));
  }

  async #tellBroken({ url, type, reason }: FileFault): Promise<void> {
    if (this.#told.has(url)) return;
    const isMedia = type === 'video' || type === 'audio';
    const codec = isMedia ? await this.#codecOf(url, type) : undefined;
    const why = codec === undefined ? reason : `${codec}: ${reason}`;
    const advice = codec === undefined ? 'Replace the file' : `Convert it with ${conversion(url, type)}`;
    this.#tell(new AssetError(url, why, type, { ...this.scope.position }, advice));
  }

  #tell(error: AssetError): void {
    if (this.#told.has(error.url)) return;
    this.#told.add(error.url);
    if (this.options.allowMissingAssets) this.#warn(error.message);
    else this.scope.fail(error);
  }

  #warn(message: string): void {
    const { frame } = this.scope.position;
    const place = { worker: this.scope.worker, ...(frame === undefined ? {} : { frame }) };
    this.scope.emit({ type: 'warning', message, ...place });
  }

  /** What the file is coded with, as ffprobe names it; undefined where it cannot tell. */
  async #codecOf(url: string, type: string): Promise<string | undefined> {
    if (!/^(https?|file):/.test(url)) return undefined;
    const input = url.startsWith('file:') ? fileURLToPath(url) : url;
    const stream = ['-select_streams', type === 'audio' ? 'a:0' : 'v:0', '-show_entries', 'stream=codec_name'];
    try {
      const args = ['-v', 'error', ...stream, '-of', 'csv=p=0', input];
      const { ffprobe } = locateFfmpeg(this.options);
      const options = { role: 'probe', deadlineMs: PROBE_MS, ...this.scope.processOptions() };
      const { code, stdout } = await runCommand(ffprobe, args, options);
      const name = stdout.trim().split('\n')[0];
      return code === 0 && name ? name : undefined;
    } catch {
      // What is wrong is known without it.
      return undefined;
    }
  }
}

/** The command that makes of a file one that the browser can decode. */
function conversion(url: string, type: string): string {
  const name = basename(plain(new URL(url).pathname));
  const stem = name.slice(0, name.length - extname(name).length);
  if (type === 'audio') return `\`ffmpeg -i "${name}" -c:a aac "${stem}.aac.m4a"\``;
  const video = '-c:v libx264 -pix_fmt yuv420p -g 15 -c:a aac -movflags +faststart';
  return `\`ffmpeg -i "${name}" ${video} "${stem}.h264.mp4"\``;
}

function plain(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
