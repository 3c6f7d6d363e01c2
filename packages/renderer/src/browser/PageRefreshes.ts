import type { CDPSession } from './Connection.js';
import type { ResolvedOptions } from '../options/options.js';
import type { PageTargets } from './PageTargets.js';

/** Where a page goes by itself, and in which frame. */
export interface Refresh {
  url: string;
  /** The first frame at or after its time: that frame shows the other document. */
  frame: number;
}

/**
 * Knows when the page goes to another document because its markup says so (`<meta http-equiv="refresh">`), or its
 * server. The browser counts in real time: its own going is refused in the page (`page/refresh.ts`).
 */
export class PageRefreshes {
  #next: Refresh | undefined;
  /** Frames within the page. Which one the page itself is in may be known only later. */
  readonly #inner = new Set<string>();

  constructor(
    readonly options: ResolvedOptions,
    readonly targets: PageTargets,
    /** The frame of the video that the page shows; undefined while it loads. */
    readonly shown: () => number | undefined,
  ) {}

  watch(client: CDPSession): void {
    client.on('Page.frameAttached', ({ frameId }) => this.#inner.add(frameId));
    // No other event tells of a refresh before its time.
    client.on('Page.frameScheduledNavigation', ({ frameId, delay, reason, url }) => {
      if (reason !== 'metaTagRefresh' && reason !== 'httpHeaderRefresh') return;
      void this.targets.evaluateIn(frameId, `refresh(${JSON.stringify(url)}, ${delay * 1000})`).catch(() => {});
      if (this.#inner.has(frameId)) return;
      const { num, den } = this.options.fps;
      const after = Math.ceil((delay * num) / den - 1e-9);
      const shown = this.shown();
      // A frame shows one document, however many follow each other at once; before the first they all may.
      const next = { url, frame: shown === undefined ? after : shown + Math.max(1, after) };
      if (!this.#next || next.frame < this.#next.frame) this.#next = next;
    });
  }

  /** Takes out what is due by a frame. */
  takeDue(frame: number): Refresh | undefined {
    const due = this.isDue(frame) ? this.#next : undefined;
    if (due) this.#next = undefined;
    return due;
  }

  isDue(frame: number): boolean {
    return this.#next !== undefined && this.#next.frame <= frame;
  }

  /** A new document has its own. */
  clear(): void {
    this.#next = undefined;
  }
}
