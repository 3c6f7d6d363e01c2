import { CORPUS } from './corpus.js';
import { testCorpus } from './testCorpus.js';

/** Libraries that differ in how they draw, pages that remember, layers, and what takes real time. */
const FEW = ['lottie', 'gsap', 'layer-ways', 'accumulating-canvas', 'random-walk', 'mediabunny', 'svg-references'];

// In few frames: as a whole, and entered in the middle.
testCorpus({
  pages: CORPUS.filter(({ name }) => FEW.includes(name)),
  frames: 12,
  splits: [{ name: 'whole' }, { name: 'entered at 5', from: 5 }],
  concurrency: 3,
  table: 'corpus',
});
