/** One item that `genlock doctor` has checked. */
export interface Finding {
  name: string;
  /** `note`: renders work, but perhaps not as well as they could. */
  status: 'ok' | 'note' | 'lacking';
  /** What was found, for people. */
  text: string;
  /** What to do, if anything. */
  advice?: string;
  /** What was found, for programs. */
  data?: Record<string, unknown>;
}
