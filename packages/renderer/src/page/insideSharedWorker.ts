import type { Control } from './control.js';
import type { WorkerReply, WorkerRequest } from './workerTypes.js';

/**
 * The clock inside a shared worker, which belongs to no document. As long as it has a single connection, it keeps in
 * step with that document, like a dedicated worker. Once it has had several, the renderer advances it, before the
 * documents: it then gets the messages of each document in order, and answers each document when that asks.
 */
export function installInsideSharedWorker(control: Control): void {
  const { num, den } = control.config.fps;
  const scope = globalThis as unknown as EventTarget & { close: () => void };
  interface Connection {
    port: MessagePort | undefined;
    sent: number;
    arrived: number;
    /** Functions that dispatch the messages received, run one by one when this connection asks. */
    inbox: (() => void)[];
    wake: () => void;
  }
  const connections = new Set<Connection>();
  /** The connection whose request is being answered. */
  let asker: Connection | undefined;
  const hasOneConnection = () => connections.size === 1;

  scope.addEventListener('connect', (given) => {
    const event = given as MessageEvent;
    if (!event.isTrusted) return;
    event.stopImmediatePropagation();
    const real = event.ports[0]!;
    const connection: Connection = { port: undefined, sent: 0, arrived: 0, inbox: [], wake: () => {} };
    connections.add(connection);
    const { replacement, deliver } = control.splitPort(real, () => {
      connection.sent++;
      // The document at this connection must learn of the message, although it has not asked.
      if (connection !== asker) control.active = true;
    });
    connection.inbox.push(() => {
      scope.dispatchEvent(new MessageEvent('connect', { data: '', ports: [replacement], source: replacement }));
    });
    const receive = (message?: MessageEvent) => {
      connection.arrived++;
      if (message) connection.inbox.push(() => deliver(message));
      connection.wake();
    };
    real.onmessageerror = () => receive();
    real.onmessage = (message) => {
      if (connection.port) {
        receive(message);
        return;
      }
      connection.port = message.ports[0]!;
      connection.port.onmessage = ({ data }: MessageEvent<WorkerRequest>) => void answer(connection, data);
    };
  });

  control.exchanges.add(async () => {
    const actions = asker?.inbox.splice(0) ?? [];
    for (const act of actions) await control.inTask(act);
    return actions.length > 0;
  });

  const sendReply = (connection: Connection, more: Partial<WorkerReply>) => {
    const reply: WorkerReply = {
      sent: connection.sent,
      due: hasOneConnection() ? control.nextDue() : Infinity,
      awaitsFrame: false,
      active: control.takeActive(),
      unstartedWorkers: control.takeUnstartedWorkers(),
      ...more,
    };
    if (connection.port) control.realPost.call(connection.port, reply);
  };

  let turn = Promise.resolve();
  async function answer(connection: Connection, request: WorkerRequest): Promise<void> {
    while (connection.arrived < request.sent) await new Promise<void>((resolve) => (connection.wake = resolve));
    await (turn = turn.then(async () => {
      control.frame = request.frame;
      control.started = request.started;
      if (hasOneConnection()) await control.runTimers(request.now);
      control.now = Math.max(control.now, request.now);
      const madeProgress = request.nudged && hasOneConnection() && (await control.nudge());
      asker = connection;
      await control.untilIdle();
      asker = undefined;
      sendReply(connection, { madeProgress });
    }));
  }

  const realClose = scope.close.bind(scope);
  scope.close = () => {
    for (const connection of connections) sendReply(connection, { closed: true });
    realClose();
  };

  control.settle = async (_frame, _releasesPostponed, isNudged = false) => {
    if (isNudged && !hasOneConnection()) await control.nudge();
    await control.untilIdle();
    return { settleAgain: control.takeActive(), hasObservers: false, observerCalls: 0 };
  };

  control.step = async (frame) => {
    if (hasOneConnection()) return control.settle();
    control.started = true;
    await control.runTimers((frame * den * 1000) / num);
    control.frame = frame;
    control.now = (frame * den * 1000) / num;
    return control.settle();
  };
}
