import type { Protocol } from 'puppeteer-core';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { BrowserSession } from './BrowserSession.js';

type Parameters = Omit<Protocol.HeadlessExperimental.BeginFrameRequest, 'frameTimeTicks' | 'interval'>;

/** The ticks of issued frames must lie ahead of the page's own time origin, or nothing is ever drawn. */
const FIRST_TICK = 1e9;

/** Issues the frames of a browser with begin-frame control, each at a tick of its own: the page's time is not theirs. */
export class FrameIssuer {
  #tick = FIRST_TICK;

  constructor(
    readonly session: BrowserSession,
    readonly scope: JobScope,
  ) {}

  /** Issues the next frame, `interval` milliseconds after the one before it. */
  issue(
    interval: number,
    parameters: Parameters,
    deadlineMs: number,
  ): Promise<Protocol.HeadlessExperimental.BeginFrameResponse> {
    this.#tick += interval;
    return this.scope.wait(
      this.session.send('HeadlessExperimental.beginFrame', { frameTimeTicks: this.#tick, interval, ...parameters }),
      deadlineMs,
      'the browser to draw a frame',
    );
  }
}
