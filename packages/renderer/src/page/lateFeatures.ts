import type { Control } from './control.js';

/**
 * A worker gets some of its features only after our script has run. What other parts do to those is delayed until the
 * worker's script uses one of these globals, or until the first exchange. Must be the first part.
 */
export function installLateFeatures(control: Control): void {
  const late: (() => void)[] = [];
  const complete = () => {
    for (const run of late.splice(0)) run();
  };
  control.whenComplete = (run) => void late.push(run);
  control.exchanges.add(() => {
    complete();
    return Promise.resolve(false);
  });
  for (const name of ['crypto', 'caches', 'navigator']) {
    Object.defineProperty(globalThis, name, {
      configurable: true,
      get() {
        complete();
        Reflect.deleteProperty(globalThis, name);
        return (globalThis as Record<string, unknown>)[name];
      },
    });
  }
}
