import { AuthorClock } from '../../src/client/author-clock.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';

const test = suite('author clock');

test('each time is later than the one before, but never far ahead of the clock', () => {
  let nowMs = 5_000;
  const clock = new AuthorClock({ now: () => nowMs });
  assert.equal([clock.next(), clock.next(), clock.next()], [5_000, 5_001, 5_002]);
  nowMs = 6_000;
  assert.is(clock.next(), 6_000);
  const burst = Array.from({ length: 3_000 }, () => clock.next());
  assert.is(burst.at(-1), 7_000);
  nowMs = 4_000; // set back
  assert.is(clock.next(), 5_000);
});

test('WS-16 what follows a version is later than it', () => {
  const clock = new AuthorClock({ now: () => Date.parse('2024-05-17T09:30:00.000Z') });
  assert.is(clock.next('2024-05-17T11:00:00.000Z'), Date.parse('2024-05-17T11:00:00.001Z'));
  assert.is(clock.next('2024-05-17T08:00:00.000Z'), Date.parse('2024-05-17T09:30:00.001Z'));
});

test.run();
