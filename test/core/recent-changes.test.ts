// WS-21: what readers get of the changes that are still in memory.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RecentChanges } from '../../src/core/recent-changes.ts';
import type { Change } from '../../src/store/change.ts';

const test = suite('recent changes');

function change(position: number, kib: number): Change {
  return {
    position,
    serverId: 1,
    seqno: position,
    groupIndex: 0,
    groupSize: 1,
    timeMs: 0,
    origin: { protocol: 'stream', user: 'u' },
    kind: 'entry',
    object: new Uint8Array(kib * 1024),
    update: null,
  };
}

function positionsAfter(recent: RecentChanges, position: number): number[] | undefined {
  return recent.after(position)?.map((next) => next.position);
}

test('WS-21 a reader gets some 256 KiB at a time, or one change', () => {
  const recent = new RecentChanges();
  recent.push([1, 2, 3, 4, 5].map((position) => change(position, 100)));
  assert.equal(positionsAfter(recent, 0), [1, 2, 3]);
  assert.equal(positionsAfter(recent, 3), [4, 5]);
  assert.equal(positionsAfter(recent, 5), undefined);
  recent.push([change(6, 5_000)]);
  assert.equal(positionsAfter(recent, 5), [6]);
  assert.equal(positionsAfter(recent, 0), undefined, 'it is in the store only');
});

test.run();
