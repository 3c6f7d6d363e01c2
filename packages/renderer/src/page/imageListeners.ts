import type { Control } from './control.js';

/**
 * Knows whether the page may hear of it when a picture has loaded. Where it does not, pictures need not come one after
 * the other. Must come after the parts that listen to pictures themselves.
 */
export function installImageListeners(control: Control): void {
  const ATTRIBUTES = ':is(img, image, input)[onload], :is(img, image, input)[onerror]';
  let isListening = false;

  const isOfPictures = (type: string) => type === 'load' || type === 'error';
  const add = EventTarget.prototype.addEventListener;
  EventTarget.prototype.addEventListener = function (type, listener, options) {
    // Those of pictures do not rise to the window, but pass it on their way down.
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
