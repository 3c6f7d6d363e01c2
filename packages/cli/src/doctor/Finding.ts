/** One thing that `genlock doctor` has looked at. */
export interface Finding {
  name: string;
  /** `note`: renders work without it, but perhaps not as well. */
  status: 'ok' | 'note' | 'lacking';
  /** What was found, for people. */
  text: string;
  /** What to do, when something should be done. */
  advice?: string;
  /** The same for programs. */
  data?: Record<string, unknown>;
}
