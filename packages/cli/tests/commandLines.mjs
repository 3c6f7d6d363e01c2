// Runs command line after command line in one process, each message one: for those that are refused,
// of which there are too many for a process each.
import process from 'node:process';
import { main } from '../dist/main.js';

const streams = ['stdout', 'stderr'];
// Each command line listens for readers that leave.
for (const name of streams) process[name].setMaxListeners(0);

process.on('message', async (args) => {
  const end = { stdout: '', stderr: '' };
  for (const name of streams) {
    process[name].write = (text) => {
      end[name] += text;
      return true;
    };
  }
  process.exitCode = 0;
  await main(args);
  process.send({ ...end, code: process.exitCode });
});
