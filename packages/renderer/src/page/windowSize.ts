import type { Control } from './control.js';

/**
 * A page sees a window as large as its view, whatever window the browser has. It cannot change it, as in a tab beside
 * others: the picture would have another size than the video.
 */
export function installWindowSize({ config: { view } }: Control): void {
  const install = (name: 'outerWidth' | 'outerHeight', size: number) => {
    // Both belong to the window itself. Their setter puts a value of the page's own in our place, as it would in the browser's.
    const real = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { ...real, get: () => size });
  };
  install('outerWidth', view.width);
  install('outerHeight', view.height);
  for (const name of ['moveTo', 'moveBy', 'resizeTo', 'resizeBy'] as const) {
    // As a method, it has the name.
    Object.assign(globalThis, { [name](_one: number, _other: number): void {} });
  }
}
