import type { Control } from './control.js';

/**
 * Several pictures with one address are one request, of whose end the browser tells them in an order of its own. Here
 * those in the document come first, as they stand there, then the others as they were given the address.
 */
export function installPictureEvents(control: Control): void {
  interface Group {
    address: string;
    /** Those who have yet to be told, in order. */
    queue: HTMLImageElement[];
    type: string;
  }
  const listen = EventTarget.prototype.addEventListener;
  /** Pictures that scripts have given an address and that have not been told, in order. */
  const assigned = new Set<HTMLImageElement>();
  const notified = new WeakMap<HTMLImageElement, string>();
  /** Of those whose own event has not come: it is told to whoever is next. */
  const groups = new WeakMap<HTMLImageElement, Group>();
  const seen = new WeakSet<Event>();
  const listenedTo = new WeakSet<HTMLImageElement>();

  function markNotified(image: HTMLImageElement): void {
    assigned.delete(image);
    notified.set(image, image.currentSrc);
  }

  function dispatchNext({ queue, type }: Group): void {
    const next = queue.shift();
    if (!next) return;
    markNotified(next);
    next.dispatchEvent(new Event(type));
  }

  /** All have come by the time that the first one is told. */
  function makeGroup(image: HTMLImageElement, type: string): Group | undefined {
    const address = image.currentSrc;
    const isOfIt = (other: HTMLImageElement) =>
      other.currentSrc === address && other.complete && notified.get(other) !== address && !groups.has(other);
    const inside = [...control.roots()].flatMap((root) => [...root.querySelectorAll('img')].filter(isOfIt));
    const outside = [...assigned].filter((other) => !other.isConnected && isOfIt(other));
    const queue = [...inside, ...outside];
    if (queue.length < 2 || !queue.includes(image)) return undefined;
    const made = { address, queue, type };
    for (const each of queue) groups.set(each, made);
    // Whatever becomes of their own events: each is told.
    const rest = control.afterAll().then(() => {
      while (queue.length > 0) dispatchNext(made);
    });
    control.letEnd(rest);
    return made;
  }

  function onEvent(event: Event): void {
    const { target, type } = event;
    if (!event.isTrusted || !(target instanceof HTMLImageElement) || seen.has(event)) return;
    seen.add(event);
    const known = groups.get(target);
    const own = known?.address === target.currentSrc ? known : makeGroup(target, type);
    groups.delete(target);
    if (!own || own.queue[0] === target) {
      own?.queue.shift();
      markNotified(target);
      return;
    }
    event.stopImmediatePropagation();
    dispatchNext(own);
  }

  function listenOn(root: EventTarget): void {
    for (const type of ['load', 'error']) listen.call(root, type, onEvent, true);
  }
  listenOn(document);
  control.onRoot(listenOn);

  for (const name of ['src', 'srcset']) {
    const own = Object.getOwnPropertyDescriptor(HTMLImageElement.prototype, name)!;
    Object.defineProperty(HTMLImageElement.prototype, name, {
      ...own,
      set(this: HTMLImageElement, value: string) {
        const known = groups.get(this);
        groups.delete(this);
        // The browser drops its own event, which another one may need.
        if (known?.queue.includes(this)) known.queue.splice(known.queue.indexOf(this), 1);
        else if (known) void control.inTask(() => dispatchNext(known));
        notified.delete(this);
        assigned.delete(this);
        assigned.add(this);
        if (!listenedTo.has(this)) listenOn(this);
        listenedTo.add(this);
        own.set!.call(this, value);
      },
    });
  }
}
