import type { Control } from './control.js';
import type { WorkerLink, WorkerReply, WorkerRequest, Workers } from './workerTypes.js';

/**
 * Keeps workers in step with the context that has started them: the context asks each worker to advance to its own
 * time, and dispatches their messages in a fixed order, each in a task of its own. A message takes no virtual time in
 * either direction.
 */
export function installWorkers(control: Control): void {
  const links = new Set<WorkerLink>();
  /** Canvas pictures drawn by workers of this worker, to be forwarded to its parent. */
  const forwarded = new Map<number, ImageBitmap>();
  const unstarted: string[] = [];
  /** Errors of workers, which the page may handle when they are dispatched. */
  const errors: Event[] = [];

  const workers: Workers = {
    connect: (address, isShared, deliver) => {
      const { port1, port2 } = new MessageChannel();
      const link: WorkerLink = {
        address,
        isShared,
        port: port1,
        sent: 0,
        answered: -1,
        arrived: 0,
        announced: 0,
        inbox: [],
        deliver,
        due: Infinity,
        awaitsFrame: false,
        blocked: false,
        open: true,
        drawsCanvases: false,
        hasChanged: false,
        madeProgress: false,
        wake: () => {},
        isAsked: false,
      };
      links.add(link);
      port1.onmessage = ({ data }: MessageEvent<WorkerReply>) => workers.handleReply(link, data);
      return [link, port2];
    },
    handleReply: (link, data) => {
      if (data.closed) link.open = false;
      link.announced = data.sent;
      link.blocked = data.blocked ?? false;
      if (data.blocked === undefined) {
        link.due = data.due;
        link.awaitsFrame = data.awaitsFrame;
        link.isAsked = false;
        link.madeProgress = data.madeProgress ?? false;
        if (data.active) control.active = true;
      }
      for (const [id, picture] of data.pictures ?? []) {
        control.canvases?.show(id, picture);
        forwarded.set(id, picture);
      }
      unstarted.push(...(data.unstartedWorkers ?? []));
      link.wake();
    },
    handleMessage: (link, message) => {
      link.arrived++;
      if (message) link.inbox.push(message);
      link.wake();
    },
    handleError: (link, event) => {
      if (event instanceof ErrorEvent) {
        errors.push(event);
        workers.handleMessage(link);
      } else if (link.answered < 0) {
        drop(link);
        if (control.config.allowMissingAssets) return;
        reportError(new Error(`the script of a worker did not load: ${link.address}`));
      }
    },
    handleTermination: (link) => {
      if (link.open && link.answered < 0 && link.arrived === 0) {
        const base = typeof document === 'undefined' ? location.href : document.baseURI;
        unstarted.push(new URL(link.address, base).href);
      }
      drop(link);
    },
  };
  control.workers = workers;

  function drop(link: WorkerLink): void {
    link.open = false;
    link.announced = link.arrived;
    links.delete(link);
    link.wake();
  }

  /** Advances a worker to the present time. Resolves when its reply and everything it has sent have arrived. */
  async function ask(
    link: WorkerLink,
    options: { callbacks?: boolean; pictures?: boolean; nudged?: boolean } = {},
  ): Promise<void> {
    const { sent } = link;
    if (!link.isAsked) {
      const request: WorkerRequest = {
        now: control.now,
        frame: control.frame,
        started: control.started,
        sent,
        callbacks: options.callbacks ?? false,
        nudged: options.nudged ?? false,
        pictures: options.pictures ?? false,
      };
      link.isAsked = true;
      link.hasChanged = !options.pictures;
      control.realPost.call(link.port, request);
    }
    while (!link.blocked && !((!link.open || !link.isAsked) && link.arrived >= link.announced)) {
      await new Promise<void>((resolve) => (link.wake = resolve));
    }
    link.answered = sent;
  }

  /** Asks several workers: shared ones one after the other, all others at the same time. */
  async function askAll(targets: readonly WorkerLink[], options: Parameters<typeof ask>[1] = {}): Promise<void> {
    const inTurn = async () => {
      for (const each of targets) if (each.isShared) await ask(each, options);
    };
    await Promise.all([inTurn(), ...targets.map((each) => (each.isShared ? undefined : ask(each, options)))]);
  }

  const openLinks = () => [...links].filter(({ open }) => open);

  control.exchanges.add(async () => {
    if (links.size === 0) return false;
    let busy = false;
    // After a message through a port, which may lead to any worker, all are asked.
    const everyone = control.active;
    control.wasActive ||= everyone;
    const targets = openLinks().filter((each) => (everyone || each.answered < each.sent) && !each.blocked);
    if (targets.length > 0) {
      control.active = false;
      await askAll(targets);
      busy = true;
    }
    for (const each of [...links]) {
      if (!each.open) links.delete(each);
      for (const message of each.inbox.splice(0)) {
        busy = true;
        await control.inTask(() => each.deliver(message));
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
    await askAll(openLinks().filter(({ due, blocked }) => due <= until && !blocked));
    await control.exchange();
  };
  control.runWorkerFrames = async () => {
    const waiting = openLinks().filter(({ awaitsFrame, blocked }) => awaitsFrame && !blocked);
    await askAll(waiting, { callbacks: true });
  };
  control.nudgeWorkers = async () => {
    const targets = openLinks().filter(({ blocked }) => !blocked);
    await askAll(targets, { nudged: true });
    return targets.some(({ madeProgress }) => madeProgress);
  };
  control.showCanvases = async () => {
    control.canvases?.showOwn();
    const drawing = openLinks().filter(
      ({ drawsCanvases, hasChanged, blocked }) => drawsCanvases && hasChanged && !blocked,
    );
    await askAll(drawing, { pictures: true });
  };
  control.hasFailed = () => errors.splice(0).some(({ defaultPrevented }) => !defaultPrevented);
  control.takeForwardedPictures = () => {
    const pictures = [...forwarded];
    forwarded.clear();
    return pictures;
  };
  control.takeUnstartedWorkers = () => unstarted.splice(0);
  const awaitsFrame = control.awaitsFrame;
  control.awaitsFrame = () => awaitsFrame() || openLinks().some((each) => each.awaitsFrame);
}
