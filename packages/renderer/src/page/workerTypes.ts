/** A request to a worker from the context that started it, through a port that the page does not see. */
export interface WorkerRequest {
  /** The virtual time to advance to, in milliseconds. Timers due by then run first. */
  now: number;
  frame: number;
  /** How many messages have been sent to the worker so far; all must arrive before it answers. */
  sent: number;
  /** Whether to run frame callbacks too. */
  callbacks: boolean;
  started: boolean;
  /** Whether to nudge the worker first: the page's promise, which stops the clock, may depend on it. */
  nudged: boolean;
  /** Whether to send the content of the page's canvases that the worker draws. */
  pictures: boolean;
}

/** Sent ahead of the message with this number, which transfers canvases of the page to the worker. */
export interface CanvasNote {
  message: number;
  canvases: (number | undefined)[];
}

/** A worker's reply when it has nothing more to do at the requested time. */
export interface WorkerReply {
  /** How many messages and unhandled errors the worker has sent so far. */
  sent: number;
  /** The virtual time at which its next timer is due; Infinity if it has none. */
  due: number;
  /** Whether a frame callback is waiting. */
  awaitsFrame: boolean;
  /** Whether it may have sent a message to another context. */
  active: boolean;
  /** Whether nudging it has released anything. */
  madeProgress?: boolean;
  /** Set only when the worker enters `Atomics.wait` (true) or leaves it (false). */
  blocked?: boolean;
  /** The worker has closed itself. */
  closed?: boolean;
  pictures?: [id: number, picture: ImageBitmap][];
  /** As in `Outcome`, for its own workers. */
  unstartedWorkers?: string[];
}

/** The state of the communication with a worker. */
export interface WorkerLink {
  readonly address: string;
  /** Shared workers are asked one at a time, since several links may lead to the same worker. */
  readonly isShared: boolean;
  port: MessagePort;
  /** How many messages have been sent to the worker, and how many it had received when it last answered. */
  sent: number;
  answered: number;
  /** How many messages and errors have arrived from the worker, and how many it has announced. */
  arrived: number;
  announced: number;
  inbox: MessageEvent[];
  /** Dispatches a received message to the page. */
  deliver(message: MessageEvent): void;
  due: number;
  awaitsFrame: boolean;
  blocked: boolean;
  open: boolean;
  /**
   * Whether it, or a worker of its own, draws canvases of the page; and whether it has run since they were last shown.
   */
  drawsCanvases: boolean;
  hasChanged: boolean;
  madeProgress: boolean;
  /** Checks again whether everything awaited has arrived. */
  wake: () => void;
  /** Whether a request has been sent that it has not answered. */
  isAsked: boolean;
}

/** The workers of a context. */
export interface Workers {
  /** Starts to keep a worker in step. The returned port must be sent to the worker. */
  connect(address: string, isShared: boolean, deliver: (message: MessageEvent) => void): [WorkerLink, MessagePort];
  /** Handles a worker's reply. */
  handleReply(link: WorkerLink, reply: WorkerReply): void;
  /** Handles a message from a worker. Without `message`, one has arrived that cannot be dispatched. */
  handleMessage(link: WorkerLink, message?: MessageEvent): void;
  /**
   * Handles an error event of a worker: an `ErrorEvent`, which the page may handle, or an `Event` if its script failed
   * to load.
   */
  handleError(link: WorkerLink, event: Event): void;
  /** Handles the termination of a worker by the page. */
  handleTermination(link: WorkerLink): void;
}
