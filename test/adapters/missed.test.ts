// YJS-11: what is remembered of updates that a client was not told.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Missed, type UpdateFrame } from '../../src/adapters/missed.ts';

const test = suite('missed');
const frameOf = (position: number, kib: number): UpdateFrame => ({
  frame: new Uint8Array(kib * 1024),
  position,
});

test('YJS-11 a few frames are kept as they are', () => {
  const missed = new Missed();
  const frames = [frameOf(1, 100), frameOf(2, 100)];
  for (const frame of frames) missed.add(frame);
  assert.not.ok(missed.isMuch);
  assert.equal(missed.takeFrames(), frames);
  assert.equal(missed.takeFrames(), []);
});

test('YJS-11 of many none is kept, nor of many that are tiny', () => {
  for (const [count, kib] of [[4, 100] as const, [1_000, 0] as const]) {
    const missed = new Missed();
    for (let position = 1; position <= count; position++) missed.add(frameOf(position, kib));
    assert.ok(missed.isMuch);
    assert.equal(missed.takeFrames(), []);
  }
});

test.run();
