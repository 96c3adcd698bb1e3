// Of the writes on their way to the disk one may fail before another that was begun earlier.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WritesInFlight } from '../../src/core/writes-in-flight.ts';
import { someTurns } from '../support/held-store.ts';

const test = suite('writes-in-flight');

test('all is settled when the last of all has ended, in whatever order they fail', async () => {
  const writes = new WritesInFlight(() => undefined);
  let failFirst = (): void => undefined;
  const first = new Promise<void>((_, reject) => (failFirst = () => reject(new Error('the first'))));
  const shown: string[] = [];
  const tracked = [
    writes.track(first, () => shown.push('first')),
    writes.track(Promise.reject(new Error('the second')), () => shown.push('second')),
  ];
  let settled: unknown = 'not yet';
  void writes.settled.catch((error: unknown) => (settled = error));
  await someTurns();
  assert.is(settled, 'not yet');
  assert.not.ok(writes.isEmpty);
  failFirst();
  await Promise.allSettled(tracked);
  await someTurns();
  assert.is((settled as Error).message, 'the first');
  assert.ok(writes.isEmpty);
  assert.equal(shown, []);
  writes.forget();
  await writes.settled;
});

test.run();
