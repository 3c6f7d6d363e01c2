// Writes what each public door of the renderer exports, from the built declarations, on one page:
// packages/renderer/api/*.api.md. Every change of the public API is a change of these files.
// Fails where a type that a public one names is not exported itself, and where a docstring is missing.
//
// Run: npm run api                    builds, and writes the pages
//      node scripts/api.mjs --check   writes nothing, and fails where a page is not up to date

import { mkdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { CompilerState, Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const root = fileURLToPath(new URL('..', import.meta.url));
const projectFolder = join(root, 'packages/renderer');
const reportFolder = join(projectFolder, 'api');
const isCheck = process.argv.includes('--check');

/** A later door may name what an earlier one exports. */
const DOORS = [
  { page: 'renderer', entry: 'index' },
  { page: 'testing', entry: 'testing/index' },
];
/** Members that their class has from another one, or from the language, which says what they are. */
const DOCUMENTED_ELSEWHERE = ['code', 'exitCode', '[Symbol.asyncDispose]'];

function prepareDoor({ page, entry }) {
  return ExtractorConfig.prepare({
    packageJsonFullPath: join(projectFolder, 'package.json'),
    configObjectFullPath: undefined,
    configObject: {
      projectFolder,
      mainEntryPointFilePath: join(projectFolder, 'dist', `${entry}.d.ts`),
      compiler: { tsconfigFilePath: join(projectFolder, 'tsconfig.json') },
      newlineKind: 'lf',
      apiReport: {
        enabled: true,
        reportFileName: page,
        reportFolder,
        reportTempFolder: join(root, '.cache/api'),
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      tsdocMetadata: { enabled: false },
      messages: {
        compilerMessageReporting: { default: { logLevel: 'error' } },
        extractorMessageReporting: {
          default: { logLevel: 'error' },
          'ae-undocumented': { logLevel: 'error' },
          'ae-missing-release-tag': { logLevel: 'none' },
        },
        // Docstrings are written for people and editors, not in its dialect.
        tsdocMessageReporting: { default: { logLevel: 'none' } },
      },
    },
  });
}

function isProblem({ messageId, text }, exported) {
  const name = /"(.*?)"/.exec(text)?.[1];
  if (messageId === 'ae-forgotten-export') return !exported.has(name);
  return messageId !== 'ae-undocumented' || !DOCUMENTED_ELSEWHERE.includes(name);
}

mkdirSync(reportFolder, { recursive: true });
const doors = DOORS.map((door) => ({ ...door, config: prepareDoor(door) }));
const compilerState = CompilerState.create(doors[0].config, {
  additionalEntryPoints: doors.slice(1).map(({ config }) => config.mainEntryPointFilePath),
});
const exported = new Set();
const problems = [];
let isStale = false;
for (const { page, config } of doors) {
  const { apiReportChanged } = Extractor.invoke(config, {
    compilerState,
    localBuild: !isCheck,
    messageCallback(message) {
      message.handled = true;
      if (message.category === 'console' || message.logLevel === 'none') return;
      if (isProblem(message, exported)) problems.push(message.formatMessageWithLocation(root));
    },
  });
  const file = join(reportFolder, `${page}.api.md`);
  if (apiReportChanged) console.log(`${relative(root, file)} ${isCheck ? 'is not up to date' : 'is written'}`);
  isStale ||= apiReportChanged && isCheck;
  for (const [, name] of readFileSync(join(root, '.cache/api', `${page}.api.md`), 'utf8').matchAll(
    /^export (?:abstract )?(?:class|const|function|interface|type) (\w+)/gm,
  )) {
    exported.add(name);
  }
}
if (isStale) problems.push('The public API has changed: run npm run api, and commit what it writes.');
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
