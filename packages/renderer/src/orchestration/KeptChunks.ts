import { extname } from 'node:path';
import { StallError } from '../errors.js';
import type { ChunkResult } from '../executors/ChunkResult.js';
import { underDeadline } from '../lifecycle/abort.js';
import { waitForDisk } from '../lifecycle/waitForDisk.js';
import type { WorkDirectory } from '../lifecycle/WorkDirectory.js';
import type { ResolvedDistributedOptions } from '../options/options.js';
import { SIDE_FILES } from '../options/plan.js';
import { withoutPassword } from '../redact.js';
import type { SeamAudit } from './SeamAudit.js';
import { chunkKey } from '../store/chunkKey.js';
import type { ChunkRecord } from '../store/chunkRecord.js';
import { RenderChunkStore } from '../store/RenderChunkStore.js';
import { FileHashes } from '../store/FileHashes.js';
import type { ToolVersions } from '../toolVersions.js';
import type { RenderChunk, RenderExecutor, RenderPlan } from '../types.js';

/** What pruning after a render leaves: chunks used in the last 30 days (ms), and of these the latest 10 GB (bytes). */
const KEEP_MS = 30 * 24 * 3600 * 1000;
const KEEP_BYTES = 10e9;

/** The render whose chunks are kept. */
export interface KeptChunksContext {
  readonly plan: RenderPlan;
  readonly options: ResolvedDistributedOptions;
  readonly executor: RenderExecutor;
  readonly directory: WorkDirectory;
  readonly signal: AbortSignal;
  /** Reports a problem with the store, and its cause. The video is right without the store. */
  readonly warn: (what: string, error: unknown) => void;
}

/**
 * The chunks of one render in the store: those that it reuses, and those that it adds. A problem with the store is only
 * ever a warning, and each kind is reported once.
 */
export class KeptChunks implements AsyncDisposable {
  readonly #files: FileHashes;
  /** Addresses that each worker's page has read so far. */
  readonly #filesRead = new Map<number, Set<string>>();
  /** Workers whose pages have read something that cannot be compared the next time. */
  readonly #unrepeatable = new Set<number>();
  readonly #warned = new Set<string>();
  #store: RenderChunkStore | undefined;
  #tools: ToolVersions | undefined;

  constructor(readonly context: KeptChunksContext) {
    const { plan, options, signal } = context;
    const { deadlines, ignoreHttpsErrors } = options;
    this.#files = new FileHashes(plan.compositionUrl, { signal, deadlineMs: deadlines.load, ignoreHttpsErrors });
  }

  /** Copies stored chunks into this render's directory. Resolves with their seams, by chunk. */
  async reuse(): Promise<Map<RenderChunk, ChunkRecord['seams']>> {
    const { plan, options, signal } = this.context;
    const found = new Map<RenderChunk, ChunkRecord['seams']>();
    await this.#attempt('chunks can neither be found nor kept', signal, async () => {
      this.#tools = await this.#versions();
      this.#store = new RenderChunkStore(options.cacheDirectory);
    });
    for (const chunk of plan.chunks) {
      await this.#attempt('the store of chunks cannot be read', signal, async () => {
        const matches = this.#files.match.bind(this.#files);
        const record = await this.#store?.reuse(this.#key(chunk), matches, this.#parts(chunk), signal);
        if (record) found.set(chunk, record.seams);
      });
    }
    return found;
  }

  /** Records the addresses that a worker's page has read. */
  recordFiles(worker: number, { urls, repeatable }: NonNullable<ChunkResult['files']>): void {
    // A custom executor may have garbled the event on its way.
    const known = Array.isArray(urls) && urls.every((url) => typeof url === 'string') ? urls : [];
    this.#filesRead.set(worker, new Set(known));
    this.#files.track(known);
    const isFile = /^(https?|file):/i.test(this.context.plan.compositionUrl);
    if (repeatable && known === urls && (known.length > 0 || !isFile)) this.#unrepeatable.delete(worker);
    else this.#unrepeatable.add(worker);
  }

  /** Keeps a finished chunk, unless its page has read something that cannot be compared the next time. */
  async keep(chunk: RenderChunk, worker: number, audit: SeamAudit, onLeftover: (path: string) => void): Promise<void> {
    const store = this.#store;
    const urls = this.#filesRead.get(worker);
    if (!store || !urls || this.#unrepeatable.has(worker)) return;
    await this.#attempt('chunks cannot be kept', this.context.signal, async () => {
      const files = await this.#files.unchanged(urls);
      if (!files) return;
      const { startFrame, frameCount } = chunk;
      const url = withoutPassword(this.context.plan.compositionUrl);
      const record = { url, startFrame, frameCount, files, seams: audit.sidesOf(chunk.index) };
      await store.keep(this.#key(chunk), record, this.#parts(chunk), onLeftover, this.context.signal);
    });
  }

  /** Removes chunks from the store that have not been used for a long time or exceed its size. */
  async tidy(): Promise<void> {
    if (this.#warned.size > 0) return;
    // The video is in its place, so an abort no longer matters.
    const { signal } = new AbortController();
    await this.#attempt('the store of chunks could not be tidied', signal, async () => {
      await this.#store?.prune({ maxAgeMs: KEEP_MS, maxBytes: KEEP_BYTES });
    });
  }

  /** Resolves when no file of the composition is being read any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }

  /** Works on the store. Rejects only after an abort, with `signal.reason`. Other errors are reported as warnings. */
  async #attempt(what: string, signal: AbortSignal, work: () => Promise<void>): Promise<void> {
    const { warn, options } = this.context;
    const wait = { waitingFor: 'the store of chunks', deadlineMs: options.deadlines.concat, signal };
    try {
      signal.throwIfAborted();
      await waitForDisk(work(), wait);
    } catch (error) {
      signal.throwIfAborted();
      const kind = (error as NodeJS.ErrnoException | undefined)?.code ?? '';
      if (!this.#warned.has(kind)) warn(what, error);
      this.#warned.add(kind);
    }
  }

  #key(chunk: RenderChunk): string {
    return chunkKey(this.context.plan.compositionUrl, chunk, this.#tools!);
  }

  /** The paths of a chunk's files in this render's directory, by their names in the store. */
  #parts({ fileName, options }: RenderChunk): Record<string, string> {
    const { directory } = this.context;
    const parts = { [`chunk${extname(fileName)}`]: directory.file(fileName) };
    for (const name of SIDE_FILES) {
      const file = options[name];
      if (file !== undefined) parts[extname(file).slice(1)] = directory.file(file);
    }
    return parts;
  }

  /** The versions of the programs with which the executor's workers make chunks. */
  async #versions(): Promise<ToolVersions> {
    const { executor, options, plan, signal } = this.context;
    if (!executor.versions) throw new Error('the executor does not report the versions of its workers (`versions`)');
    const { launch, stop } = options.deadlines;
    const late = () => new StallError('the executor to report its versions', launch, { phase: 'plan' });
    const versions = await underDeadline(signal, launch, late, (either) => {
      const answer = Promise.resolve(executor.versions!(plan.chunks[0]!.options, { signal: either }));
      return stoppable(answer, either, stop);
    });
    if (!areVersions(versions))
      throw new Error("the executor's `versions` must return an object whose values are strings");
    return versions;
  }
}

/** Settles as the promise does, or rejects with the abort's reason if it has not settled `stopMs` after an abort. */
function stoppable<T>(promise: Promise<T>, signal: AbortSignal, stopMs: number): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    let timer: NodeJS.Timeout | undefined;
    const onAbort = () => {
      timer = setTimeout(() => reject(signal.reason as Error), stopMs);
    };
    if (signal.aborted) onAbort();
    else signal.addEventListener('abort', onAbort, { once: true });
    const settled = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', onAbort);
    };
    void promise.then(resolve, reject).then(settled);
  });
}

function areVersions(value: unknown): value is ToolVersions {
  if (typeof value !== 'object' || value === null) return false;
  const texts = Object.values(value);
  return texts.length > 0 && texts.every((text) => typeof text === 'string');
}
