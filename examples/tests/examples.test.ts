import { testExamples } from './testExamples.js';

/** Those that differ most in what draws them. */
const FEW = ['title-sequence', 'gsap-timeline', 'lottie', 'three', 'web-font', 'smil', 'data-driven'];

// A part from the middle of most: its frames are right only if those before them were run. The render
// itself compares the frame at which the second worker begins with the same one of the first.
testExamples({ pages: FEW, workers: [2], frames: 6 });
