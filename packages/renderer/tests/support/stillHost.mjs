import { writeSync } from 'node:fs';
import { renderStill } from '@genlock/renderer';

/** As renderHost.mjs, of a picture. It stays at the commit, with the whole file beside its destination. */
const [url, output, options] = process.argv.slice(2);
const { width, height, fps } = JSON.parse(options);

const tell = (event) => void writeSync(1, `${JSON.stringify(event)}\n`);

await renderStill(
  url,
  output,
  { width, height, fps, frame: 0 },
  {
    onEvent: tell,
    hooks: {
      at: ({ phase }) => {
        tell({ type: 'at', phase });
        return phase === 'commit' ? new Promise(() => {}) : undefined;
      },
    },
  },
);
