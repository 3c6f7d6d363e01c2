/** The virtual playback of one media element. */
export interface Playback {
  paused: boolean;
  /** The playback position, in seconds, at virtual time `at`, in milliseconds. */
  position: number;
  at: number;
  /** The position that a video was last made to show, in seconds. */
  shown: number | undefined;
  /** Settles when the video shows a position that it is being moved to. */
  showing: Promise<void> | undefined;
  /** Whether the page has set a position and still has to get the event `seeked`. */
  seeking: boolean;
  /** Whether `autoplay` may still start it. */
  autoplays: boolean;
  /** The end of a media fragment, where playback pauses, in seconds. */
  stopAt: number | undefined;
  /** The timer for the end of playback. */
  timer: number | undefined;
  /** Virtual time of the last `timeupdate` during playback, in milliseconds. */
  lastTimeUpdate: number;
  /** The first event of each type that reports available data. */
  ready: Map<string, Event>;
  /** Counts the sources that the element has had. */
  source: number;
  /** Promises returned by `play()`, to be settled when playback starts. */
  starting: { resolve: () => void; reject: (error: Error) => void }[] | undefined;
}

/** The operations behind the properties and methods of media elements. */
export interface Media {
  /** Whether the element plays a live stream, which cannot be sought and is left alone. */
  isLive(element: HTMLMediaElement): boolean;
  /** The playback of an element. The first call takes the element over. */
  playbackOf(element: HTMLMediaElement): Playback;
  /** The present playback position, in seconds. */
  timeOf(element: HTMLMediaElement, playback: Playback): number;
  atEnd(element: HTMLMediaElement, playback: Playback): boolean;
  play(element: HTMLMediaElement): Promise<void>;
  pause(element: HTMLMediaElement): void;
  moveTo(element: HTMLMediaElement, playback: Playback, seconds: number): void;
  /** Resets the playback for a new source. */
  reset(element: HTMLMediaElement): void;
  /** Restarts the count from the present position. To be called before the rate changes. */
  rebase(element: HTMLMediaElement, playback: Playback): void;
  /** Sets the timer for the end of playback. To be called after the rate or the end has changed. */
  schedule(element: HTMLMediaElement, playback: Playback): void;
  /** Stops waiting for elements with this file, whose end is missing, and leaves them as they are. */
  giveUp(url: string): void;
  /** All media elements without a live stream. */
  elements(): HTMLMediaElement[];
  /** Called when an element is taken over. */
  onAdopted(element: HTMLMediaElement): void;
}
