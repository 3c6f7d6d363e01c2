import { writeSync } from 'node:fs';
import { BrowserPool, RenderOrchestrator } from '@genlock/renderer';

/**
 * As renderHost.mjs, but with a pool of browsers: renders once and then, as `then` in the options says,
 * `wait`s with idle browsers, renders `again`, or comes to its `end` without closing the pool.
 */
const [url, output, json] = process.argv.slice(2);
const { then, ...options } = JSON.parse(json);

const tell = (event) => void writeSync(1, `${JSON.stringify(event)}\n`);
const browsers = new BrowserPool();
const render = (more) => RenderOrchestrator.render(url, output, { ...options, ...more }, { browsers, onEvent: tell });

await render();
tell({ type: 'at', phase: 'idle' });
if (then === 'wait') setInterval(() => {}, 1000);
if (then === 'again') await render({ frameCount: 2000 });
