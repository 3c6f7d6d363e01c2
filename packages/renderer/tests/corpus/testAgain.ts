import { CORPUS } from './corpus.js';
import { testCorpus, type CorpusTest } from './testCorpus.js';

/** Pages whose frames depend on what the browser does in a time of its own: it loads, decodes, remembers, animates. */
const HASTY =
  /^(data-base|files|locks|streams|import|meta-refresh|goes-on|poll-|window-open|steps-|smil|many-animations|layer-|mediabunny|web-codecs|audio-codecs|image-decoder|svg-references|css-references|load-|late-answers|lazy-|content-visibility|srcdoc|iframe-late|view-transition|intersection-observer|worker|webgl-shader|video$)/;

/** Renders such pages with 1, 2 and 5 workers, twice each. */
export function testAgain(test: Pick<CorpusTest, 'busyLoops' | 'table'>): void {
  testCorpus({
    pages: CORPUS.filter(({ name }) => HASTY.test(name)),
    frames: 20,
    splits: [
      { name: '1 worker', concurrency: 1 },
      { name: '2 workers', concurrency: 2 },
      { name: '5 workers', concurrency: 5 },
      { name: '1 worker again', concurrency: 1 },
      { name: '2 workers again', concurrency: 2 },
      { name: '5 workers again', concurrency: 5 },
    ],
    concurrency: 1,
    ...test,
  });
}
