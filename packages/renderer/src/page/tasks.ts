import type { Control } from './control.js';

/**
 * Tasks and messages take no virtual time: what a frame starts through `scheduler.postTask`, `scheduler.yield` or a
 * `MessageChannel` (as React does) happens within the same frame.
 */
export function installTasks(control: Control): void {
  installScheduler();
  installPorts();

  function installScheduler(): void {
    const { Scheduler } = globalThis as unknown as { Scheduler?: { prototype: Record<string, unknown> } };
    if (!Scheduler) return;
    const { prototype } = Scheduler;
    interface Task {
      /** Tasks of lower rank run first: user-blocking, user-visible, background; a continuation before its equals. */
      rank: () => number;
      run: () => void;
    }
    interface TaskOptions {
      signal?: AbortSignal & { priority?: string };
      priority?: string;
      delay?: number;
    }
    const RANKS = ['user-blocking', 'user-visible', 'background'];
    const tasks = new Set<Task>();
    const rankOf = (priority: string | undefined) => RANKS.indexOf(priority ?? 'user-visible');

    control.exchanges.add(async () => {
      let ran = false;
      for (let size = tasks.size; size > 0; size--) {
        await control.inTask(() => {
          let first: Task | undefined;
          for (const task of tasks) if (!first || task.rank() < first.rank()) first = task;
          if (!first) return;
          tasks.delete(first);
          ran = true;
          first.run();
        });
      }
      return ran;
    });

    const realPostTask = prototype['postTask'] as (...args: unknown[]) => Promise<unknown>;
    const postTask = function (this: unknown, callback: () => unknown, options: TaskOptions = {}) {
      const { signal, priority, delay = 0 } = options;
      if (typeof callback !== 'function' || (priority !== undefined && rankOf(priority) < 0) || signal?.aborted) {
        return realPostTask.call(this, callback, options);
      }
      return new Promise((resolve, reject) => {
        const abort = () => {
          tasks.delete(task);

          reject(signal!.reason);
        };
        const task: Task = {
          rank: () => rankOf(priority ?? signal?.priority),
          run: () => {
            signal?.removeEventListener('abort', abort);
            try {
              resolve(callback());
            } catch (error) {
              reject(error);
            }
          },
        };
        signal?.addEventListener('abort', abort, { once: true });
        const add = () => {
          if (!signal?.aborted) tasks.add(task);
        };
        if (delay > 0) control.addTimer(add, delay);
        else add();
      });
    };
    const yieldNow = () =>
      new Promise<void>((resolve) => tasks.add({ rank: () => rankOf('user-visible') - 0.5, run: () => resolve() }));
    Object.defineProperty(prototype, 'postTask', { value: postTask, writable: true, configurable: true });
    if ('yield' in prototype)
      Object.defineProperty(prototype, 'yield', { value: yieldNow, writable: true, configurable: true });
  }

  /**
   * Counts messages through ports when they are sent and when they arrive. A message whose port leads to another
   * context, or has no listener, is awaited only for a few tasks.
   */
  function installPorts(): void {
    const PATIENCE = 3;
    /** How many messages one part of a moment has. The rest is postponed to the next: a page may send them forever. */
    const messageLimit = () => (control.started ? 100 : 2000);
    let sent = 0;
    let arrived = 0;
    let sentInPart = 0;
    let part = '';
    let postponed: (() => void)[] = [];

    function startPart(): void {
      if (part === control.partOfMoment()) return;
      part = control.partOfMoment();
      sentInPart = 0;
      const released = postponed;
      postponed = [];
      for (const send of released) send();
    }

    MessagePort.prototype.postMessage = function (this: MessagePort, message: unknown, options?: unknown) {
      const transfer = Array.isArray(options) ? options : (options as StructuredSerializeOptions | undefined)?.transfer;
      startPart();
      const send = (what: unknown, moved: Transferable[]) => {
        sent++;
        sentInPart++;
        control.active = true;
        control.realPost.call(this, what, moved);
      };
      if (sentInPart < messageLimit()) {
        send(message, (transfer ?? []) as Transferable[]);
        return;
      }
      const copy = structuredClone({ message, transfer }, { transfer: (transfer ?? []) as Transferable[] });
      control.notePostponed();
      postponed.push(() => send(copy.message, (copy.transfer ?? []) as Transferable[]));
    };

    const count = () => {
      arrived++;
    };
    const watch = (port: MessagePort) => {
      port.addEventListener('message', count);
      return port;
    };
    const RealChannel = MessageChannel;
    const VirtualChannel = function () {
      const channel = Reflect.construct(RealChannel, [], new.target ?? RealChannel) as MessageChannel;
      watch(channel.port1);
      watch(channel.port2);
      return channel;
    } as unknown as typeof MessageChannel;
    Object.defineProperty(VirtualChannel, 'name', { value: 'MessageChannel' });
    Object.defineProperty(VirtualChannel, 'prototype', { value: RealChannel.prototype, writable: false });
    Object.defineProperty(RealChannel.prototype, 'constructor', { value: VirtualChannel, configurable: true });
    Object.defineProperty(globalThis, 'MessageChannel', {
      value: VirtualChannel,
      writable: true,
      configurable: true,
    });

    control.exchanges.add(async () => {
      startPart();
      if (sent === arrived) return false;
      for (let waited = 0; waited < PATIENCE && sent !== arrived; waited++) {
        const before = sent + arrived;
        await control.inTask(() => {});
        if (sent + arrived !== before) waited = -1;
        if (sentInPart >= messageLimit()) break;
      }
      if (sent !== arrived && sentInPart < messageLimit()) sent = arrived;
      return true;
    });

    // A message from another document of the page: that document may depend on what the message changes here.
    if (typeof Window !== 'undefined') globalThis.addEventListener('message', () => (control.active = true));
  }
}
