import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout } from 'node:timers/promises';

/** What a test that was killed has started is ended by its guardian within a second; then by us. */
const GUARDIAN_MS = 3000;
const TEST_FILE = /\.test\.(ts|js|mjs)$/;

/** @typedef {{ pid: number, parent: number, startTime: string, args: string[] }} Found */

/**
 * Every process that runs now. None where there is no /proc.
 * @returns {Found[]}
 */
export function allProcesses() {
  let names;
  try {
    names = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return [];
  }
  return names.flatMap((name) => {
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      // The second field is a name in brackets, which may have spaces and brackets of its own.
      const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      // Ended, and not waited for yet.
      if (fields[0] === 'Z') return [];
      const args = readFileSync(`/proc/${name}/cmdline`, 'latin1').split('\0').slice(0, -1);
      return [{ pid: Number(name), parent: Number(fields[1]), startTime: fields[19], args }];
    } catch {
      // It has ended.
      return [];
    }
  });
}

function kill(pid) {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}

/**
 * Ends a test runner, the test files that it runs, and whatever those have started.
 * @param {number} runner its pid
 * @returns {Promise<string[]>} the test files that were running, as they were given
 */
export async function endTests(runner) {
  const all = allProcesses();
  const below = (pid) => all.filter(({ parent }) => parent === pid).flatMap((found) => [found, ...below(found.pid)]);
  const running = below(runner);
  const files = running.filter(({ parent }) => parent === runner);
  for (const { pid } of [{ pid: runner }, ...files]) kill(pid);
  const isSame =
    (one) =>
    ({ pid, startTime }) =>
      one.pid === pid && one.startTime === startTime;
  const left = () => allProcesses().filter((one) => running.some(isSame(one)));
  const untilGone = async () => {
    for (const giveUp = Date.now() + GUARDIAN_MS; left().length > 0 && Date.now() < giveUp;) await setTimeout(50);
  };
  await untilGone();
  for (const { pid } of left()) kill(pid);
  await untilGone();
  return files.flatMap(({ args }) => args.filter((arg) => TEST_FILE.test(arg)));
}
