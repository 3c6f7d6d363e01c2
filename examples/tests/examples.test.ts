import { testExamples } from './testExamples.js';

// A part from the middle of most: its frames are right only if those before them were run.
testExamples({ workers: 2, frames: 6 });
