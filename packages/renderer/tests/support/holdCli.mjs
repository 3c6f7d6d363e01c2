// Loaded before the command line (node --import): holds its render at the place that the variable
// GENLOCK_TEST_HOLD names, and says so on descriptor 3. What is held goes on only by being stopped.
import { writeSync } from 'node:fs';
import { RenderOrchestrator } from '@genlock/renderer';

const place = Object.entries(JSON.parse(process.env.GENLOCK_TEST_HOLD));
const render = RenderOrchestrator.render;

function at(position) {
  if (place.some(([name, value]) => (position[name] ?? null) !== value)) return undefined;
  // Nothing may be left that would keep the process waiting.
  const awake = setInterval(() => {}, 60_000);
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => clearInterval(awake));
  writeSync(3, 'held\n');
  return new Promise(() => {});
}

RenderOrchestrator.render = (url, output, options, job) =>
  render.call(RenderOrchestrator, url, output, options, { ...job, hooks: { at } });
