/** True in `npm run test:all` and `npm run test:faults`, which have more time than `npm test`. */
export const isLong = process.env['GENLOCK_TESTS'] === 'all';

/** For the options of a test that takes longer than a test that always runs should. */
export const LONG = { skip: isLong ? false : 'one of the long tests' };

/** Every third of a list, from its first on, in the tests that always run; all of it in the long ones. */
export function everyThird<Item>(list: readonly Item[]): readonly Item[] {
  return list.filter((_, index) => isLong || index % 3 === 0);
}

/** True where renders are tried as on a system that has no setpriv and no unshare. */
export const WITHOUT_HARDENING = process.env['GENLOCK_TEST_HARDENING'] === 'off';
