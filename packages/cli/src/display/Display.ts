import type { RenderEvent, RenderPlan } from '@genlock/renderer';

/** Shows a render while it runs. One for a terminal, one for a log, one for a program, one for silence. */
export interface Display {
  /** Before the first event. `opening` says in a line what is done, when it is not a render. */
  begin(plan: RenderPlan, opening?: string): void;
  event(event: RenderEvent): void;
  /** Leaves the terminal as it was. Harmless when repeated. */
  end(): void;
}

/** How things are told. */
export interface Telling {
  /** The page's whole console, phases and processes too. */
  verbose: boolean;
  /** What is done to text before it is made harmless and shown. */
  wording: (text: string) => string;
}
