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

/** What stays in the store by itself: chunks that were used in the last 30 days, the latest 10 GB of them. */
const KEEP_MS = 30 * 24 * 3600 * 1000;
const KEEP_BYTES = 10e9;

/** What a render's chunks are kept for and by. */
export interface KeptChunksContext {
  readonly plan: RenderPlan;
  readonly options: ResolvedDistributedOptions;
  readonly executor: RenderExecutor;
  readonly directory: WorkDirectory;
  readonly signal: AbortSignal;
  /** Is told what is wrong with the store, with why: the video is right without it. */
  readonly warn: (what: string, error: unknown) => void;
}

/**
 * The chunks of one render in the store: those that are there already, and those that it adds. Whatever is
 * wrong with the store is a warning, told once for each kind, and nothing more.
 */
export class KeptChunks implements AsyncDisposable {
  readonly #files: FileHashes;
  /** Addresses that each worker's page has read so far. */
  readonly #read = new Map<number, Set<string>>();
  readonly #unrepeatable = new Set<number>();
  readonly #warned = new Set<string>();
  #store: RenderChunkStore | undefined;
  #tools: ToolVersions | undefined;

  constructor(readonly context: KeptChunksContext) {
    const { plan, options, signal } = context;
    const { deadlines, ignoreHttpsErrors } = options;
    this.#files = new FileHashes(plan.compositionUrl, { signal, deadlineMs: deadlines.load, ignoreHttpsErrors });
  }

  /** Brings the chunks that are there into this render's directory. Returns their seams, by chunk. */
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

  /** A worker tells which addresses its page has read. */
  read(worker: number, { urls, repeatable }: NonNullable<ChunkResult['files']>): void {
    // Who has carried the event here may have lost some of it.
    const told = Array.isArray(urls) && urls.every((url) => typeof url === 'string') ? urls : [];
    this.#read.set(worker, new Set(told));
    this.#files.see(told);
    const isFile = /^(https?|file):/i.test(this.context.plan.compositionUrl);
    if (repeatable && told === urls && (told.length > 0 || !isFile)) this.#unrepeatable.delete(worker);
    else this.#unrepeatable.add(worker);
  }

  /** Keeps a finished chunk, unless its page has read what cannot be compared the next time. */
  async keep(chunk: RenderChunk, worker: number, audit: SeamAudit, onLeftover: (path: string) => void): Promise<void> {
    const store = this.#store;
    const urls = this.#read.get(worker);
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

  /** Removes from the store what nobody has asked for in a long time, or what is too much. */
  async tidy(): Promise<void> {
    if (this.#warned.size > 0) return;
    // The video is in its place: no abort matters any more.
    const { signal } = new AbortController();
    await this.#attempt('the store of chunks could not be tidied', signal, async () => {
      await this.#store?.prune({ maxAgeMs: KEEP_MS, maxBytes: KEEP_BYTES });
    });
  }

  /** Resolves when nothing of the composition is being read any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#files[Symbol.asyncDispose]();
  }

  /** Does something with the store, until the render stops. Rejects with `signal.reason` after an abort, and never else. */
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

  /** The files of a chunk in this render's directory, by the names that they have in the store. */
  #parts({ fileName, options }: RenderChunk): Record<string, string> {
    const { directory } = this.context;
    const parts = { [`chunk${extname(fileName)}`]: directory.file(fileName) };
    for (const name of SIDE_FILES) {
      const file = options[name];
      if (file !== undefined) parts[extname(file).slice(1)] = directory.file(file);
    }
    return parts;
  }

  /** What the executor's workers make chunks with. */
  async #versions(): Promise<ToolVersions> {
    const { executor, options, plan, signal } = this.context;
    if (!executor.versions) throw new Error('the executor does not say what its workers are (it has no `versions`)');
    const { launch, stop } = options.deadlines;
    const late = () => new StallError('the executor to say what its workers are', launch, { phase: 'plan' });
    const versions = await underDeadline(signal, launch, late, (either) => {
      const answer = Promise.resolve(executor.versions!(plan.chunks[0]!.options, { signal: either }));
      return stoppable(answer, either, stop);
    });
    if (!areVersions(versions))
      throw new Error('what the executor says of its workers (`versions`) is not texts by name');
    return versions;
  }
}

/** Settles as the promise does; when that has not settled so many milliseconds after an abort, rejects with its reason. */
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
