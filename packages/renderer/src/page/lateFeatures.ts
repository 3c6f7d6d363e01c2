import type { Control } from './control.js';

/**
 * A worker has some of its features only after our script. What the other parts do to those waits
 * until its script reaches for one, or until it is first asked to settle. Must be the first part.
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
