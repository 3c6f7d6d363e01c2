import { testAgain } from './testAgain.js';

// What could depend on the machine is the same each time.
testAgain({ busyLoops: 0, table: 'corpus.idle' });
