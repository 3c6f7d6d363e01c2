/**
 * The benchmark: how fast Genlock renders, and how fast it stops. See README.md.
 *
 *     npm run bench -- --quick
 */
import { writeFileSync } from 'node:fs';
import { SPEED_CASES, SPEED_SIZE, STOP_CASES } from './cases.js';
import { runSpeed, runStops } from './child.js';
import { parseFlags, USAGE, type Flags } from './flags.js';
import { describeMachine, machineText } from './machine.js';
import {
  condition,
  cpuText,
  phasesText,
  speedText,
  stopFaults,
  stopText,
  type SpeedFigures,
  type StopFigures,
} from './report.js';

/** Progress goes to stderr, so that stdout holds the tables alone. */
const say = (line: string) => console.error(line);

async function measureSpeed({ frames, rounds }: Flags, signal: AbortSignal): Promise<SpeedFigures[]> {
  const figures: SpeedFigures[] = SPEED_CASES.map((speed) => ({ case: speed, runs: [] }));
  // In turns: what else happens on the machine falls on all cases alike.
  for (let round = 1; round <= rounds; round++) {
    for (const { case: speed, runs } of figures) {
      const run = await runSpeed(speed, frames, signal);
      runs.push(run);
      const rate = run.framesPerSecond.toFixed(2);
      say(`speed, round ${round} of ${rounds}: ${speed.page}, ${speed.workers} workers: ${rate} frames/s`);
    }
  }
  return figures;
}

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

function printSpeed(figures: SpeedFigures[], { frames, rounds }: Flags): void {
  const { width, height } = SPEED_SIZE;
  console.log(
    `\nSpeed: ${frames} frames of ${width}x${height}, median (min-max) of ${rounds}\n\n${speedText(figures)}`,
  );
  console.log(`\nCPU-milliseconds per frame by process, median\n\n${cpuText(figures)}`);
  console.log(`\nMilliseconds in each phase, of the worker that took longest; then of the render; median`);
  console.log(`\n${phasesText(figures)}`);
  if (figures.some(({ runs }) => runs.some(({ memory }) => memory.incomplete))) {
    console.log('\nThe memory of some processes could not be read: the figures of memory are too low.');
  }
}

/** Prints the stops. True when each of them left nothing. */
function printStops(figures: StopFigures[], { stops }: Flags): boolean {
  console.log(`\nStopping: from abort() to the settled promise, ${stops} stops each\n\n${stopText(figures)}`);
  const faults = stopFaults(figures);
  const total = figures.reduce((sum, { runs }) => sum + runs.length, 0);
  if (faults.length === 0) console.log(`\nAfter each of the ${total} stops: no process and no file was left.`);
  else console.log(`\nFAULTS\n  ${faults.join('\n  ')}`);
  return faults.length === 0;
}

async function bench(flags: Flags, signal: AbortSignal): Promise<boolean> {
  const machine = await describeMachine();
  console.log(machineText(machine));
  const speed = flags.only === 'stop' ? undefined : await measureSpeed(flags, signal);
  if (speed) printSpeed(speed, flags);
  const stops = flags.only === 'speed' ? undefined : await measureStops(flags, signal);
  const clean = !stops || printStops(stops, flags);
  if (flags.json !== undefined) {
    writeFileSync(flags.json, `${JSON.stringify({ machine, flags, speed, stops }, undefined, 2)}\n`);
  }
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
