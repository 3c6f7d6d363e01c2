import { writeSync } from 'node:fs';
import { RenderOrchestrator } from '@genlock/renderer';

/**
 * A Node process of its own that renders, with the built library, for tests that kill it: arguments
 * are the page, the output and the options as JSON. Each event is a line on standard output, written
 * before the render goes on.
 */
const [url, output, options] = process.argv.slice(2);

const tell = (event) => void writeSync(1, `${JSON.stringify(event)}\n`);

await RenderOrchestrator.render(url, output, JSON.parse(options), {
  onEvent: tell,
  hooks: { at: ({ phase }) => tell({ type: 'at', phase }) },
});
