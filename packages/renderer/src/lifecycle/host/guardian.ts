import { cleanUp } from './cleanUp.js';

/**
 * A process of its own that outlives its host: `node guardian.js <host directory>`. Its standard
 * input is a pipe whose other end only the host holds, so that it closes when the host ends,
 * however it ends. The guardian then removes what the host could not.
 */
const [, , directory] = process.argv;

// Whoever ends the host politely often ends its children too: the guardian has work to do then.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});

if (directory !== undefined) {
  process.stdin.resume();
  process.stdin.once('close', () => void cleanUp(directory));
}
