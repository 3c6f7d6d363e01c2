import { testExamples } from './testExamples.js';

testExamples({ workers: [3, 1] });
