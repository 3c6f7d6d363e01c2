import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { seekToStart } from '../../src/capture/seekToStart.js';
import { WorkerPage } from '../../src/capture/WorkerPage.js';
import { BrowserPool, type RendererOptions, type RenderEvent } from '../../src/index.js';
import { findHardening } from '../../src/lifecycle/hardening.js';
import { JobScope } from '../../src/lifecycle/JobScope.js';
import { parseRendererOptions } from '../../src/options/options.js';
import { eventsOf } from './renders.js';
import { Sandbox } from './Sandbox.js';

/** At 10 frames per second, frame n is shown at n times 100 ms. */
export const OPTIONS = { width: 64, height: 36, fps: 10, frameCount: 10, lossless: true };
/** What `Date` shows at frame 0. */
export const EPOCH = Date.UTC(2025, 0, 1);

/** What a page has told: topic and values. */
export type Said = [topic: string, ...values: unknown[]][];

/** The script that pages tell with: `say(topic, ...values)`. */
export const SAY = 'const say = (...values) => console.log(JSON.stringify(values));';

/**
 * Draws pages that tell what time it is for them, in browsers that are kept from page to page. It is all that a render
 * does but the encoding, which costs more than the rest.
 */
export class ClockPages implements AsyncDisposable {
  readonly sandbox = new Sandbox();
  /** Where the video would be. */
  readonly output = join(this.sandbox.root, 'out.mkv');
  readonly #browsers = new BrowserPool();
  /** The pictures that were drawn last. */
  #pictures: PNG[] = [];

  /** Draws the frames of a page; returns what it has told. */
  async render(url: string, options: Partial<RendererOptions> = {}): Promise<Said> {
    const { events } = await this.succeed(url, options);
    return eventsOf(events, 'page-console').map(({ text }) => JSON.parse(text));
  }

  /** Draws the frames of a page; returns what was told of that. */
  async succeed(url: string, options: Partial<RendererOptions> = {}): Promise<{ events: RenderEvent[] }> {
    const events: RenderEvent[] = [];
    const pictures = await this.#draw(url, options, (event) => void events.push(event));
    this.#pictures = pictures.map((png) => PNG.sync.read(png));
    return { events };
  }

  /** Draws frames of which one must fail; returns the error, and what was told. */
  async fail(url: string, options: Partial<RendererOptions> = {}): Promise<{ error: unknown; events: RenderEvent[] }> {
    const events: RenderEvent[] = [];
    const drawing = this.#draw(url, options, (event) => void events.push(event));
    const [outcome] = await Promise.allSettled([drawing]);
    assert.equal(outcome.status, 'rejected', 'nothing failed');
    return { error: outcome.reason, events };
  }

  async #draw(
    url: string,
    given: Partial<RendererOptions>,
    onEvent: (event: RenderEvent) => void,
  ): Promise<readonly Buffer[]> {
    const options = parseRendererOptions({ ...OPTIONS, ...given }, this.output, url);
    const pictures: Buffer[] = [];
    await JobScope.run({ onEvent }, options, this.output, async (scope) => {
      await scope.enter('launch');
      if (options.hardening) scope.hardening = await findHardening(scope.signal);
      await using workerPage = new WorkerPage();
      await scope.guard(async () => {
        const { source } = await seekToStart(workerPage, scope, options, url, this.#browsers);
        await scope.enter('capture');
        await source.begin();
        const { startFrame, frameCount, deadlines } = options;
        for (let frame = startFrame; frame < startFrame + frameCount; frame++) {
          scope.position.frame = frame;
          await scope.step('capture');
          const drawn = await source.capture(frame);
          pictures.push(drawn.kind === 'picture' ? drawn.png : await source.picture());
        }
        await source.page.settle(deadlines.capture);
      });
    });
    return pictures;
  }

  /** The colour of a pixel of the picture that was drawn as the nth, from 0, in the last render. */
  colourAt(n: number, x: number, y: number): number[] {
    const { data, width } = this.#pictures[n]!;
    const start = (y * width + x) * 4;
    return [...data.subarray(start, start + 3)];
  }

  /** A hash of each picture of the last render. */
  get hashes(): string[] {
    return this.#pictures.map(({ data }) => createHash('sha256').update(data).digest('hex'));
  }

  /** A page that runs a script, and its function `frame(n, time)`, if it has one, in each frame. */
  page(script: string, html = ''): string {
    return this.sandbox.page(clockPage(script, html));
  }

  /** What the page tells in a render, which must be the same where the first six frames are not drawn. */
  async observe(url: string, options: Partial<RendererOptions> = {}): Promise<Map<string, unknown[][]>> {
    const whole = await this.render(url, options);
    const chunk = await this.render(url, { ...options, startFrame: 6, frameCount: 4 });
    assert.deepEqual(chunk, whole, 'a chunk that starts later sees the same');
    return byTopic(whole);
  }

  /** As `observe`, of one render: where what happens while the page loads depends on how long that takes. */
  async observeOnce(url: string, options: Partial<RendererOptions> = {}): Promise<Map<string, unknown[][]>> {
    return byTopic(await this.render(url, options));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browsers.close();
    this.sandbox[Symbol.dispose]();
  }
}

/** The text of such a page. */
export function clockPage(script: string, html = ''): string {
  return `<!doctype html><body>${html}<script>
    ${SAY}
    ${script}
    requestAnimationFrame(function draw(time) {
      globalThis.frame?.(genlock.frame, time);
      requestAnimationFrame(draw);
    });
  </script>`;
}

export function byTopic(said: Said): Map<string, unknown[][]> {
  const topics = new Map<string, unknown[][]>();
  for (const [topic, ...values] of said) topics.set(topic, [...(topics.get(topic) ?? []), values]);
  return topics;
}

/** [[0, f(0)], [1, f(1)], …] for all frames. */
export function perFrame(value: (frame: number) => unknown): unknown[][] {
  return Array.from({ length: OPTIONS.frameCount }, (_, frame) => [frame, value(frame)].flat());
}

/** Asserts numbers but for what binary fractions lose. */
export function assertClose(actual: unknown[][] | undefined, expected: unknown[][]): void {
  const round = (value: unknown) => (typeof value === 'number' ? Math.round(value * 1e6) / 1e6 : value);
  const rounded = (rows: unknown[][]) => rows.map((row) => row.map(round));
  assert.deepEqual(rounded(actual ?? []), rounded(expected));
}
