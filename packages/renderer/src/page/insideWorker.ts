import type { Control } from './control.js';
import type { CanvasNote, WorkerReply, WorkerRequest } from './workerTypes.js';

/** The clock inside a dedicated worker, which keeps in step with the context that started the worker. */
export function installInsideWorker(control: Control): void {
  const scope = globalThis as unknown as EventTarget & {
    postMessage: (...args: unknown[]) => void;
    close: () => void;
  };
  let port: MessagePort | undefined;
  let sent = 0;
  let arrived = 0;
  let inbox: MessageEvent[] = [];
  let dispatched = 0;
  const canvasNotes = new Map<number, CanvasNote['canvases']>();
  let wake = () => {};

  const countArrival = () => {
    arrived++;
    wake();
  };
  scope.addEventListener('message', (given) => {
    const event = given as MessageEvent;
    if (!event.isTrusted) return;
    event.stopImmediatePropagation();
    if (!port) {
      port = event.ports[0]!;
      port.onmessage = ({ data }: MessageEvent<WorkerRequest | CanvasNote>) => {
        if ('canvases' in data) canvasNotes.set(data.message, data.canvases);
        else void answer(data);
      };
      return;
    }
    inbox.push(event);
    countArrival();
  });
  scope.addEventListener('messageerror', countArrival);

  /** Errors not handled here are sent to the context that started the worker, and count as messages. */
  const errors: Event[] = [];
  scope.addEventListener('error', (event) => event.isTrusted && errors.push(event));

  const sendReply = (more: Partial<WorkerReply> = {}, transfer: Transferable[] = []) => {
    const reply: WorkerReply = {
      sent: sent + errors.filter(({ defaultPrevented }) => !defaultPrevented).length,
      due: control.nextDue(),
      awaitsFrame: control.awaitsFrame(),
      active: control.takeActive(),
      unstartedWorkers: control.takeUnstartedWorkers(),
      ...more,
    };
    if (port) control.realPost.call(port, reply, transfer);
    else realPost({ 'genlock.control': reply });
  };

  /**
   * Whether timers are running up to the requested time. Messages received meanwhile belong to that time, so they wait.
   */
  let isRunningTimers = false;
  const dispatchInbox = async () => {
    if (isRunningTimers) return false;
    const messages = inbox;
    inbox = [];
    for (const message of messages) {
      const { ports, lastEventId, origin } = message;
      const data: unknown = message.data;
      const canvases = canvasNotes.get(dispatched);
      if (canvases) control.canvases?.adopt(data, canvases);
      canvasNotes.delete(dispatched++);
      await control.inTask(() => {
        scope.dispatchEvent(new MessageEvent('message', { data, ports: [...ports], lastEventId, origin }));
      });
    }
    return messages.length > 0;
  };
  control.exchanges.add(dispatchInbox);

  async function answer(request: WorkerRequest): Promise<void> {
    while (arrived < request.sent) await new Promise<void>((resolve) => (wake = resolve));
    control.frame = request.frame;
    control.started = request.started;
    isRunningTimers = true;
    await control.runTimers(request.now);
    isRunningTimers = false;
    control.now = Math.max(control.now, request.now);
    if (request.callbacks) {
      await control.runFrameCallbacks();
      await control.runWorkerFrames();
    }
    const madeProgress = request.nudged && (await control.nudge());
    await control.settle();
    if (!request.pictures) {
      sendReply({ madeProgress });
      return;
    }
    await control.showCanvases();
    const pictures = [...(await control.canvases!.pictures()), ...control.takeForwardedPictures()];
    sendReply(
      { pictures },
      pictures.map(([, picture]) => picture),
    );
  }

  control.settle = async () => {
    await control.untilIdle();
    return { settleAgain: false, hasObservers: false, observerCalls: 0 };
  };

  const realPost = scope.postMessage.bind(scope);
  const realClose = scope.close.bind(scope);
  scope.postMessage = (...args) => {
    realPost(...args);
    sent++;
  };
  scope.close = () => {
    sendReply({ closed: true });
    realClose();
  };

  // Nobody waits for a worker that is itself blocked until another worker, or the page, wakes it up.
  const realWait = Atomics.wait.bind(Atomics) as (...args: unknown[]) => 'ok' | 'not-equal' | 'timed-out';
  Atomics.wait = (...args: unknown[]) => {
    sendReply({ blocked: true });
    try {
      return realWait(...args);
    } finally {
      sendReply({ blocked: false });
    }
  };
}
