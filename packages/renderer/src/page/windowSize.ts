import type { Control } from './control.js';

/** A page sees a window as large as its view, whatever window the browser has. */
export function installWindowSize({ config: { view } }: Control): void {
  const install = (name: 'outerWidth' | 'outerHeight', size: number) => {
    // Both belong to the window itself. Their setter puts a value of the page's own in our place, as it would in the browser's.
    const real = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { ...real, get: () => size });
  };
  install('outerWidth', view.width);
  install('outerHeight', view.height);
}
