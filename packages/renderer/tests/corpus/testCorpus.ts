import assert from 'node:assert/strict';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { Worker } from 'node:worker_threads';
import { Renderer, RenderOrchestrator, type Mode, type RenderEvent } from '../../src/index.js';
import { decodedFrame } from '../support/video.js';
import { CORPUS, type CorpusPage } from './corpus.js';
import { CorpusServer } from './CorpusServer.js';
import { formatTable, type Row } from './formatTable.js';

/** One way of making a range of a page's frames. */
export interface Split {
  name: string;
  /** As many workers; without it, one renderer by itself. */
  concurrency?: number;
  /** First frame. Default 0. */
  from?: number;
  /** How that frame is reached. A jump has to give the same only of pages that depend on the time alone. */
  entry?: 'seek' | 'replay';
}

export interface CorpusTest {
  pages: readonly CorpusPage[];
  /** Frames of a page. */
  frames: number;
  /** The ways that are compared; the first makes all frames, and the others have to make the same. */
  splits: readonly [Split, ...Split[]];
  /** How frames are captured. Default: as screenshots. */
  mode?: Mode;
  /** Pages at the same time. */
  concurrency: number;
  /** How many threads do nothing but take time from the renders. Default 0. */
  busyLoops?: number;
  /** Name of the table's file in out/. */
  table: string;
}

const OUT = join(import.meta.dirname, '../../../../out');
/** By how many levels a video's own encoding may change a colour. */
const TOLERANCE = 24;

/** Makes a test of each page: its frames are the same whatever the split. Prints the table of what was seen. */
export function testCorpus(test: CorpusTest): void {
  const folder = mkdtempSync(join(tmpdir(), 'genlock-corpus-test-'));
  const rows = new Map<string, Row>();
  const loops: Worker[] = [];
  let server: CorpusServer;

  before(async () => {
    server = await CorpusServer.start();
    while (loops.length < (test.busyLoops ?? 0)) loops.push(new Worker('for (;;);', { eval: true }));
  });
  after(async () => {
    await Promise.all(loops.map((loop) => loop.terminate()));
    await server[Symbol.asyncDispose]();
    rmSync(folder, { recursive: true, force: true });
    const text = formatTable(test, [...rows.values()]);
    console.log(`\n${text}`);
    mkdirSync(OUT, { recursive: true });
    writeFileSync(join(OUT, `${test.table}.txt`), text);
  });

  it('lists every page', () => {
    const files = readdirSync(join(import.meta.dirname, 'pages')).filter((file) => file.endsWith('.html'));
    const listed = [...CORPUS.map(({ name }) => `${name}.html`), 'inner.html', 'dot.html'];
    assert.deepEqual(files.sort(), listed.sort());
  });

  it('answers 404 for what is not there', async () => {
    for (const path of ['missing', 'media/missing.gif', 'vendor/three/missing.js', 'vendor/missing/missing.js']) {
      const { status } = await fetch(server.server.url(path), { signal: AbortSignal.timeout(10_000) });
      assert.equal(status, 404, path);
    }
  });

  /** Keeps a video that the test would delete, to be looked at. */
  function keep(path: string): string {
    mkdirSync(OUT, { recursive: true });
    const kept = join(OUT, `${test.table} ${basename(path)}`);
    cpSync(path, kept);
    return kept;
  }

  /** Renders without loss; returns the hashes of the captured frames and the file. */
  async function render({ name }: CorpusPage, { name: split, concurrency, from = 0, entry = 'replay' }: Split) {
    const path = join(folder, `${name} ${split}.mkv`);
    const options = {
      ...{ width: 320, height: 180, fps: 30, startFrame: from, frameCount: test.frames - from, entry },
      ...{ lossless: true, frameHashes: `${path}.hashes`, mode: test.mode ?? 'screenshot' },
    };
    const slower: string[] = [];
    const onEvent = (event: RenderEvent) => {
      if (event.type === 'warning' && event.message.includes('screenshot')) slower.push(event.message);
    };
    if (concurrency === undefined) await new Renderer(options).render(server.url(name), path, { onEvent });
    else await RenderOrchestrator.render(server.url(name), path, { ...options, concurrency }, { onEvent });
    const lines = readFileSync(options.frameHashes, 'utf8').trimEnd().split('\n');
    return { path, hashes: lines.map((line) => line.split(' ')[1]!), slower };
  }

  async function compare(page: CorpusPage, row: Row): Promise<void> {
    const [first, ...others] = test.splits;
    const { path, hashes, slower } = await render(page, first);
    row.unique = new Set(hashes).size;
    const problems = [...slower];
    for (const split of others) {
      const { hashes: found, path: other, slower: more } = await render(page, split);
      problems.push(...more.map((message) => `${split.name}: ${message}`));
      const from = split.from ?? 0;
      const wrong = found.flatMap((hash, index) => (hash === hashes[from + index] ? [] : [from + index]));
      row.wrong.set(split.name, wrong.length);
      const exempt = split.entry === 'seek' && !page.timeAlone;
      if (wrong.length === 0 || exempt) continue;
      const kept = `(see ${keep(path)} and ${keep(other)})`;
      problems.push(`${split.name}: other pictures in frames ${wrong.join(', ')} ${kept}`);
    }
    const unique = Math.ceil((page.unique ?? 0.8) * test.frames);
    if (row.unique < unique) problems.push(`only ${row.unique} of ${test.frames} frames differ from the others`);
    problems.push(...(await wrongPixels(page, path)));
    assert.equal(problems.join('; '), '');
  }

  describe('the same frames however the render is split', { concurrency: test.concurrency }, () => {
    for (const page of test.pages) {
      it(`${page.name}: ${page.shows}`, { todo: page.notYet ?? false }, async () => {
        const row: Row = { page, unique: undefined, wrong: new Map(), problem: undefined };
        rows.set(page.name, row);
        try {
          await compare(page, row);
        } catch (error) {
          row.problem = error instanceof assert.AssertionError ? String(error.actual) : String(error);
          throw error;
        }
      });
    }
  });
}

/** The known colours that a lossless video does not have. */
async function wrongPixels({ pixels = [] }: CorpusPage, path: string): Promise<string[]> {
  const problems: string[] = [];
  for (const [frame, x, y, colour] of pixels) {
    const rgb = await decodedFrame(path, frame);
    const at = (y * 320 + x) * 3;
    const found = [...rgb.subarray(at, at + 3)];
    const near = found.every((level, channel) => Math.abs(level - colour[channel]!) <= TOLERANCE);
    if (!near) problems.push(`frame ${frame} has ${found.join(', ')} at ${x}, ${y}, not ${colour.join(', ')}`);
  }
  return problems;
}
