import { CORPUS } from './corpus.js';
import { testCorpus } from './testCorpus.js';

// The planes of the compositor are the same in every split, too.
testCorpus({
  pages: CORPUS,
  frames: 30,
  mode: 'compositor',
  splits: [
    { name: '1 worker', concurrency: 1 },
    { name: '3 workers', concurrency: 3 },
    { name: 'entered at 17', from: 17 },
  ],
  concurrency: 1,
  table: 'corpus.compositor.long',
});
