import type { PageVerdict, WayVerdict } from '@genlock/renderer';
import { formatRange, formatSeconds, plural } from '../format.js';
import { printable } from '../printable.js';
import { table } from './table.js';

const TITLES: Readonly<Record<WayVerdict['way'], string>> = {
  twice: 'a second time',
  many: 'by many workers',
  seek: 'by a jump',
};

/**
 * What `genlock verify` has found out: a table, what differs and where to look at it, the verdict. `declaresSeek` says
 * that the page declares that its picture depends on the time alone.
 */
export function verdictLines(verdict: PageVerdict, declaresSeek: boolean): string[] {
  const { samples, ways, pictures, wallMs, exact } = verdict;
  const rows = samples.map((sample) => [formatRange(sample), ...ways.map((way) => cell(way, sample.startFrame))]);
  const differences = ways.flatMap(({ way, difference }) => {
    if (!difference) return [];
    const { frame, page, picture } = difference;
    const lines = page.map((line) => `    ${printable(line)}`);
    return [
      '',
      `frame ${frame}, drawn ${TITLES[way]}, differs:`,
      ...lines,
      `  ${picture} (once, ${TITLES[way]}, and in red what differs)`,
    ];
  });
  return [
    ...table(['frames', ...ways.map(({ way }) => TITLES[way])], rows),
    ...differences,
    '',
    ...verdictText(verdict, declaresSeek),
    ...(exact ? [] : [INEXACT]),
    `${plural(pictures, 'picture')} compared in ${formatSeconds(wallMs / 1000)}`,
  ];
}

/** One sample drawn in one way. */
function cell({ samples }: WayVerdict, startFrame: number): string {
  const sample = samples.find((each) => each.startFrame === startFrame);
  // Nothing to jump over.
  if (!sample) return '-';
  const [first] = sample.differing;
  return first === undefined ? 'same' : `differs at ${first}`;
}

const INEXACT =
  'note: this browser has no begin-frame control and may differ by itself, by what nobody sees ' +
  '(chromium-headless-shell on Linux has it)';

function verdictText({ deterministic, seekable }: PageVerdict, declaresSeek: boolean): string[] {
  if (seekable) {
    return ['deterministic: the page draws the same each time, and each picture depends on its frame alone'];
  }
  if (deterministic && declaresSeek) {
    return [
      'NOT as it declares itself ("entry": "seek"): taken straight to a frame, the page does not draw what it draws',
      'when it is taken through every frame. Remove the declaration: renders then replay the page.',
    ];
  }
  if (deterministic) {
    return [
      'deterministic, with state: taken through every frame, the page draws the same each time; taken straight',
      'to a frame it does not. Renders replay it, as long as they are not told to seek (--entry seek).',
    ];
  }
  return [
    'NOT deterministic: the page does not draw the same frames each time. Make the picture depend on the frame',
    'alone (genlock.frame, the clock, Math.random), not on what happens outside of the page.',
  ];
}
