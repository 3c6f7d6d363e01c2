import type { CDPSession } from './Connection.js';
import type { ResolvedOptions } from '../options/options.js';
import type { PageContexts } from './PageContexts.js';

/** A refresh of the page: the address of the next document, and the frame in which it begins. */
export interface Refresh {
  url: string;
  /** The first frame at or after the time of the refresh: it shows the next document. */
  frame: number;
}

/**
 * Knows when the page goes on to another document because its markup (`<meta http-equiv="refresh">`) or its server says
 * so. The browser would count real time, so its own navigation is refused in the page (`page/refresh.ts`).
 */
export class PageRefreshes {
  #next: Refresh | undefined;
  /** Frames within the page. The page's own frame may become known only later. */
  readonly #innerFrames = new Set<string>();

  constructor(
    readonly options: ResolvedOptions,
    readonly contexts: PageContexts,
    /** The frame of the video that the page is at; undefined while it loads. */
    readonly currentFrame: () => number | undefined,
  ) {}

  watch(client: CDPSession): void {
    client.on('Page.frameAttached', ({ frameId }) => this.#innerFrames.add(frameId));
    // This is the only event that reports a refresh ahead of its time.
    client.on('Page.frameScheduledNavigation', ({ frameId, delay, reason, url }) => {
      if (reason !== 'metaTagRefresh' && reason !== 'httpHeaderRefresh') return;
      void this.contexts.evaluateIn(frameId, `refresh(${JSON.stringify(url)}, ${delay * 1000})`).catch(() => {});
      if (this.#innerFrames.has(frameId)) return;
      const { num, den } = this.options.fps;
      const after = Math.ceil((delay * num) / den - 1e-9);
      const current = this.currentFrame();
      // Each frame shows one document, so a new one begins in the next frame at the earliest; while the page loads,
      // before frame 0, several may follow each other at once.
      const next = { url, frame: current === undefined ? after : current + Math.max(1, after) };
      if (!this.#next || next.frame < this.#next.frame) this.#next = next;
    });
  }

  /** Removes and returns the refresh that is due by this frame, if there is one. */
  takeDue(frame: number): Refresh | undefined {
    const due = this.isDue(frame) ? this.#next : undefined;
    if (due) this.#next = undefined;
    return due;
  }

  isDue(frame: number): boolean {
    return this.#next !== undefined && this.#next.frame <= frame;
  }

  /** Drops the pending refresh: a new document has its own. */
  clear(): void {
    this.#next = undefined;
  }
}
