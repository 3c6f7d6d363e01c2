// The whole matrix again, as on a system where the kernel cannot end processes with their parent.
process.env['GENLOCK_TEST_HARDENING'] = 'off';
const { cells, testCells } = await import('./support/matrixTests.js');

testCells('faults.plain.long', cells());
