// The seed of a random test: printed, so that a run that failed can be repeated and kept as a named test.

import * as prng from 'lib0/prng';

/** The seed for the test `name`: REJOIN_TEST_SEED when it is set, else a fresh one. Prints it. */
export function testSeed(name: string): number {
  const given = Number(process.env.REJOIN_TEST_SEED);
  const seed = Number.isInteger(given) && given > 0 ? given : 1 + Math.floor(Math.random() * 0x7fff_fffe);
  console.log(`seed of ${name}: ${seed} (REJOIN_TEST_SEED=${seed} repeats it)`);
  return seed;
}

/** A generator that starts from `testSeed(name)`. */
export function seededPrng(name: string): prng.PRNG {
  return prng.create(testSeed(name));
}
