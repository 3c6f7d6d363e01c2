import { testExamples } from './testExamples.js';

// A part from the middle of most: its frames are right only if those before them were run. The render
// itself compares the frame at which the second worker begins with the same one of the first.
testExamples({ workers: [2], frames: 6 });
