import { CORPUS } from './corpus.js';
import { testCorpus } from './testCorpus.js';

/** Of the pages before these each one has a single source of time, which the tests of the clock look at too. */
const FIRST_LIBRARY = CORPUS.findIndex(({ name }) => name === 'lottie');

// Libraries, and pages that remember, in few frames: as a whole, and entered in the middle.
testCorpus({
  pages: CORPUS.slice(FIRST_LIBRARY),
  frames: 12,
  splits: [{ name: 'whole' }, { name: 'entered at 5', from: 5 }],
  concurrency: 3,
  table: 'corpus',
});
