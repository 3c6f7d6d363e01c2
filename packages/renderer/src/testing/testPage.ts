import type { RendererOptions } from '../types.js';

/** What the test page is rendered with. */
export const PICTURE = { width: 160, height: 90, fps: 30 } as const;

/** What the page throws at the frame `throwAt`. */
export const THROWN = 'the test page throws on purpose';

/** The page is one grey at a time: this one (0 to 255) at frame n. */
export function greyOf(frame: number): number {
  return 40 + 8 * (frame % 20);
}

/** A page that shows by its grey which frame it is, as an address that is right on every machine. */
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
