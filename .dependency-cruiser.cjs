// Who may import whom, types included. Run: npm run check, or npx depcruise packages

const SRC = '^packages/renderer/src';

/** Rooms of the renderer, each with those that it must know nothing of. */
const ABOVE = {
  lifecycle: 'options|ffmpeg|browser|page|capture|composition|store|outputs|executors|orchestration|verify|testing',
  options: 'browser|page|capture|outputs|executors|orchestration|verify|testing',
  page: 'lifecycle|options|ffmpeg|browser|capture|composition|store|outputs|executors|orchestration|verify|testing',
  ffmpeg: 'browser|page|capture|composition|store|outputs|executors|orchestration|verify|testing',
  browser: 'capture|composition|store|outputs|executors|orchestration|verify|testing',
  capture: 'composition|store|outputs|executors|orchestration|verify|testing',
  store: 'browser|page|capture|outputs|executors|orchestration|verify|testing',
  outputs: 'browser|page|capture|composition|store|executors|orchestration|verify|testing',
  executors: 'orchestration|verify|testing',
  orchestration: 'verify|testing',
};

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-circle',
      severity: 'error',
      comment: 'Two files that import each other, by whatever way, can only be understood and changed together.',
      from: {},
      to: { circular: true },
    },
    ...Object.entries(ABOVE).map(([room, above]) => ({
      name: `${room}-is-below`,
      severity: 'error',
      comment: `ARCHITECTURE.md says what ${room} is made of: not of what is built upon it.`,
      from: { path: `${SRC}/${room}/` },
      to: { path: `${SRC}/(${above})/` },
    })),
    {
      name: 'library-by-its-door',
      severity: 'error',
      comment: 'The command line comes in through the doors in package.json, as every program does.',
      from: { path: '^packages/cli/src' },
      to: { path: SRC },
    },
    {
      name: 'one-starts-processes',
      severity: 'error',
      comment: 'Only lifecycle/ManagedProcess.ts starts processes: it also sees to it that they end.',
      from: { path: '^packages/[^/]+/src', pathNot: `${SRC}/lifecycle/ManagedProcess.ts` },
      to: { path: '^(node:)?child_process$', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|node_modules)/' },
  },
};
