// A test that needs a program or a right that may not be here: it runs, or is counted as skipped and says why.

import type { suite } from 'uvu';

/** @param why it can't be run here; null if it can. */
export function testUnless(
  why: string | null,
  test: ReturnType<typeof suite>,
  name: string,
  run: () => Promise<void>,
): void {
  if (why === null) {
    test(name, run);
    return;
  }
  console.log(`\nskipped: ${name}: ${why}`);
  test.skip(name, run);
}
