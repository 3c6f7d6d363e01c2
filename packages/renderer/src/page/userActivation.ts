/**
 * A page is as in a browser that nobody touches. To the browser one is touched by being captured, and another one, whose
 * frames are taken as screenshots, is not.
 */
export function installUserActivation(): void {
  for (const name of ['isActive', 'hasBeenActive'] as const) {
    const real = Object.getOwnPropertyDescriptor(UserActivation.prototype, name);
    Object.defineProperty(UserActivation.prototype, name, { ...real, get: () => false });
  }
}
