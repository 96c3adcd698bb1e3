// A log whose changes came back in another order than theirs: other servers are given a snapshot, also when the server stops, or its
// store fails, before the log is compacted.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { RejoinError } from '../../src/errors.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { readKey } from '../../src/store/read-key.ts';
import type { Store, Write } from '../../src/store/store.ts';
import { isUnordered } from '../../src/store/unordered.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { notedStore, storeOf } from '../support/held-store.ts';
import {
  exchange,
  give,
  memoryServer,
  sameProject,
  strippedRecordsOf,
  type MemoryServer,
} from '../support/memory-servers.ts';
import { checked, putBack } from '../support/repair-by-hand.ts';
import { until } from '../support/until.ts';

const test = suite('unordered log');
const keys = new ProjectKeys('p');
const [damagedId, peerId, thirdId] = [5, 2, 9];

/** What is tried again is tried soon. */
const environment = {
  ...realEnvironment,
  after: (delayMs: number, run: () => void) => realEnvironment.after(delayMs / 20, run),
};

/** Fails once, at a certain batch. */
class FailingStore extends FaultyStore {
  failsAt: ((batch: readonly Write[]) => boolean) | null = null;
  outcome: 'is lost' | 'is stored' = 'is lost';

  override async write(batch: readonly Write[]): Promise<void> {
    if (this.failsAt?.(batch)) {
      this.failsAt = null;
      this.failNext(this.outcome);
    }
    await super.write(batch);
  }
}

async function type({ projects }: MemoryServer, text: string): Promise<void> {
  await projects.use('p', async (project) => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, await project.encode((each) => Y.encodeStateAsUpdate(each)));
    const before = Y.encodeStateVector(doc);
    doc.getText('text').insert(doc.getText('text').length, text);
    await project.applyUpdate(Y.encodeStateAsUpdate(doc, before), { protocol: 'yjs', user: 'ann' });
    await project.settled();
  });
}

/**
 * A server that has lost the first two changes, with their numbers: its own, and its peer's that builds on it. The peer has both. By
 * their numbers either may have been the first, and the peer's comes back first.
 */
async function damagedBeside(store: Store): Promise<{ damaged: MemoryServer; peer: MemoryServer }> {
  const [before, peer] = [memoryServer(damagedId, store), memoryServer(peerId)];
  await type(before, 'one ');
  await exchange(before, peer);
  await type(peer, 'two ');
  await exchange(before, peer);
  await type(before, 'three ');
  await type(peer, 'four ');
  await exchange(before, peer);
  await before.projects.close();
  await store.reopen();
  await store.write([
    { key: keys.record(1), value: null },
    { key: keys.record(2), value: null },
    { key: keys.sequence(damagedId, 1), value: null },
    { key: keys.sequence(peerId, 1), value: null },
  ]);
  const damaged = memoryServer(damagedId, store, { environment });
  await checked(damaged);
  return { damaged, peer };
}

async function ordered(server: MemoryServer): Promise<void> {
  await until('the order is secured', async () => {
    try {
      return !(await isUnordered(server.store, keys));
    } catch (error) {
      if (error instanceof RejoinError && error.code === 'unavailable') return false; // it is being opened anew
      throw error;
    }
  });
}

/** A server that had nothing has everything. */
async function thirdTakesAll(from: MemoryServer): Promise<void> {
  const third = memoryServer(thirdId);
  await give(from, third);
  await sameProject(from, third, 'p', strippedRecordsOf);
  await third.projects.close();
}

function sectionsOf(batch: readonly Write[]): Set<string> {
  return new Set(
    batch.map(({ key }) => {
      const place = readKey(key);
      return place?.type === 'data' ? place.section : 'other';
    }),
  );
}

function isCompaction(batch: readonly Write[]): boolean {
  const sections = sectionsOf(batch);
  return sections.has('record') && sections.size === 1;
}

test('REP-7 changes that came back in another order are given as a snapshot, and the mark is written with them', async () => {
  const store = notedStore();
  const { damaged, peer } = await damagedBeside(store);
  const first = store.written.length;
  await putBack(damaged, peer);
  await ordered(damaged);
  const batches = store.written.slice(first);
  const marking = batches.find((batch) => sectionsOf(batch).has('unordered'));
  assert.ok(marking && sectionsOf(marking).has('record'), 'with a record');
  await thirdTakesAll(damaged);
});

test('REP-7 a restart at any moment between the repair and the compaction changes nothing', async () => {
  const store = notedStore();
  const { damaged, peer } = await damagedBeside(store);
  const first = store.written.length;
  await putBack(damaged, peer);
  await ordered(damaged);
  await damaged.projects.close();
  let marked = 0;
  for (let count = first; count <= store.written.length; count++) {
    const started = memoryServer(damagedId, await storeOf(store.written.slice(0, count)), { environment });
    if (await isUnordered(started.store, keys)) marked++;
    await putBack(started, peer); // opens it, and does no more where all is back
    await ordered(started);
    await thirdTakesAll(started);
    await started.projects.close();
  }
  assert.ok(marked >= 3, `only ${marked} of the moments were in between: the test would show nothing`);
});

test('REP-7 a write of the compaction that fails is done again', async () => {
  const moments = [
    ['of a snapshot', (batch: readonly Write[]) => sectionsOf(batch).has('snapshot')],
    ['of the compaction', isCompaction],
    [
      'of its end',
      (batch: readonly Write[]) =>
        batch.some(({ key, value }) => !value && Buffer.compare(key, keys.unordered) === 0),
    ],
  ] as const;
  for (const [name, failsAt] of moments)
    for (const outcome of ['is lost', 'is stored'] as const) {
      const store = new FailingStore();
      const { damaged, peer } = await damagedBeside(store);
      Object.assign(store, { failsAt, outcome });
      await putBack(damaged, peer);
      await ordered(damaged);
      assert.is(store.failsAt, null, `a write ${name} failed`);
      assert.is(store.reopened > 1, true, name);
      await thirdTakesAll(damaged);
      await damaged.projects.close();
    }
});

test.run();
