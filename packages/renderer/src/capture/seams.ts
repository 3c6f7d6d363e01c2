import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import type { JobScope } from '../lifecycle/JobScope.js';
import type { ResolvedOptions } from '../options/options.js';
import { describePage } from '../page/describe.js';
import { callSource } from '../page/source.js';
import type { SeamSide } from '../events.js';
import type { ScreenshotSource } from './ScreenshotSource.js';

/** The maximum number of elements that are described: more would take longer than drawing the frame. */
const MAX_ELEMENTS = 5000;

/** The paths of the files about one side of a seam. `prefix` is the option `seamFiles`. */
export function seamFiles(prefix: string, side: SeamSide): { picture: string; page: string } {
  return { picture: `${prefix}.${side}.png`, page: `${prefix}.${side}.json` };
}

/**
 * Writes the picture of a frame at a seam to a file, with a description of the page's elements, and emits a `seam`
 * event with its hash. If the frame was not captured as a picture (`drawn`), a screenshot is taken.
 */
export async function recordSeam(
  source: ScreenshotSource,
  options: ResolvedOptions,
  scope: JobScope,
  side: SeamSide,
  drawn?: Buffer,
): Promise<void> {
  if (options.seamFiles === undefined) return;
  const png = drawn ?? (await source.picture());
  const files = seamFiles(options.seamFiles, side);
  const state = await pageState(source, options, scope);
  const writing = Promise.all([writeFile(files.picture, png), writeFile(files.page, state)]);
  await scope.wait(writing, options.deadlines.capture, 'the picture of a seam to be written');
  scope.emit({
    type: 'seam',
    side,
    worker: scope.worker,
    frame: source.next - 1,
    hash: createHash('sha256').update(png).digest('hex'),
    jumped: source.jumped,
    drawn: source.drewAll,
    exact: source.page.session.beginFrameControl,
  });
}

/** Describes the current elements of the page: a list of ElementState as JSON. */
export async function pageState(source: ScreenshotSource, options: ResolvedOptions, scope: JobScope): Promise<string> {
  const expression = `JSON.stringify(${callSource(describePage, MAX_ELEMENTS)})`;
  const answer = source.page.session.send('Runtime.evaluate', { expression, returnByValue: true });
  const { result } = await scope.wait(answer, options.deadlines.capture, 'the page to describe its elements');
  return typeof result.value === 'string' ? result.value : '[]';
}
