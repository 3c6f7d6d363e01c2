/**
 * Whether a path below the served folder is hidden, that is, whether part of it begins with a dot. Exceptions:
 * `.well-known`, which is meant to be served, and dot folders directly in `node_modules` (but not files there), which
 * hold the packages that a package manager's links point to.
 */
export function isHidden(path: string): boolean {
  const parts = path.split(/[/\\]/);
  return parts.some((part, index) => {
    if (!/^\.[^.]|^\.\.[^]/.test(part) || part === '.well-known') return false;
    return parts[index - 1] !== 'node_modules' || index === parts.length - 1;
  });
}
