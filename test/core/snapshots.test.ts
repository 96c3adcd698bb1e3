// A document is opened from its newest snapshot and the log behind it, and is the same as the whole log makes; compaction
// drops only what a snapshot covers, and damage is told, never served and never an empty document.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Projects } from '../../src/core/projects.ts';
import { RejoinError } from '../../src/errors.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import type { Change } from '../../src/store/change.ts';
import { ProjectLog } from '../../src/store/project-log.ts';
import { chunkBytes, findSnapshots, removeSnapshots, type Snapshot } from '../../src/store/snapshots.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { openProjects, testLife } from '../support/memory-projects.ts';
import { randomHistory } from '../support/random-edits.ts';
import { sameDocument } from '../support/same-document.ts';
import { testSeed } from '../support/seed.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const yjs = { protocol: 'yjs', user: 'anonymous' } as const;
const keys = new ProjectKeys('p');
const test = suite('snapshots');

test('a document that grows gets a snapshot by itself, and the next one who opens it gets the same document', async () => {
  const store = new MemoryStore();
  const first = openProjects(store);
  const doc = await typeInto(first.projects, 2_500);
  await until('a snapshot is there', async () => (await snapshotsOf(store)).length > 0);
  await first.projects.close();
  await store.reopen();

  const replayed = countingReads(store);
  const second = openProjects(replayed.store);
  sameDocument(await documentOf(second.projects), doc);
  const [newest] = await snapshotsOf(store);
  assert.ok(newest && newest.position >= 1_000, `position ${newest?.position ?? 0}`);
  assert.is(replayed.records(), 2_500 - newest.position); // only what it doesn't cover was read
  assert.equal([...first.events, ...second.events], []);
  await second.projects.close();
});

test('a long log that no snapshot covers gets one when its document is opened, and is compacted', async () => {
  const store = new MemoryStore();
  const first = openProjects(store);
  const doc = await typeInto(first.projects, 1_500);
  await first.projects.close();
  await store.reopen();
  await removeSnapshots(store, keys, new Set());
  const second = openProjects(store, { upkeep: { keepUpdatesMs: 0 } });
  sameDocument(await documentOf(second.projects), doc);
  await until('it is compacted', async () => (await changesOf(store)).every(({ update }) => update === null));
  assert.is((await snapshotsOf(store))[0]?.position, 1_500);
  sameDocument(await documentOf(second.projects), doc);
  await second.projects.close();
});

test('random documents: snapshot and tail make what the whole log makes, also when they change meanwhile', async () => {
  const random = prng.create(testSeed('snapshots of random documents'));
  for (let round = 0; round < 12; round++) {
    const store = new MemoryStore();
    const { projects, events } = openProjects(store, { upkeep: { keepUpdatesMs: 0 } });
    const { updates } = randomHistory(random, 260);
    const whole = new Y.Doc();
    for (const update of updates) Y.applyUpdate(whole, update);
    await projects.use('p', async (project) => {
      let closing = Promise.resolve();
      for (const [index, update] of updates.entries()) {
        const outcome = await project.applyUpdate(update, yjs);
        assert.is(outcome.type, 'accepted');
        if (index % 120 === 110) closing = project.closeDocument(() => prng.bool(random));
      }
      await closing;
      await project.closeDocument(() => false);
    });
    assert.ok((await snapshotsOf(store)).length > 0, 'there is a snapshot');
    sameDocument(await documentOf(projects), whole);
    assert.not.ok(events.some(({ type }) => type !== 'value-not-json'));
    await projects.close();
  }
});

test('what has grown is stored in chunks of 256 KiB', async () => {
  const store = new MemoryStore();
  const { projects } = openProjects(store);
  const doc = new Y.Doc();
  doc.getArray('list').push(Array.from({ length: 3_000 }, (_, index) => `${index} `.repeat(100)));
  await accept(projects, [Y.encodeStateAsUpdate(doc)]);
  await until('a snapshot is there', async () => (await snapshotsOf(store)).length > 0);
  const [snapshot] = await snapshotsOf(store);
  const sizes: number[] = [];
  for await (const page of store.scan({ ...keys.snapshotsBelow(null), limit: snapshot?.chunks ?? 0 }))
    for (const { value } of page) sizes.push(value.length);
  assert.ok(sizes.length > 3, `${sizes.length} chunks`);
  for (const size of sizes) assert.ok(size <= chunkBytes + 8, `${size} bytes`);
  await projects.close();
});

test('compaction drops the updates that snapshots cover: headers, objects and history stay', async () => {
  const store = new MemoryStore();
  const { projects, events } = openProjects(store, { upkeep: { keepUpdatesMs: 0 } });
  await uploadEntry(projects, 'p', 'before');
  const doc = await typeInto(projects, 1_500);
  await uploadEntry(projects, 'p', 'after');
  const before = await changesOf(store);
  await projects.use('p', (project) => project.closeDocument(() => false));
  await projects.upkeep.tidy('p');
  const after = await changesOf(store);
  const limit = (await snapshotsOf(store)).at(-1)?.position ?? 0;
  assert.ok(limit >= 1_000, `compacted up to ${limit}`);
  assert.equal(
    after.map((change) => change.update !== null),
    after.map(({ position }) => position > limit),
  );
  assert.equal(after.map(withoutUpdate), before.map(withoutUpdate));

  const reopened = openProjects(store);
  const copy = await documentOf(reopened.projects);
  assert.equal(copy.getText('text').toJSON(), doc.getText('text').toJSON());
  assert.equal([...copy.getMap('entries').keys()].sort(), ['after', 'before']);
  assert.equal([...events, ...reopened.events], []);
  await projects.close();
});

test('updates stay for as long as was asked for, by the age of the snapshots that cover them', async () => {
  const store = new MemoryStore();
  const { projects, clock } = openProjects(store, { upkeep: { keepUpdatesMs: 1_000_000 } });
  await typeInto(projects, 1_200);
  await projects.use('p', (project) => project.closeDocument(() => false));
  const kept = async (): Promise<number> =>
    (await changesOf(store)).filter(({ update }) => update !== null).length;
  clock.nowMs += 900_000;
  await projects.upkeep.sweep();
  assert.is(await kept(), 1_200);
  clock.nowMs += 200_000;
  await projects.upkeep.sweep();
  assert.ok((await kept()) < 300, `${await kept()} are kept`);
  await documentOf(projects);
  await projects.close();
});

test('nothing is being read while compaction gives space back: what is read would be kept', async () => {
  const store = new MemoryStore();
  const first = openProjects(store);
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  for (let i = 0; i < 110; i++) doc.getMap('map').set('key', `${i} `.repeat(10_000));
  await accept(first.projects, updates);
  await first.projects.use('p', (project) => project.closeDocument(() => false));
  await first.projects.close();
  await store.reopen();
  let scans = 0;
  const scansAtCompact: number[] = [];
  const watched: Store = {
    get: (key) => store.get(key),
    write: (batch) => store.write(batch),
    approximateSize: (range) => store.approximateSize(range),
    compact: () => {
      scansAtCompact.push(scans);
      return store.compact();
    },
    probe: () => store.probe(),
    reopen: () => store.reopen(),
    close: () => store.close(),
    async *scan(range) {
      scans++;
      try {
        yield* store.scan(range);
      } finally {
        scans--;
      }
    },
  };
  const { projects } = openProjects(watched, { upkeep: { keepUpdatesMs: 0 } });
  await projects.upkeep.sweep();
  assert.equal(scansAtCompact, [0]);
  await projects.close();
});

test('a snapshot that is damaged is told, and the one before it with the log makes the document', async () => {
  const { store, doc } = await withTwoSnapshots();
  const [newest] = await snapshotsOf(store);
  await flip(store, keys.snapshotChunk(newest?.position ?? 0, 0));
  const { projects, events } = openProjects(store);
  sameDocument(await documentOf(projects), doc);
  assert.equal(
    events.map(({ type }) => type),
    ['damage'],
  );
  assert.match(events[0]?.detail ?? '', /checksum/);
  await projects.close();
});

test('a document that is closed while its snapshot is due keeps the one before: none is made twice', async () => {
  const store = new MemoryStore();
  const { projects } = openProjects(store);
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  for (let i = 0; i < 2_000; i++) doc.getText('text').insert(0, 'x');
  await accept(projects, updates.slice(0, 1_000));
  await until('a snapshot is there', async () => (await snapshotsOf(store)).length === 1);
  await accept(projects, updates.slice(1_000));
  await projects.use('p', (project) => project.closeDocument(() => false));
  assert.equal(
    (await snapshotsOf(store)).map(({ position }) => position),
    [2_000, 1_000],
  );
  await projects.close();
});

test('with no snapshot that can be read a compacted document is damaged: never empty, and open again once it is healed', async () => {
  const { store, doc } = await withTwoSnapshots();
  const damaged = (await snapshotsOf(store)).map(({ position }) => keys.snapshotChunk(position, 0));
  for (const key of damaged) await flip(store, key);
  const { projects, clock } = openProjects(store);
  await projects.use('p', async (project) => {
    for (let tries = 0; tries < 3; tries++) {
      const failure = await project.encode(() => 'served').catch((error: unknown) => error);
      assert.instance(failure, RejoinError);
      assert.is((failure as RejoinError).code, 'damaged');
    }
    for (const key of damaged) await flip(store, key);
    clock.nowMs += 1_500; // it isn't read again at once
    assert.is(await project.encode(({ store: { clients } }) => clients.size), doc.store.clients.size);
  });
  sameDocument(await documentOf(projects), doc);
  await projects.close();
});

test('nothing is compacted for a snapshot that can not be read', async () => {
  const store = new MemoryStore();
  const first = openProjects(store);
  await typeInto(first.projects, 1_200);
  await first.projects.use('p', (project) => project.closeDocument(() => false));
  await first.projects.close();
  await store.reopen();
  for (const { position } of await snapshotsOf(store)) await flip(store, keys.snapshotChunk(position, 0));
  const { projects, events } = openProjects(store, { upkeep: { keepUpdatesMs: 0 } });
  await projects.upkeep.sweep();
  assert.is((await changesOf(store)).filter(({ update }) => update).length, 1_200);
  assert.equal([...new Set(events.map(({ type }) => type))], ['damage']);
  await projects.close();
});

test('a store that fails while a snapshot is written: what there is of it counts for nothing', async () => {
  const random = prng.create(testSeed('failures during snapshots'));
  for (let round = 0; round < 10; round++) {
    const store = new FaultyStore();
    const { projects, events } = openProjects(store, { upkeep: { keepUpdatesMs: 0 } });
    const doc = await typeInto(projects, 1_100);
    const isStored = prng.bool(random);
    const skip = prng.int32(random, 0, 3);
    await projects.use('p', async (project) => {
      const closing = project.closeDocument(() => true);
      for (let turns = 0; turns < skip; turns++) await new Promise(setImmediate);
      store.failNext(isStored ? 'is stored' : 'is lost');
      await closing;
      await uploadEntry(projects, 'p', 'x').catch(() => undefined); // if nothing else has met the failure
      await project.flush().catch(() => undefined);
      await project.closeDocument(() => false);
    });
    const copy = await documentOf(projects);
    assert.is(copy.getText('text').toJSON(), doc.getText('text').toJSON());
    assert.not.ok(events.some(({ type }) => type === 'damage'));
    await projects.close();
  }
});

/** Types so many letters, each an update of its own. @returns the author's document. */
async function typeInto(projects: Projects, letters: number): Promise<Y.Doc> {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  for (let i = 0; i < letters; i++) {
    if (i % 10 === 9) doc.getText('text').delete(i % 7, 1);
    else doc.getText('text').insert((i * 7) % (doc.getText('text').length + 1), 'abcdefghij'.charAt(i % 10));
  }
  await accept(projects, updates);
  return doc;
}

async function accept(projects: Projects, updates: readonly Uint8Array[]): Promise<void> {
  await projects.use('p', async (project) => {
    const outcomes = await Promise.all(updates.map((update) => project.applyUpdate(update, yjs)));
    for (const outcome of outcomes) await (outcome.type === 'accepted' ? outcome.durable : undefined);
  });
}

/** A compacted project with two snapshots and a tail behind each. */
async function withTwoSnapshots(): Promise<{ store: MemoryStore; doc: Y.Doc }> {
  const disk = new MemoryDisk();
  const store = new MemoryStore(disk);
  const { projects } = openProjects(store, { upkeep: { keepUpdatesMs: 0 } });
  const doc = new Y.Doc();
  for (let round = 0; round < 2; round++) {
    const updates: Uint8Array[] = [];
    const take = (update: Uint8Array): void => void updates.push(update);
    doc.on('update', take);
    for (let i = 0; i < 600; i++) doc.getText('text').insert(0, 'x');
    doc.off('update', take);
    await accept(projects, updates);
    await projects.use('p', (project) => project.closeDocument(() => false));
  }
  await projects.close();
  await store.reopen();
  assert.is((await snapshotsOf(store)).length, 2);
  assert.ok(
    (await changesOf(store)).some(({ update }) => update === null),
    'it is compacted',
  );
  return { store, doc };
}

async function documentOf(projects: Projects): Promise<Y.Doc> {
  const doc = new Y.Doc();
  const state = await projects.use('p', (project) => project.encode((from) => Y.encodeStateAsUpdate(from)));
  Y.applyUpdate(doc, state);
  return doc;
}

async function snapshotsOf(store: Store): Promise<Snapshot[]> {
  const found: Snapshot[] = [];
  for await (const snapshot of findSnapshots(store, keys, assert.unreachable)) found.push(snapshot);
  return found;
}

async function changesOf(store: Store): Promise<Change[]> {
  const log = await ProjectLog.open(store, 'p', testLife.serverId);
  const changes: Change[] = [];
  for await (const page of log.read(1, log.durablePosition)) changes.push(...page);
  return changes;
}

function withoutUpdate(change: Change): Change {
  return { ...change, update: null };
}

/** Turns the last bit of a stored value over. */
async function flip(store: Store, key: Uint8Array): Promise<void> {
  const value = Uint8Array.from((await store.get(key)) ?? []);
  const last = value.length - 1;
  value[last] = (value[last] ?? 0) ^ 1;
  await store.write([{ key, value }]);
}

/** Counts the records that are read in scans of more than one. */
function countingReads(store: MemoryStore): { store: Store; records: () => number } {
  let records = 0;
  const all = keys.allRecords();
  const counting: Store = {
    get: (key) => store.get(key),
    write: (batch) => store.write(batch),
    approximateSize: (range) => store.approximateSize(range),
    compact: () => store.compact(),
    probe: () => store.probe(),
    reopen: () => store.reopen(),
    close: () => store.close(),
    async *scan(range) {
      for await (const page of store.scan(range)) {
        const isRecords =
          Buffer.compare(range.from, all.from) >= 0 && Buffer.compare(range.from, all.before) < 0;
        if (isRecords && range.limit !== 1) records += page.length;
        yield page;
      }
    },
  };
  return { store: counting, records: () => records };
}

test.run();
