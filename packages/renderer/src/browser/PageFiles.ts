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
import type { PageContexts } from './PageContexts.js';
import { withoutFragment, type NetworkFailure } from './requests.js';

/** How long ffprobe may take to find a file's codec, in milliseconds. The codec only makes the error more helpful. */
const PROBE_MS = 5000;

/**
 * Types of files that a page may replace by others, as the browser names them: those of an `<object>` are documents.
 */
const REPLACEABLE: ReadonlySet<string> = new Set(['Image', 'Media', 'Font', 'Document']);
/** Plain names for types whose names in the browser are unclear. */
const TYPE_NAMES: Readonly<Record<string, string>> = { Other: 'file', TextTrack: 'text track' };

/**
 * The files of a page that did not load, or cannot be decoded. The page may show another file instead of most of them,
 * and nothing may need a file that was only preloaded. So they are judged when the page has nothing more to do.
 */
export class PageFiles {
  /** Files that did not load and have yet to be judged, by address. */
  readonly #missing = new Map<string, NetworkFailure>();
  /** Style sheets that did not load, but that the picture may not need at present, by address. */
  readonly #sheets = new Map<string, NetworkFailure>();
  /** Scripts that `import()` led to and that did not load, by address. If the page handles that, nothing is wrong. */
  readonly #imports = new Map<string, NetworkFailure>();
  /** Addresses of unneeded files of which a warning has been given. */
  readonly #unneeded = new Set<string>();
  /** Addresses of files that loaded but with which an element failed. */
  readonly #refused = new Set<string>();
  /** Addresses of files that have been reported, or need not be. */
  readonly #reported = new Set<string>();
  /** Addresses of files whose content has been checked. */
  readonly #inspected = new Set<string>();
  /** The checks of videos and sounds, by address. */
  readonly #mediaChecks = new Map<string, Promise<void>>();
  #hasFontFailed = false;
  /** The types of files that have failed. */
  readonly #failedKinds = new Set<Protocol.Network.ResourceType>();

  constructor(
    readonly scope: JobScope,
    readonly options: ResolvedOptions,
    readonly network: NetworkWatch,
    readonly contexts: PageContexts,
  ) {}

  /** Records that a file did not load. Reports it at once if the page certainly needs it. */
  onMissing(failure: NetworkFailure): void {
    const { url, type, isPreload, isOfDocument, importRoot, isOfWrongType } = failure;
    this.#failedKinds.add(type);
    // A preloaded sheet of a wrong type is not requested again by the element that needs it.
    if (type === 'Stylesheet' && isOfDocument && (!isPreload || isOfWrongType)) {
      this.#sheets.set(url, failure);
      // A sheet that applies fails the render at once.
      this.#judgeSheets(false, this.options.deadlines.load).catch((error: unknown) => this.scope.fail(error));
    } else if (importRoot !== undefined && !isPreload) this.#imports.set(url, failure);
    else if (isPreload || type === 'Font' || (isOfDocument && REPLACEABLE.has(type))) this.#missing.set(url, failure);
    else this.#reportMissing(failure);
  }

  /** Fails the scope, or warns, for each missing or broken file that the page needs in its current state. */
  async judge(found: readonly FileFaults[], deadlineMs: number): Promise<void> {
    const failing = new Set(found.flatMap((each) => each.failing));
    const replaced = new Set(found.flatMap((each) => each.replaced));
    const fonts = found.some((each) => each.fonts);
    const isReplaced = (url: string) => replaced.has(url) && !failing.has(url);
    const hasModuleFailed = found.some(({ modules }) => modules);
    this.#refuse([...(hasModuleFailed ? this.network.refused.scripts : []), ...failing]);
    if (this.#mediaChecks.size > 0)
      await this.scope.wait(Promise.all(this.#mediaChecks.values()), deadlineMs, 'the lengths of videos to be checked');
    await this.#judgeSheets(true, deadlineMs);
    this.#judgeImports(failing, hasModuleFailed);
    const missing = [...this.#missing.values()];
    this.#missing.clear();
    for (const failure of missing) {
      const isFont = failure.type === 'Font' && !failure.isPreload;
      if (isReplaced(failure.url) || (isFont && (await this.#hasFontInstead(failure, deadlineMs))))
        this.#reported.add(failure.url);
      else
        this.#reportMissing(
          failure,
          failure.isPreload && !failing.has(failure.url) && !(await this.#isStyled(failure, fonts, deadlineMs)),
        );
    }
    await this.#checkSvgParts(
      found.flatMap(({ parts }) => parts),
      deadlineMs,
    );
    const broken = [...found.flatMap((each) => each.broken), ...(await this.#inspect(fonts, deadlineMs))];
    for (const fault of broken) if (!isReplaced(fault.url)) await this.#reportBroken(fault);
  }

  /** Reports the missing files behind a failed `import()`, or `load()` of a font, that the page did not handle. */
  onUnhandledFailure(message: string): void {
    if (message.startsWith('NetworkError')) {
      for (const failure of this.#missing.values()) if (failure.type === 'Font') this.#reportMissing(failure);
      return;
    }
    const all = [...this.#imports.values()];
    const named = all.filter(({ url, importRoot }) => message.includes(url) || message.includes(importRoot!));
    for (const failure of named.length > 0 ? named : all) this.#reportMissing(failure);
  }

  /** Treats files that loaded but that the browser refused like missing ones. */
  #refuse(failing: readonly string[]): void {
    for (const address of failing) {
      if (this.#refused.has(address)) continue;
      const failure = this.network.refused.failureOf(address, this.#failedKinds);
      if (!failure) continue;
      this.#refused.add(address);
      this.onMissing(failure);
    }
  }

  /** A file that a `<script>` needs fails the render, even if an `import()` requested it first. */
  #judgeImports(failing: ReadonlySet<string>, hasModuleFailed: boolean): void {
    for (const [url, failure] of this.#imports) if (hasModuleFailed || failing.has(url)) this.#reportMissing(failure);
  }

  /** Judges missing style sheets. Those of which the page knows too little are left until it is at rest. */
  async #judgeSheets(isAtRest: boolean, deadlineMs: number): Promise<void> {
    for (const [url, failure] of this.#sheets) {
      const call = `sheetUse(${JSON.stringify(withoutFragment(url))}, ${failure.isOfWrongType === true})`;
      const uses = new Set(await this.#answer(this.contexts.evaluateAll<SheetUse>(call), deadlineMs));
      const isWanted = uses.has('applied');
      if (isWanted || (isAtRest && !uses.has('idle') && !uses.has('accepted') && !failure.isPreload)) {
        this.#sheets.delete(url);
        this.#reportMissing(failure);
      } else if (isAtRest && uses.has('accepted')) this.#sheets.delete(url);
      else if (isAtRest) this.#warnUnneeded(failure, uses.has('idle') ? 'style sheet that does not apply' : undefined);
    }
  }

  async #hasFontInstead({ url, isOfDocument }: NetworkFailure, deadlineMs: number): Promise<boolean> {
    const name = JSON.stringify(url);
    const call = `isFontDispensable(${name})`;
    const { contexts } = this;
    // A worker may be waiting and unable to answer, so workers are asked only about what a worker has requested.
    const answers = isOfDocument
      ? [contexts.evaluateAll<boolean>(`hasFontInstead(${name})`), contexts.evaluateAll<boolean>(call)]
      : [contexts.evaluateWorkers<boolean>(call)];
    return (await this.#answer(Promise.all(answers), deadlineMs)).flat().includes(true);
  }

  /** Waits for the page's answer about a missing file. */
  #answer<T>(answer: Promise<T>, deadlineMs: number): Promise<T> {
    return this.scope.wait(answer, deadlineMs, 'the page to say whether it needs a missing file');
  }

  /** Whether a style needs a file that was preloaded and did not load. */
  async #isStyled({ url, type }: NetworkFailure, fonts: boolean, deadlineMs: number): Promise<boolean> {
    if (type === 'Font' && !fonts) return false;
    const call = `stylesWith(${JSON.stringify(url)})`;
    return (await this.#answer(this.contexts.evaluateAll<boolean>(call), deadlineMs)).includes(true);
  }

  /** Checks whether SVG files contain the parts that the page shows. */
  async #checkSvgParts(all: readonly string[], deadlineMs: number): Promise<void> {
    const isNew = (url: string) => !this.#inspected.has(url) && !this.#reported.has(withoutFragment(url));
    const urls = [...new Set(all)].filter(isNew);
    if (urls.length === 0) return;
    for (const url of urls) this.#inspected.add(url);
    const checking = this.contexts.evaluate<FileFault[]>(`missingParts(${JSON.stringify(urls)})`);
    const faults = (await this.scope.wait(checking, deadlineMs, 'the page to check its SVG files')) ?? [];
    for (const { url, type, reason } of faults)
      this.#report(new AssetError(url, reason, type, { ...this.scope.position }));
  }

  /** Checks the pictures, and if a font has failed the fonts, that have loaded since the last call. */
  async #inspect(fonts: boolean, deadlineMs: number): Promise<FileFault[]> {
    this.#hasFontFailed ||= fonts;
    const newOnes = (urls: ReadonlySet<string>) => [...urls].filter((url) => !this.#inspected.has(url));
    const lists = [newOnes(this.network.pictures), this.#hasFontFailed ? newOnes(this.network.fonts) : []];
    if (lists.every(({ length }) => length === 0)) return [];
    for (const url of lists.flat()) this.#inspected.add(url);
    const call = `inspect(${lists.map((list) => JSON.stringify(list)).join(', ')})`;
    const checking = this.contexts.evaluate<FileFault[]>(call);
    return (await this.scope.wait(checking, deadlineMs, 'the page to check its pictures')) ?? [];
  }

  /** Checks whether a video or sound that begins to load is complete: one whose end is missing would freeze there. */
  checkMedia(url: string): void {
    if (this.#mediaChecks.has(url) || url.startsWith('blob:')) return;
    this.#mediaChecks.set(url, this.#checkLength(url));
  }

  async #checkLength(url: string): Promise<void> {
    // If this process cannot read the file, the browser still can.
    const missing = await bytesMissing(url, this.scope.signal).catch(() => 0);
    if (missing === 0 || this.scope.signal.aborted) return;
    const reason = `the file is cut short: its last ${missing} bytes are missing`;
    this.#report(new AssetError(url, reason, 'Media', { ...this.scope.position }, 'Replace the file'));
    // The page must not wait for the missing part.
    await this.contexts.evaluateAll(`media?.giveUp(${JSON.stringify(url)})`);
  }

  #warnUnneeded({ url, reason }: NetworkFailure, what = 'preloaded and not used'): void {
    if (this.#unneeded.has(url)) return;
    this.#unneeded.add(url);
    this.#warn(`${what}: ${shortUrl(url)} did not load (${reason})`);
  }

  #reportMissing(failure: NetworkFailure, isUnused = false): void {
    const { url, reason, type } = failure;
    if (isUnused) this.#warnUnneeded(failure);
    else this.#report(new AssetError(url, reason, TYPE_NAMES[type] ?? type, { ...this.scope.position }));
  }

  async #reportBroken({ url, type, reason }: FileFault): Promise<void> {
    if (this.#reported.has(url)) return;
    const isMedia = type === 'video' || type === 'audio';
    const codec = isMedia ? await this.#codecOf(url, type) : undefined;
    const why = codec === undefined ? reason : `${codec}: ${reason}`;
    const advice = codec === undefined ? 'Replace the file' : `Convert it with ${conversion(url, type)}`;
    this.#report(new AssetError(url, why, type, { ...this.scope.position }, advice));
  }

  #report(error: AssetError): void {
    if (this.#reported.has(error.url)) return;
    this.#reported.add(error.url);
    if (this.options.allowMissingAssets) this.#warn(error.message);
    else this.scope.fail(error);
  }

  #warn(message: string): void {
    const { frame } = this.scope.position;
    const place = { worker: this.scope.worker, ...(frame === undefined ? {} : { frame }) };
    this.scope.emit({ type: 'warning', message, ...place });
  }

  /** The file's codec, as ffprobe names it; undefined if ffprobe cannot tell. */
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
      // The error can be reported without the codec.
      return undefined;
    }
  }
}

/** The command that converts a file into one that the browser can decode. */
function conversion(url: string, type: string): string {
  const name = basename(decodePercents(new URL(url).pathname));
  const stem = name.slice(0, name.length - extname(name).length);
  if (type === 'audio') return `\`ffmpeg -i "${name}" -c:a aac "${stem}.aac.m4a"\``;
  const video = '-c:v libx264 -pix_fmt yuv420p -g 15 -c:a aac -movflags +faststart';
  return `\`ffmpeg -i "${name}" ${video} "${stem}.h264.mp4"\``;
}

/** Decodes a path; leaves it unchanged if it is not encoded correctly. */
function decodePercents(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch {
    return path;
  }
}
