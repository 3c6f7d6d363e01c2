import type { Control } from './control.js';

/**
 * Detects whether the page may be listening for images to load. If not, images need not be delivered one after the
 * other. Must be installed after the parts that listen to images themselves.
 */
export function installImageListeners(control: Control): void {
  const ATTRIBUTES = ':is(img, image, input)[onload], :is(img, image, input)[onerror]';
  let isListening = false;

  const isOfPictures = (type: string) => type === 'load' || type === 'error';
  const add = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    // The events of images do not bubble up to the window, but it sees them in the capture phase.
    const isCapturing = typeof options === 'object' ? options?.capture === true : options === true;
    if (isOfPictures(type) && (isCapturing || this instanceof Element)) isListening = true;
    add.call(this, type, listener, options);
  };

  for (const Class of [HTMLElement, SVGElement]) {
    for (const name of ['onload', 'onerror']) {
      const own = Object.getOwnPropertyDescriptor(Class.prototype, name);
      if (!own?.set) continue;
      const { set } = own;
      Object.defineProperty(Class.prototype, name, {
        ...own,
        set(this: Element, handler: unknown) {
          isListening ||= !(this instanceof HTMLScriptElement);
          set.call(this, handler);
        },
      });
    }
  }

  const { decode } = HTMLImageElement.prototype;
  HTMLImageElement.prototype.decode = function () {
    isListening = true;
    return decode.call(this);
  };

  control.listensToImages = () => {
    if (isListening) return true;
    for (const root of control.roots()) if (root.querySelector(ATTRIBUTES)) return true;
    return false;
  };
}
