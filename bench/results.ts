import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Flags } from './flags.js';
import type { Machine } from './machine.js';
import { BENCH } from './paths.js';

/** Writes what was measured as JSON, and what was printed as Markdown; returns the files. */
export function saveResults(
  results: { machine: Machine; flags: Pick<Flags, 'parts'> },
  printed: readonly string[],
): string[] {
  const folder = join(BENCH, 'results');
  mkdirSync(folder, { recursive: true });
  const { machine, flags } = results;
  const path = join(folder, resultName(machine, flags));
  writeFileSync(`${path}.json`, `${JSON.stringify(results, undefined, 2)}\n`);
  writeFileSync(
    `${path}.md`,
    `# ${flags.parts.join(', ')}: ${machine.date}\n\n\`\`\`\n${printed.join('\n').trim()}\n\`\`\`\n`,
  );
  return [`${path}.json`, `${path}.md`];
}

/** `2026-01-31-speed-stop-1a2b3c4`: the day, what was measured and of which commit. */
export function resultName(machine: Pick<Machine, 'date' | 'genlock'>, { parts }: Pick<Flags, 'parts'>): string {
  return [machine.date.slice(0, 10), ...parts, machine.genlock.replaceAll(/[^\w.-]/g, '-')].join('-');
}
