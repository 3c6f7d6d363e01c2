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
 * The result of `genlock verify`: a table, what differs with the path of its picture, and the verdict. `declaresSeek`:
 * whether the page declares that its picture depends on time alone.
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
      `  ${picture} (drawn once, drawn ${TITLES[way]}, and the differences in red)`,
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

/** The result for one sample drawn in one way. */
function cell({ samples }: WayVerdict, startFrame: number): string {
  const sample = samples.find((each) => each.startFrame === startFrame);
  // The jump leaves out a sample at frame 0, where there is nothing to jump over.
  if (!sample) return '-';
  const [first] = sample.differing;
  return first === undefined ? 'same' : `differs at ${first}`;
}

const INEXACT =
  'note: this browser has no begin-frame control, so pictures may differ invisibly through no fault of the page ' +
  '(use chromium-headless-shell on Linux)';

function verdictText({ deterministic, seekable }: PageVerdict, declaresSeek: boolean): string[] {
  if (seekable) {
    return ['deterministic: the page draws the same every time, and each picture depends only on its frame'];
  }
  if (deterministic && declaresSeek) {
    return [
      'NOT as declared ("entry": "seek"): after a jump straight to a frame, the page draws something else than when',
      'it goes through every frame. Remove the declaration, so that renders replay the page.',
    ];
  }
  if (deterministic) {
    return [
      'deterministic, with state: going through every frame, the page draws the same every time, but after a jump',
      'straight to a frame it does not. Renders replay it, unless they are told to seek (--entry seek).',
    ];
  }
  return [
    'NOT deterministic: the page does not draw the same frames every time. Make the picture depend only on the',
    'frame (genlock.frame, the clock, Math.random), not on anything outside the page.',
  ];
}
