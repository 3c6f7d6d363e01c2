import { CORPUS } from './corpus.js';
import { testCorpus } from './testCorpus.js';

// Every page, in every way that a render can be split.
testCorpus({
  pages: CORPUS,
  frames: 30,
  splits: [
    { name: '1 worker', concurrency: 1 },
    { name: '2 workers', concurrency: 2 },
    { name: '5 workers', concurrency: 5 },
    { name: 'entered at 17', from: 17 },
    { name: 'jumped to 17', from: 17, entry: 'seek' },
  ],
  concurrency: 1,
  table: 'corpus.long',
});
