/** The oldest Node that runs Genlock; the same as "engines" in package.json. */
export const OLDEST_NODE = [20, 19];

/** What to say about a Node that is too old; undefined when it is new enough. */
export function nodeComplaint(version) {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const [oldestMajor, oldestMinor] = OLDEST_NODE;
  if (major > oldestMajor || (major === oldestMajor && minor >= oldestMinor)) return undefined;
  return `Genlock needs Node ${OLDEST_NODE.join('.')} or newer; this is ${version}. Install a newer Node and try again.`;
}
