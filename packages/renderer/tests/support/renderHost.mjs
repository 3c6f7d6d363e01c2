import { writeSync } from 'node:fs';
import { RenderOrchestrator, type DistributedRenderOptions, type RenderEvent } from '../../src/index.js';

/**
 * A Node process of its own that renders, for tests that kill it: arguments are its TMPDIR, the
 * page, the output and the options as JSON. Each event is a line on standard output, written before the render goes on.
 */
const [temporary, url, output, options] = process.argv.slice(2) as [string, string, string, string];
// Only now: the loader of TypeScript has files of its own there.
process.env['TMPDIR'] = temporary;

const tell = (event: RenderEvent | { type: 'at'; phase: string }) => writeSync(1, `${JSON.stringify(event)}\n`);

await RenderOrchestrator.render(url, output, JSON.parse(options) as DistributedRenderOptions, {
  onEvent: tell,
  hooks: { at: ({ phase }) => void tell({ type: 'at', phase }) },
});
