import type { Control } from './control.js';

/**
 * Makes the window appear as large as the page's view, whatever the browser's real window. The page cannot move or
 * resize it, as in a tab among others: frames must keep the size of the video.
 */
export function installWindowSize({ config: { view } }: Control): void {
  const install = (name: 'outerWidth' | 'outerHeight', size: number) => {
    // Both are properties of the window itself. Their native setter lets the page replace our value, as it would the
    // browser's.
    const real = Object.getOwnPropertyDescriptor(globalThis, name);
    Object.defineProperty(globalThis, name, { ...real, get: () => size });
  };
  install('outerWidth', view.width);
  install('outerHeight', view.height);
  for (const name of ['moveTo', 'moveBy', 'resizeTo', 'resizeBy'] as const) {
    // Method syntax gives the function its name.
    Object.assign(globalThis, { [name](_one: number, _other: number): void {} });
  }
}
