import { testCorpus } from './testCorpus.js';

// Every page, in few frames: as a whole, and entered in the middle.
testCorpus({
  frames: 12,
  splits: [{ name: 'whole' }, { name: 'entered at 5', from: 5 }],
  concurrency: 3,
  table: 'corpus',
});
