/**
 * Whether a path below the served folder is hidden: a part of it begins with a dot. `.well-known` is
 * meant to be seen, and folders directly in `node_modules` are a package manager's, whose links lead there.
 */
export function isHidden(path: string): boolean {
  const parts = path.split(/[/\\]/);
  return parts.some((part, index) => {
    if (!/^\.[^.]|^\.\.[^]/.test(part) || part === '.well-known') return false;
    return parts[index - 1] !== 'node_modules' || index === parts.length - 1;
  });
}
