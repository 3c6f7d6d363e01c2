/** What a context asks of a worker that it has started, through a port that the page does not see. */
export interface WorkerRequest {
  /** The virtual time to go to: timers that are due by then run first. */
  now: number;
  frame: number;
  /** How many messages were sent to the worker so far: all have to arrive. */
  sent: number;
  /** Runs the frame callbacks too. */
  callbacks: boolean;
  started: boolean;
  /** Is to be urged first: somebody waits for it while the clock stands still. */
  nudged: boolean;
  /** Sends what is on the canvases of the page that it draws. */
  pictures: boolean;
}

/** Comes before the message with this number, which gives the worker canvases of the page to draw. */
export interface CanvasNote {
  message: number;
  canvases: (number | undefined)[];
}

/** What a worker answers when it has nothing more to do at that time. */
export interface WorkerReply {
  /** How many messages, and errors that it did not handle, it has sent so far. */
  sent: number;
  /** When its next timer is due. */
  due: number;
  awaitsFrame: boolean;
  active: boolean;
  /** Urged, it had something that was held back. */
  madeProgress?: boolean;
  /** The worker waits in `Atomics.wait`, or goes on after it. */
  blocked?: boolean;
  /** It has closed itself. */
  closed?: boolean;
  pictures?: [id: number, picture: ImageBitmap][];
  /** As in an outcome: of its own workers. */
  unstartedWorkers?: string[];
}

/** A worker that a context talks to, and how far that has come. */
export interface WorkerLink {
  readonly address: string;
  /** One at a time, as they may lead to the same worker. */
  readonly isShared: boolean;
  port: MessagePort;
  /** Messages to the worker; and how many of them it had when it last answered. */
  sent: number;
  answered: number;
  /** Messages and errors from the worker that have come, and that it said it has sent. */
  arrived: number;
  announced: number;
  inbox: MessageEvent[];
  /** Gives the page a message that has come. */
  deliver(message: MessageEvent): void;
  due: number;
  awaitsFrame: boolean;
  blocked: boolean;
  open: boolean;
  /** It, or a worker of its own, draws canvases of the page; and it has done something since they were shown. */
  drawsCanvases: boolean;
  hasChanged: boolean;
  madeProgress: boolean;
  /** Looks again whether what is waited for has come. */
  wake: () => void;
  isAsked: boolean;
}

/** The workers of a context. */
export interface Workers {
  /** Keeps a worker in step: it has to get the port. */
  connect(address: string, isShared: boolean, deliver: (message: MessageEvent) => void): [WorkerLink, MessagePort];
  /** Takes note of what a worker says of itself. */
  handleReply(link: WorkerLink, reply: WorkerReply): void;
  /** Takes note of a message that has come, or of what stands for one. */
  handleMessage(link: WorkerLink, message?: MessageEvent): void;
  /** Takes note of an error of the worker, which the page may handle; without a message its script has not loaded. */
  handleError(link: WorkerLink, event: Event): void;
  /** The page has ended it. */
  handleTermination(link: WorkerLink): void;
}
