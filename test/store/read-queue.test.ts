// Group reading: who shares a read with whom, and what becomes of them when it fails.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ReadQueue } from '../../src/store/read-queue.ts';

const queue = suite('read queue');

const key = (name: string): Buffer => Buffer.from(name);

/** A queue over a store that has every key but `none` and can't read `bad`. */
function countingQueue() {
  const reads: string[] = [];
  const reading = new ReadQueue(async (keys) => {
    const names = keys.map((each) => Buffer.from(each).toString());
    reads.push(names.join());
    await new Promise(setImmediate);
    if (names.includes('bad')) throw new Error('damaged');
    return keys.map((each, index) => (names[index] === 'none' ? undefined : each));
  });
  return { reads, get: (name: string) => reading.get(key(name)) };
}

queue('what is asked for at once, or during a read, is read together, each with its own answer', async () => {
  const { reads, get } = countingQueue();
  const first = Promise.all([get('a'), get('none')]);
  await Promise.resolve();
  await Promise.resolve();
  const later = Promise.all([get('b'), get('c')]);
  assert.equal(await first, [key('a'), undefined]);
  assert.equal(await later, [key('b'), key('c')]);
  assert.equal(reads, ['a,none', 'b,c']);
  assert.equal(await get('d'), key('d'));
});

queue('a key that cannot be read fails alone', async () => {
  const { get } = countingQueue();
  const outcomes = await Promise.allSettled([get('a'), get('bad'), get('b')]);
  assert.equal(
    outcomes.map(({ status }) => status),
    ['fulfilled', 'rejected', 'fulfilled'],
  );
  assert.equal(await get('c'), key('c'));
});

queue.run();
