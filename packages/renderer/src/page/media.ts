/** What the page knows of the playing of one element. */
export interface Playback {
  paused: boolean;
  /** Where it was, in seconds, at virtual time `at` in milliseconds. */
  position: number;
  at: number;
  /** What a video was last made to show, in seconds. */
  shown: number | undefined;
  showing: Promise<void> | undefined;
  /** Whether the page has put it elsewhere, and is to be told when it is there. */
  seeking: boolean;
  /** Whether `autoplay` may still start it. */
  autoplays: boolean;
  /** Where it pauses by itself: the end of a media fragment, in seconds. */
  stopAt: number | undefined;
  /** The timer for its end. */
  timer: number | undefined;
  /** Virtual time at which the page was last told where it is, in milliseconds. */
  lastTimeUpdate: number;
  /** The first events of those that tell that there is data. */
  ready: Map<string, Event>;
  /** Counts the sources it has had. */
  source: number;
  /** Promises of `play()`, settled when it plays. */
  starting: { resolve: () => void; reject: (error: Error) => void }[] | undefined;
}

/** What the properties and methods of the elements are made of. */
export interface Media {
  /** Whether it shows a live stream, which has no time that could be sought: it is left alone. */
  isLive(element: HTMLMediaElement): boolean;
  /** What is known of an element, which is taken over with the first call. */
  playbackOf(element: HTMLMediaElement): Playback;
  /** Present time in the element, in seconds. */
  timeOf(element: HTMLMediaElement, playback: Playback): number;
  atEnd(element: HTMLMediaElement, playback: Playback): boolean;
  play(element: HTMLMediaElement): Promise<void>;
  pause(element: HTMLMediaElement): void;
  moveTo(element: HTMLMediaElement, playback: Playback, seconds: number): void;
  /** Forgets all of a source that is replaced. */
  reset(element: HTMLMediaElement): void;
  /** Counts from the present time on: to be called before the rate changes. */
  rebase(element: HTMLMediaElement, playback: Playback): void;
  /** Sets the timer for the end: to be called when the rate or the end has changed. */
  schedule(element: HTMLMediaElement, playback: Playback): void;
  /** Leaves the elements with this file as they are: its end is missing, and would be waited for. */
  giveUp(url: string): void;
  /** All elements that have no live stream. */
  elements(): HTMLMediaElement[];
  /** Called with each element that is taken over. */
  onAdopted(element: HTMLMediaElement): void;
}
