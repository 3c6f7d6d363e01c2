/**
 * The child process of the bench: does one task, given as JSON in its first argument, and tells of it
 * by messages to its parent. By hand (without a parent) it prints the result:
 *
 *     node bench/dist/run.js '{"kind":"speed","folder":"/tmp/b","speed":{"page":"dom","mode":"default","workers":2},"frames":30}'
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { RenderEvent } from '@genlock/renderer';
import type { ChildMessage, Task } from './cases.js';
import { measureDrawing } from './drawing.js';
import { measureSpeed } from './speed.js';
import { measureStops } from './stop.js';

const task = JSON.parse(process.argv[2] ?? '') as Task;

// A folder of its own, so that what is left in it can be told from what others leave.
process.env['TMPDIR'] = join(task.folder, 'tmp');
mkdirSync(process.env['TMPDIR'], { recursive: true });

// However the bench ends, the render of this process is stopped by its signal and leaves nothing.
const controller = new AbortController();
const stop = (why: string) => controller.abort(new Error(`the bench was ended (${why})`));
process.on('SIGINT', stop).on('SIGTERM', stop);
process.on('disconnect', () => stop('its parent is gone'));

const tell = (message: ChildMessage) => {
  if (process.connected) process.send?.(message);
  else if (message.type === 'result') console.log(JSON.stringify(message.result, undefined, 2));
  else if (message.type === 'failed') console.error(message.message);
};
const onEvent = (event: RenderEvent) => {
  if (event.type !== 'process' || event.state !== 'started') return;
  tell({ type: 'started', pid: event.pid, role: event.role, worker: event.worker });
};

function measure(): Promise<unknown> {
  if (task.kind === 'speed') return measureSpeed(task, onEvent, controller.signal);
  if (task.kind === 'draw') return measureDrawing(task, onEvent, controller.signal);
  return measureStops(task, onEvent, controller.signal);
}

try {
  tell({ type: 'result', result: await measure() });
} catch (error) {
  tell({ type: 'failed', message: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.exitCode = 1;
}
// The channel to the parent would keep this process alive.
if (process.connected) process.disconnect();
