import { testAgain } from './testAgain.js';

// What could depend on the machine is the same each time, also where the machine has much else to do.
testAgain({ busyLoops: 6, table: 'corpus.busy' });
