// REP-12: how long a lost peer is left alone before the next try.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realEnvironment } from '../../src/model/environment.ts';
import { RetryPauses } from '../../src/replication/retry-pauses.ts';

const pauses = suite('pauses before a lost peer is tried again');

/** Chance that always draws the same byte. */
function withChance(byte: number): RetryPauses {
  return new RetryPauses({ ...realEnvironment, randomBytes: (count) => new Uint8Array(count).fill(byte) });
}

pauses('REP-12 the bound doubles from 2 to 30 seconds, for ever', () => {
  const longest = withChance(255);
  const bounds = Array.from({ length: 8 }, () => Math.round(longest.next() / 1000));
  assert.equal(bounds, [2, 4, 8, 16, 30, 30, 30, 30]);
  longest.reset();
  assert.is(Math.round(longest.next() / 1000), 2);
});

pauses('REP-12 no pause is shorter than a second, and they differ by chance', () => {
  const shortest = withChance(0);
  for (let i = 0; i < 8; i++) assert.is(shortest.next(), 1000);
  const real = new RetryPauses(realEnvironment);
  const drawn = new Set(Array.from({ length: 20 }, () => real.next()));
  assert.ok(drawn.size > 10, 'chance decides');
  for (const pause of drawn) assert.ok(pause >= 1000 && pause < 30_000);
});

pauses.run();
