/**
 * The benchmark: how fast Genlock renders, and how fast it stops. See README.md.
 *
 *     npm run bench -- --quick
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { SPEED_SIZE, STOP_CASES, type PageName } from './cases.js';
import { runStops } from './child.js';
import { parseFlags, USAGE, type Flags, type Part } from './flags.js';
import { GROWTH, measureGrowth, type GrowthFigures } from './growth.js';
import { describeMachine, machineText } from './machine.js';
import { holdContest } from './peers/contest.js';
import type { Entry } from './peers/entries.js';
import { PEERS } from './peers/peers.js';
import { cpuText, floorText, growthText, peersText, phasesText, speedText } from './report.js';
import { saveResults } from './results.js';
import { measureSpeedPart, speedCases, type Speed } from './speedPart.js';
import { condition, stopFaults, stopText, type StopFigures } from './stopReport.js';

/** Progress goes to stderr, so that stdout holds the tables alone. */
const say = (line: string) => console.error(line);

/** What has been printed so far: it is saved too. */
const printed: string[] = [];
const print = (text: string) => {
  printed.push(text);
  console.log(text);
};

async function measureStops({ stops }: Flags, signal: AbortSignal): Promise<StopFigures[]> {
  const figures: StopFigures[] = [];
  for (const stop of STOP_CASES) {
    const runs = await runStops(stop, stops, signal);
    figures.push({ case: stop, runs });
    const times = runs.map(({ ms }) => (ms === undefined ? 'missed' : ms.toFixed(0)));
    say(
      `stop: ${stop.phase}, ${condition(stop)}, ${stop.workers} workers at ${stop.width}x${stop.height}: ${times.join(' ')} ms`,
    );
  }
  return figures;
}

async function measureGrowths(flags: Flags, signal: AbortSignal): Promise<GrowthFigures[]> {
  const figures: GrowthFigures[] = [];
  for (const speed of speedCases(flags)) {
    figures.push(await measureGrowth(speed, { ...flags, signal }));
    say(`growth: ${speed.page}, ${speed.mode}, ${speed.workers} workers: done`);
  }
  return figures;
}

async function measurePeers(flags: Flags, signal: AbortSignal): Promise<Entry[]> {
  const { pages, modes, frames, rounds, tools, cache } = flags;
  const folder = mkdtempSync(join(tmpdir(), 'genlock-bench-'));
  const names = pages.filter((page): page is PageName & typeof page => page !== '4k');
  try {
    return await holdContest({ pages: names, modes, frames, rounds, tools, cache, folder, signal, say });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function printSpeed({ figures, floors }: Speed, { frames, rounds, profile }: Flags): void {
  const { width, height } = SPEED_SIZE;
  const what = `${frames} frames of ${width}x${height} (4k: twice that), median (min-max) of ${rounds}`;
  print(`\nSpeed: ${what}\n\n${speedText(figures, floors)}`);
  print(`\nThe floor: drawing and x264 alone, on all cores\n\n${floorText(floors)}`);
  if (profile) {
    print(`\nCPU-milliseconds per frame by process, median\n\n${cpuText(figures)}`);
    print(`\nMilliseconds in each phase, of the worker that took longest; then of the render; median`);
    print(`\n${phasesText(figures)}`);
  }
  if (figures.some(({ runs }) => runs.some(({ memory }) => memory.incomplete))) {
    print('\nThe memory of some processes could not be read: the figures of memory are too low.');
  }
}

function printGrowth(figures: GrowthFigures[]): void {
  print(`\nGrowth: what ${GROWTH} times the frames take, as a multiple\n\n${growthText(figures)}`);
}

function printPeers(entries: Entry[], { frames, rounds, tools }: Flags): void {
  print(`\nBeside other tools: ${frames} frames of 1920x1080, whole processes, median (min-max) of ${rounds}`);
  print(
    `\n${peersText(entries)}\n\nHow they encode (Genlock: lossless pictures, x264 crf 18, superfast with a look-ahead; fast: ultrafast with a little more, at a constant quantiser; canvases by bit rate in the browser)`,
  );
  for (const { name, title, encoding } of PEERS) if (tools.includes(name)) print(`  ${title}: ${encoding}`);
}

/** Prints the stops. True when each of them left nothing. */
function printStops(figures: StopFigures[], { stops }: Flags): boolean {
  print(`\nStopping: from abort() to the settled promise, ${stops} stops each\n\n${stopText(figures)}`);
  const faults = stopFaults(figures);
  const total = figures.reduce((sum, { runs }) => sum + runs.length, 0);
  if (faults.length === 0) print(`\nAfter each of the ${total} stops: no process and no file was left.`);
  else print(`\nFAULTS\n  ${faults.join('\n  ')}`);
  return faults.length === 0;
}

async function bench(flags: Flags, signal: AbortSignal): Promise<boolean> {
  const machine = await describeMachine();
  print(machineText(machine));
  const measure = async <T>(part: Part, run: () => Promise<T>) => (flags.parts.includes(part) ? run() : undefined);
  const speed = await measure('speed', () => measureSpeedPart(flags, signal, say));
  if (speed) printSpeed(speed, flags);
  const growth = await measure('growth', () => measureGrowths(flags, signal));
  if (growth) printGrowth(growth);
  const peers = await measure('peers', () => measurePeers(flags, signal));
  if (peers) printPeers(peers, flags);
  const stops = await measure('stop', () => measureStops(flags, signal));
  const clean = !stops || printStops(stops, flags);
  // Where things lie on this machine is no part of what was measured.
  const results = { machine, flags: { ...flags, cache: undefined, json: undefined }, speed, growth, peers, stops };
  if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(results, undefined, 2)}\n`);
  if (flags.save) say(`saved: ${saveResults(results, printed).join(', ')}`);
  return clean;
}

async function main(): Promise<number> {
  let flags: Flags | undefined;
  try {
    flags = parseFlags(process.argv.slice(2));
  } catch (error) {
    say(`${(error as Error).message}\n\n${USAGE}`);
    return 2;
  }
  if (!flags) {
    console.log(USAGE);
    return 0;
  }
  if (process.platform !== 'linux') {
    say('The bench reads CPU time and memory from /proc: it runs on Linux only.');
    return 2;
  }
  // The child process is stopped by its signal too: it must not be left behind with its browsers.
  const controller = new AbortController();
  let stoppedWith = 0;
  const onSignal = (name: NodeJS.Signals) => {
    stoppedWith = name === 'SIGINT' ? 130 : 143;
    controller.abort(new Error(`stopped by ${name}`));
  };
  process.on('SIGINT', onSignal).on('SIGTERM', onSignal);
  try {
    return (await bench(flags, controller.signal)) ? 0 : 1;
  } catch (error) {
    say(`bench: ${error instanceof Error ? error.message : String(error)}`);
    return stoppedWith || 1;
  }
}

process.exitCode = await main();
