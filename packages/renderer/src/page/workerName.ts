import type { Control } from './control.js';

/**
 * The context that starts a worker passes it a seed as a prefix of its name, the only thing available before the
 * worker's first line runs. The worker sees the name that the page has given it. Must be installed before the parts
 * that use the seed.
 */
export function installWorkerName(control: Control): void {
  const scope = globalThis as unknown as { name: string };
  const [, seed, name] = /^genlock (\d+) (.*)$/s.exec(scope.name) ?? [];
  if (seed === undefined) return;
  control.config.seed = Number(seed);
  Object.defineProperty(scope, 'name', { value: name, writable: true, enumerable: true, configurable: true });
}
