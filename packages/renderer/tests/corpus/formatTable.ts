import type { CorpusPage } from './corpus.js';

/** What was seen of a page. */
export interface Row {
  page: CorpusPage;
  /** How many of its frames differ from all before them; undefined if it was not rendered. */
  unique: number | undefined;
  /** For each other split, how many frames are not what the first split made. */
  wrong: Map<string, number>;
  /** Why it failed. */
  problem: string | undefined;
}

interface Way {
  name: string;
  entry?: 'seek' | 'replay';
}

/** The pages in the order of the corpus, a line each; `splits` are the ways that were compared, `frames` how many. */
export function formatTable(
  { frames, splits }: { frames: number; splits: readonly [Way, ...Way[]] },
  rows: readonly Row[],
): string {
  const [first, ...others] = splits;
  const header = ['page', 'moved by', 'unique', first.name, ...others.map(({ name }) => name), 'verdict'];
  const lines = rows.map(({ page, unique, wrong, problem }) => [
    page.name,
    page.shows,
    unique === undefined ? '-' : `${unique} of ${frames}`,
    unique === undefined ? '-' : 'made',
    ...others.map(({ name, entry }) => {
      const text = cell(wrong.get(name));
      // A jump is not claimed to be right for this page.
      return entry === 'seek' && !page.timeAlone ? `(${text})` : text;
    }),
    problem === undefined ? 'identical' : page.notYet === undefined ? 'DIFFERS' : 'not yet',
  ]);
  const widths = header.map((title, column) => Math.max(title.length, ...lines.map((line) => line[column]!.length)));
  const format = (line: string[]) =>
    line
      .map((text, column) => text.padEnd(widths[column]!))
      .join('  ')
      .trimEnd();
  const wrong = rows.filter(({ problem }) => problem !== undefined);
  return [
    ...[header, ...lines].map(format),
    '',
    ...wrong.map(
      ({ page, problem }) => `${page.name}: ${page.notYet === undefined ? '' : `${page.notYet}; `}${problem}`,
    ),
    `${rows.length - wrong.length} of ${rows.length} pages are identical.`,
    '',
  ].join('\n');
}

function cell(wrong: number | undefined): string {
  if (wrong === undefined) return '-';
  return wrong === 0 ? 'same' : `${wrong} differ`;
}
