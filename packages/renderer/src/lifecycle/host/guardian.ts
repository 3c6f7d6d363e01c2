import { cleanUp } from './cleanUp.js';

/**
 * The guardian is a separate process that outlives its host: `node guardian.js <host directory>`. Its standard
 * input is a pipe whose other end only the host holds, so it closes when the host ends, in whatever way.
 * The guardian then removes what the host could not.
 */
const [, , directory] = process.argv;

// Signals that end the host are often sent to its children as well, and that is when the guardian is needed.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

if (directory !== undefined) {
  process.stdin.resume();
  process.stdin.once('close', () => void cleanUp(directory));
}
