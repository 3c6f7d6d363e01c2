import type { Control } from './control.js';

/**
 * Media that a script assembles (`MediaSource`). The clock waits until the browser has processed what was appended, but
 * not for data that the script may append in a later frame.
 */
export function installMediaSources(control: Control): void {
  if (typeof MediaSource === 'undefined') return;
  const byAddress = new Map<string, WeakRef<MediaSource>>();
  const createObjectUrl = URL.createObjectURL.bind(URL);
  URL.createObjectURL = (object) => {
    const address = createObjectUrl(object);
    if (object instanceof MediaSource) byAddress.set(address, new WeakRef(object));
    return address;
  };

  control.isAssembling = (element) => {
    const given = element.srcObject as unknown;
    const source = given instanceof MediaSource ? given : byAddress.get(element.currentSrc)?.deref();
    if (!source) return undefined;
    // It opens by itself once an element uses it.
    if (source.readyState === 'closed') return true;
    if ([...source.sourceBuffers].some(({ updating }) => updating)) return true;
    const { buffered, currentTime } = element;
    for (let index = 0; index < buffered.length; index++) {
      if (buffered.start(index) <= currentTime && currentTime < buffered.end(index)) return true;
    }
    return false;
  };

  for (const name of ['appendBuffer', 'remove'] as const) {
    const methods = SourceBuffer.prototype as unknown as Record<string, (...args: unknown[]) => void>;
    const real = methods[name]!;
    methods[name] = function (this: SourceBuffer, ...args: unknown[]) {
      real.apply(this, args);
      void control.trackEvents(this, 'updateend');
    };
  }
}
