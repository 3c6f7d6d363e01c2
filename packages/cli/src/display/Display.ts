import type { RenderEvent, RenderPlan } from '@genlock/renderer';

/** Shows a render while it runs: on a terminal, in a log, as JSON for programs, or not at all. */
export interface Display {
  /** Called before the first event. `opening` is a line that describes the work if it is not a render. */
  begin(plan: RenderPlan, opening?: string): void;
  event(event: RenderEvent): void;
  /** Restores the terminal. May be called more than once. */
  end(): void;
}

/** How messages are shown. */
export interface DisplayOptions {
  /** Whether to show the page's whole console, phases and processes too. */
  verbose: boolean;
  /** Applied to text before it is made safe to print. */
  wording: (text: string) => string;
}
