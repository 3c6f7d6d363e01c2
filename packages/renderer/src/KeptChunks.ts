import { extname } from 'node:path';
import { findBrowser } from './browser/findBrowser.js';
import { llvmpipeFor } from './browser/llvmpipe.js';
import type { RenderEvent } from './events.js';
import { findFfmpeg } from './ffmpeg/findFfmpeg.js';
import { onDisk, type DiskWait } from './lifecycle/onDisk.js';
import type { WorkDirectory } from './lifecycle/WorkDirectory.js';
import type { ResolvedDistributedOptions } from './options.js';
import { withoutPassword } from './redact.js';
import type { SeamAudit } from './SeamAudit.js';
import { chunkKey, type ToolVersions } from './store/chunkKey.js';
import { ChunkStore, type ChunkRecord } from './store/ChunkStore.js';
import { FileHashes } from './store/FileHashes.js';
import type { RenderChunk, RenderPlan } from './types.js';

/** What stays in the store by itself: chunks that were used in the last 30 days, the latest 10 GB of them. */
const KEEP_MS = 30 * 24 * 3600 * 1000;
const KEEP_BYTES = 10e9;

/** The chunks of one render in the store: those that are there already, and those that it adds. */
export class KeptChunks {
  readonly #store: ChunkStore;
  readonly #files: FileHashes;
  /** Addresses that each worker's page has read so far. */
  readonly #read = new Map<number, Set<string>>();
  readonly #unrepeatable = new Set<number>();
  #tools: ToolVersions | undefined;

  constructor(
    readonly plan: RenderPlan,
    readonly options: ResolvedDistributedOptions,
    readonly directory: WorkDirectory,
    readonly signal: AbortSignal,
  ) {
    this.#store = new ChunkStore(options.cacheDirectory);
    this.#files = new FileHashes(plan.compositionUrl, signal, options.ignoreHttpsErrors);
  }

  /** Brings the chunks that are there into this render's directory. Returns their seams, by chunk. */
  async reuse(): Promise<Map<RenderChunk, ChunkRecord['seams']>> {
    this.#tools = await this.#versions();
    const found = new Map<RenderChunk, ChunkRecord['seams']>();
    for (const chunk of this.plan.chunks) {
      this.signal.throwIfAborted();
      const parts = this.#parts(chunk);
      const looking = this.#store.reuse(this.#key(chunk), (files) => this.#files.match(files), parts);
      const record = await this.#disk(looking);
      if (record) found.set(chunk, record.seams);
    }
    return found;
  }

  /** A worker tells which addresses its page has read. */
  read(worker: number, { urls, repeatable }: Extract<RenderEvent, { type: 'files' }>): void {
    this.#read.set(worker, new Set(urls));
    this.#files.see(urls);
    if (repeatable) this.#unrepeatable.delete(worker);
    else this.#unrepeatable.add(worker);
  }

  /** Keeps a finished chunk, unless its page has read what cannot be compared the next time. */
  async keep(chunk: RenderChunk, worker: number, audit: SeamAudit, onLeftover: (path: string) => void): Promise<void> {
    const urls = this.#read.get(worker);
    if (!urls || this.#unrepeatable.has(worker)) return;
    const files = await this.#disk(this.#files.unchanged(urls));
    if (!files) return;
    const { startFrame, frameCount } = chunk;
    const url = withoutPassword(this.plan.compositionUrl);
    const record = { url, startFrame, frameCount, files, seams: audit.sidesOf(chunk.index) };
    await this.#disk(this.#store.keep(this.#key(chunk), record, this.#parts(chunk), onLeftover, this.signal));
  }

  /** Removes from the store what nobody has asked for in a long time, or what is too much. */
  async tidy(): Promise<void> {
    // The video is in its place: no abort matters any more.
    await onDisk(this.#store.prune({ maxAgeMs: KEEP_MS, maxBytes: KEEP_BYTES }), this.#wait);
  }

  /** Waits for the store, until the render stops. */
  #disk<T>(work: Promise<T>): Promise<T> {
    return onDisk(work, { ...this.#wait, signal: this.signal });
  }

  get #wait(): DiskWait {
    return { waitingFor: 'the store of chunks', deadlineMs: this.options.deadlines.concat };
  }

  #key(chunk: RenderChunk): string {
    return chunkKey(this.plan.compositionUrl, chunk, this.#tools!);
  }

  /** The files of a chunk in this render's directory, by the names that they have in the store. */
  #parts({ fileName, options }: RenderChunk): Record<string, string> {
    const parts = { [`chunk${extname(fileName)}`]: this.directory.file(fileName) };
    if (options.frameHashes !== undefined) parts['hashes'] = this.directory.file(options.frameHashes);
    return parts;
  }

  async #versions(): Promise<ToolVersions> {
    const { signal } = this;
    const { browserConfig, webgl, ffmpegPath, ffprobePath } = this.options;
    const [browser, ffmpeg] = await Promise.all([
      findBrowser({ executablePath: browserConfig.executablePath, signal }),
      findFfmpeg({ ffmpegPath, ffprobePath, signal }),
    ]);
    return { browser: browser.version, webgl: llvmpipeFor(webgl)?.stamp ?? '', encoder: ffmpeg.version };
  }
}
