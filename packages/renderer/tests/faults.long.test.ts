import { cells, testCells } from './support/matrixTests.js';

// Every cell, those that also run every time among them: the whole matrix is printed from one run.
testCells('faults.long', cells());
