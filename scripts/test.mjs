// Makes this clone ready, then runs the checks (types, lint, format), the tests and the
// verification script. One that fails does not hide the others: all run, and the exit code is 1
// at the end.
//
// Run: node scripts/test.mjs [--all] [file or part of a path…]
//   --all    the long tests (*.long.test.ts) too
//   a name   only the test files whose path contains it, as they are and without the checks

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { clearCompiledTests, compiledTest, linkBesideTests } from './lib/compiledTests.mjs';
import { filesBelow } from './lib/files.mjs';
import { endTests } from './lib/processes.mjs';
import { setup } from './lib/setup.mjs';
import { stopWithParent } from './lib/stopWithParent.mjs';
import { chooseTests, testFolders } from './lib/testFiles.mjs';

const VERIFICATION = 'packages/renderer/tests/verify-distributed-cancellation.ts';
const MINUTE = 60_000;
const TSX = ['--import', 'tsx'];

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);

function tool(packageFile, ...args) {
  return [join('node_modules', packageFile), ...args];
}

const TSC = '@typescript/native/bin/tsc';
const BUILD = { name: 'build', args: tool(TSC, '--build', 'packages/renderer', 'packages/cli') };
const API = { name: 'api', args: [join('scripts', 'api.mjs'), '--check'] };
const TYPES = {
  name: 'types',
  args: tool(TSC, '-p', 'tsconfig.json'),
  before: () => clearCompiledTests(root),
  after: () => linkBesideTests(root),
};
const FORMAT = { name: 'format', args: tool('oxfmt/bin/oxfmt', '--check', '.') };
const LINT = { name: 'lint', args: tool('oxlint/bin/oxlint') };
const IMPORTS = { name: 'imports', args: tool('dependency-cruiser/bin/dependency-cruise.mjs', 'packages') };

/**
 * With `compiled` the tests are those that the check of the types has put out, with the built packages: each file is a
 * process, and to load it all through tsx takes a second of each.
 */
function testStep(files, { all, compiled }) {
  // Two files at a time leave a quarter of two cores idle, waiting for what starts, stalls or ends; the long
  // tests look closer at how long a stop takes. The limit is for a file that hangs.
  const limit = (all ? 60 : 10) * MINUTE;
  const flags = [`--test-concurrency=${all ? 2 : 3}`, `--test-timeout=${limit}`, '--test-reporter=spec'];
  // And for one that hangs so that its limit cannot end it, or that has ended and leaves the runner waiting.
  const limitOfAll = (all ? 180 : 40) * MINUTE;
  const args = compiled ? ['--test', ...flags, ...files.map(compiledTest)] : [...TSX, '--test', ...flags, ...files];
  return { name: 'tests', args, limit: limitOfAll };
}

/** Groups of steps: those of one group run at once, the groups one after the other. */
function planSteps({ all, filters }) {
  const folders = testFolders(root).map((folder) => join(root, folder));
  const files = folders.flatMap((folder) => filesBelow(folder));
  const tests = chooseTests(
    files.map((file) => relative(root, file).split(sep).join('/')),
    { all, filters },
  );
  const verify =
    existsSync(VERIFICATION) && (filters.length === 0 || filters.some((name) => VERIFICATION.includes(name)));
  const whole = filters.length === 0;
  return [
    ...(whole
      ? [
          [BUILD, IMPORTS],
          [TYPES, FORMAT, LINT, API],
        ]
      : []),
    tests.length > 0 ? [testStep(tests, { all, compiled: whole })] : [],
    verify ? [{ name: 'verification', args: [...TSX, VERIFICATION] }] : [],
  ].filter((group) => group.length > 0);
}

const children = new Set();
let stopSignal;

/** Runs one step with our own terminal, and notes how it went. One that takes too long is ended, with all below it. */
async function runStep({ name, args, limit, before, after }) {
  const start = Date.now();
  before?.();
  const env = { ...process.env, ...(choice.all ? { GENLOCK_TESTS: 'all' } : {}) };
  const child = spawn(process.execPath, args, { stdio: 'inherit', env });
  children.add(child);
  const giveUp = async () => {
    const files = (await endTests(child.pid)).map((path) => relative(root, path));
    console.error(
      `${name} took longer than ${limit / MINUTE} minutes and were ended. Still running: ${files.join(', ')}`,
    );
  };
  let ending;
  const timer = limit && setTimeout(() => (ending = giveUp()), limit);
  const [code] = await once(child, 'close');
  await ending;
  clearTimeout(timer);
  after?.();
  children.delete(child);
  if (code !== 0) failed.push(name);
  summary.push(`${name} ${code === 0 ? 'ok' : 'FAILED'} ${seconds(start)}`);
}

function heedSignals() {
  for (const signal of ['SIGINT', 'SIGTERM']) {
    process.on(signal, () => {
      stopSignal = signal;
      // Ctrl-C reaches the whole foreground group by itself; SIGTERM comes to us alone.
      if (signal === 'SIGTERM') for (const child of children) child.kill(signal);
    });
  }
  stopWithParent();
}

function readArguments() {
  try {
    const { values, positionals } = parseArgs({ options: { all: { type: 'boolean' } }, allowPositionals: true });
    return { all: values.all ?? false, filters: positionals.map((name) => name.replace(/^\.\//, '')) };
  } catch (error) {
    console.error(error.message);
    return process.exit(2);
  }
}

function seconds(since) {
  return `${((Date.now() - since) / 1000).toFixed(1)} s`;
}

const choice = readArguments();
const steps = planSteps(choice);
if (steps.length === 0) {
  console.error(`No test file's path contains ${choice.filters.join(' or ')}.`);
  process.exit(2);
}
if (!(await setup())) process.exit();
heedSignals();

const start = Date.now();
const summary = [];
const failed = [];
for (const group of steps) {
  await Promise.all(group.map(runStep));
  if (stopSignal) process.exit(128 + constants.signals[stopSignal]);
}
console.log(
  `${summary.join(', ')}\n${failed.length === 0 ? 'Passed' : `FAILED: ${failed.join(', ')}`} in ${seconds(start)}`,
);
process.exitCode = failed.length === 0 ? 0 : 1;
