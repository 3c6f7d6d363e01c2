/**
 * Makes the page report no user activation. Capturing a tab activates its page and taking screenshots does not, but the
 * page must not see the difference.
 */
export function installUserActivation(): void {
  for (const name of ['isActive', 'hasBeenActive'] as const) {
    const real = Object.getOwnPropertyDescriptor(UserActivation.prototype, name);
    Object.defineProperty(UserActivation.prototype, name, { ...real, get: () => false });
  }
}
