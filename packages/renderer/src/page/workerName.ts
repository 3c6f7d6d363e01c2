import type { Control } from './control.js';

/**
 * Whoever starts a worker gives it a seed, as the beginning of its name: nothing else is there before its first line.
 * The worker sees the name that the page has given. Must come before whatever uses the seed.
 */
export function installWorkerName(control: Control): void {
  const scope = globalThis as unknown as { name: string };
  const [, seed, name] = /^genlock (\d+) (.*)$/s.exec(scope.name) ?? [];
  if (seed === undefined) return;
  control.config.seed = Number(seed);
  Object.defineProperty(scope, 'name', { value: name, writable: true, enumerable: true, configurable: true });
}
