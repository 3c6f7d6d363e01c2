import type { RendererOptions } from '../types.js';

/** The options with which the test page is rendered. */
export const PICTURE = { width: 160, height: 90, fps: 30 } as const;

/** Message of the error that the page throws at the frame `throwAt`. */
export const THROWN = 'the test page throws on purpose';

/** The grey level (0 to 255) that fills the page at frame n. */
export function greyOf(frame: number): number {
  return 40 + 8 * (frame % 20);
}

/** Address, valid on every machine, of a page whose grey level identifies the frame. */
export const TEST_PAGE = `data:text/html,${encodeURIComponent(`<!doctype html><title>test page</title><script>
  const { throwAt } = window.genlock?.props ?? {};
  function draw() {
    const frame = Math.round((performance.now() * ${PICTURE.fps}) / 1000);
    const grey = 40 + 8 * (frame % 20);
    document.documentElement.style.background = 'rgb(' + [grey, grey, grey] + ')';
    if (frame === throwAt) throw new Error('${THROWN}');
    requestAnimationFrame(draw);
  }
  requestAnimationFrame(draw);
</script>`)}`;

/** A range of frames of the test page. */
export interface Range {
  startFrame: number;
  frameCount: number;
}

/** The options of a chunk, as an orchestrator makes them. */
export function chunkOptions(range: Range, own: Partial<RendererOptions>, throwAt?: number): RendererOptions {
  return {
    ...PICTURE,
    encoderThreads: 1,
    ...own,
    ...range,
    ...(throwAt === undefined ? {} : { inputProps: { throwAt } }),
  };
}
