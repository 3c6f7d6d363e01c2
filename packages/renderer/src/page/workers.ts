import type { Control } from './control.js';

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
  urged: boolean;
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
  went?: boolean;
  /** The worker waits in `Atomics.wait`, or goes on after it. */
  blocked?: boolean;
  /** It has closed itself. */
  closed?: boolean;
  pictures?: [id: number, picture: ImageBitmap][];
  /** As in an outcome: of its own workers. */
  unbegun?: string[];
}

/**
 * Workers are in step with the context that has started them: it asks each one to come to its own
 * time, and hands out what they send in a fixed order, each message in a task of its own. A message
 * takes no virtual time in either direction.
 */
export function installWorkers(control: Control): void {
  if (typeof Worker === 'undefined') return;
  interface Link {
    worker: Worker;
    address: string;
    port: MessagePort;
    /** Messages to the worker; and how many of them it had when it last answered. */
    sent: number;
    answered: number;
    /** Messages and errors from the worker that have come, and that it said it has sent. */
    arrived: number;
    theirs: number;
    inbox: MessageEvent[];
    due: number;
    awaitsFrame: boolean;
    blocked: boolean;
    open: boolean;
    /** It, or a worker of its own, draws canvases of the page; and it has done something since they were shown. */
    draws: boolean;
    stirred: boolean;
    went: boolean;
    /** Looks again whether what is waited for has come. */
    wake: () => void;
    asked: boolean;
  }
  const KEY = 'genlock.control';
  const links = new Set<Link>();
  /** Pictures that the workers of a worker have drawn, on their way up. */
  const passedOn = new Map<number, ImageBitmap>();
  const byWorker = new WeakMap<Worker, Link>();
  const unbegun: string[] = [];
  /** Errors of workers, which the page may handle while they are told to it. */
  const errors: Event[] = [];
  const RealWorker = Worker;

  const { terminate } = RealWorker.prototype;

  const postMessage = RealWorker.prototype.postMessage as (this: Worker, ...args: unknown[]) => void;

  function link(worker: Worker, address: string): void {
    const { port1, port2 } = new MessageChannel();
    const made: Link = {
      worker,
      address,
      port: port1,
      sent: 0,
      answered: -1,
      arrived: 0,
      theirs: 0,
      inbox: [],
      due: Infinity,
      awaitsFrame: false,
      blocked: false,
      open: true,
      draws: false,
      stirred: false,
      went: false,
      wake: () => {},
      asked: false,
    };
    links.add(made);
    byWorker.set(worker, made);
    const hear = (data: WorkerReply) => {
      if (data.closed) made.open = false;
      made.theirs = data.sent;
      made.blocked = data.blocked ?? false;
      if (data.blocked === undefined) {
        made.due = data.due;
        made.awaitsFrame = data.awaitsFrame;
        made.asked = false;
        made.went = data.went ?? false;
        if (data.active) control.active = true;
      }
      for (const [id, picture] of data.pictures ?? []) {
        control.canvases?.show(id, picture);
        passedOn.set(id, picture);
      }
      unbegun.push(...(data.unbegun ?? []));
      made.wake();
    };
    port1.onmessage = ({ data }: MessageEvent<WorkerReply>) => hear(data);
    const arrive = (event: MessageEvent) => {
      if (!event.isTrusted) return;
      event.stopImmediatePropagation();
      const data: unknown = event.data;
      // What it says while it begins: it has no port yet.
      if (typeof data === 'object' && data !== null && KEY in data) hear(data[KEY] as WorkerReply);
      else {
        made.arrived++;
        made.inbox.push(event);
      }
      made.wake();
    };
    worker.addEventListener('message', arrive);
    worker.addEventListener('messageerror', () => {
      made.arrived++;
      made.wake();
    });
    worker.addEventListener('error', (event) => {
      if (event instanceof ErrorEvent && event.isTrusted) {
        made.arrived++;
        errors.push(event);
        made.wake();
      }
      // Without a message it is the script that did not load.
      if (made.answered >= 0 || event instanceof ErrorEvent) return;
      drop(made);
      if (!control.config.allowMissingAssets) reportError(new Error(`the script of a worker did not load: ${address}`));
    });
    postMessage.call(worker, KEY, [port2]);
  }

  function drop(gone: Link): void {
    gone.open = false;
    gone.theirs = gone.arrived;
    links.delete(gone);
    gone.wake();
  }

  /** Brings a worker to the present time. Resolves when it, and all that it has sent, has come. */
  async function ask(of: Link, what: { callbacks?: boolean; pictures?: boolean; urged?: boolean } = {}): Promise<void> {
    const { sent } = of;
    if (!of.asked) {
      const request: WorkerRequest = {
        now: control.now,
        frame: control.frame,
        started: control.started,
        sent,
        callbacks: what.callbacks ?? false,
        urged: what.urged ?? false,
        pictures: what.pictures ?? false,
      };
      of.asked = true;
      of.stirred = !what.pictures;
      control.realPost.call(of.port, request);
    }
    while (!of.blocked && !((!of.open || !of.asked) && of.arrived >= of.theirs)) {
      await new Promise<void>((resolve) => (of.wake = resolve));
    }
    of.answered = sent;
  }

  const living = () => [...links].filter(({ open }) => open);

  control.exchanges.add(async () => {
    if (links.size === 0) return false;
    let busy = false;
    // A port may lead to any worker: then all are asked.
    const everyone = control.active;
    const called = living().filter((each) => (everyone || each.answered < each.sent) && !each.blocked);
    if (called.length > 0) {
      control.active = false;
      await Promise.all(called.map((each) => ask(each)));
      busy = true;
    }
    for (const each of [...links]) {
      const { worker, inbox } = each;
      if (!each.open) links.delete(each);
      for (const message of inbox.splice(0)) {
        const { ports, lastEventId, origin } = message;
        const data: unknown = message.data;
        busy = true;
        await control.inTask(() => {
          worker.dispatchEvent(new MessageEvent('message', { data, ports: [...ports], lastEventId, origin }));
        });
      }
    }
    return busy;
  });

  control.nextWorkerDue = () => {
    let due = Infinity;
    for (const each of links) if (each.open && !each.blocked) due = Math.min(due, each.due);
    return due;
  };
  control.runWorkerTimers = async (until) => {
    await Promise.all(
      living()
        .filter(({ due, blocked }) => due <= until && !blocked)
        .map((each) => ask(each)),
    );
    await control.exchange();
  };
  control.runWorkerFrames = async () => {
    const waiting = living().filter(({ awaitsFrame, blocked }) => awaitsFrame && !blocked);
    await Promise.all(waiting.map((each) => ask(each, { callbacks: true })));
  };
  control.urgeWorkers = async () => {
    const called = living().filter(({ blocked }) => !blocked);
    await Promise.all(called.map((each) => ask(each, { urged: true })));
    return called.some(({ went }) => went);
  };
  control.showCanvases = async () => {
    control.canvases?.showOwn();
    const drawing = living().filter(({ draws, stirred, blocked }) => draws && stirred && !blocked);
    await Promise.all(drawing.map((each) => ask(each, { pictures: true })));
  };
  control.hasFailed = () => errors.splice(0).some(({ defaultPrevented }) => !defaultPrevented);
  control.takePassedOn = () => {
    const pictures = [...passedOn];
    passedOn.clear();
    return pictures;
  };
  control.takeUnbegun = () => unbegun.splice(0);
  const awaitsFrame = control.awaitsFrame;
  control.awaitsFrame = () => awaitsFrame() || living().some((each) => each.awaitsFrame);

  const VirtualWorker = function (this: unknown, ...args: unknown[]) {
    if (!new.target) return (RealWorker as unknown as (...values: unknown[]) => Worker)(...args);
    const [url, options] = args as [unknown, WorkerOptions | null | undefined];
    const { type, credentials, name = '' } = options ?? {};
    const named = { type, credentials, name: `genlock ${control.nextSeed()} ${name}` };
    // The browser knows how to refuse.
    const isOption = args.length > 0 && (options === undefined || typeof options === 'object');
    const worker = Reflect.construct(RealWorker, isOption ? [url, named] : args, new.target) as Worker;
    link(worker, String(args[0]));
    return worker;
  } as unknown as typeof Worker;
  Object.defineProperty(VirtualWorker, 'name', { value: 'Worker' });
  Object.defineProperty(VirtualWorker, 'length', { value: 1 });
  Object.defineProperty(VirtualWorker, 'prototype', { value: RealWorker.prototype, writable: false });
  Object.defineProperty(RealWorker.prototype, 'constructor', {
    value: VirtualWorker,
    writable: true,
    configurable: true,
  });
  Object.defineProperty(globalThis, 'Worker', { value: VirtualWorker, writable: true, configurable: true });
  RealWorker.prototype.postMessage = function (this: Worker, ...args: unknown[]) {
    const to = byWorker.get(this);
    const [message, options] = args as [unknown, Transferable[] | StructuredSerializeOptions | undefined];
    const transfer = (Array.isArray(options) ? options : options?.transfer) ?? [];
    const canvases = to && transfer.length > 0 ? (control.canvases?.give(message, transfer) ?? []) : [];
    if (to && canvases.length > 0) {
      to.draws = true;
      control.realPost.call(to.port, { message: to.sent, canvases } satisfies CanvasNote);
    }
    postMessage.apply(this, args);
    if (to) to.sent++;
  };
  RealWorker.prototype.terminate = function () {
    terminate.call(this);
    const gone = byWorker.get(this);
    if (!gone) return;
    if (gone.open && gone.answered < 0 && gone.arrived === 0) {
      const base = typeof document === 'undefined' ? location.href : document.baseURI;
      unbegun.push(new URL(gone.address, base).href);
    }
    drop(gone);
  };
}
