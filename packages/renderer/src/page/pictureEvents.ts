import type { Control } from './control.js';

/**
 * Several images with the same URL share one request, and the browser fires their load events in an arbitrary order.
 * Here the images in the document come first, in document order, then the others in the order in which they were given
 * the URL.
 */
export function installPictureEvents(control: Control): void {
  interface Group {
    address: string;
    /** The images still to be notified, in order. */
    queue: HTMLImageElement[];
    type: string;
  }
  const listen = EventTarget.prototype.addEventListener;
  /** Images to which scripts have assigned a URL and that have not been notified yet, in order. */
  const assigned = new Set<HTMLImageElement>();
  /** The URL for which each image was last notified. */
  const notified = new WeakMap<HTMLImageElement, string>();
  /** The groups of images whose own event has yet to fire. When it does, the next image of the group is notified. */
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

  /** Groups all images with the URL of this one, for which an event has fired: by then all are complete. */
  function makeGroup(image: HTMLImageElement, type: string): Group | undefined {
    const address = image.currentSrc;
    const isWaiting = (other: HTMLImageElement) =>
      other.currentSrc === address && other.complete && notified.get(other) !== address && !groups.has(other);
    const inside = [...control.roots()].flatMap((root) => [...root.querySelectorAll('img')].filter(isWaiting));
    const outside = [...assigned].filter((other) => !other.isConnected && isWaiting(other));
    const queue = [...inside, ...outside];
    if (queue.length < 2 || !queue.includes(image)) return undefined;
    const group = { address, queue, type };
    for (const each of queue) groups.set(each, group);
    // Notify each image, whatever becomes of its own event.
    const rest = control.afterAll().then(() => {
      while (queue.length > 0) dispatchNext(group);
    });
    control.letEnd(rest);
    return group;
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
        // The browser drops the event of this image, which might have triggered that of another one.
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
