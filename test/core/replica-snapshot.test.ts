// A server far behind one that has compacted its log is given a snapshot, the records without their updates, then the rest (REP-7):
// in the end it has what a full replay makes, wherever it is cut.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type * as Y from 'yjs';
import type { Projects } from '../../src/core/projects.ts';
import { RejoinError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { compactLog } from '../../src/store/compaction.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import { findSnapshots } from '../../src/store/snapshots.ts';
import type { Store, Write } from '../../src/store/store.ts';
import { FailingNthStore } from '../support/failing-nth-store.ts';
import { applyAll, compact, typeMuch } from '../support/compacted-project.ts';
import {
  acceptor,
  exchange,
  give,
  memoryServer,
  pagesFor,
  recordsOf,
  sameProject,
  strippedRecordsOf,
  type MemoryServer,
} from '../support/memory-servers.ts';
import { editUdtAtRandom } from '../support/random-udt-edits.ts';
import { seededPrng } from '../support/seed.ts';
import { nothingKnown, readSelected, readToHead } from '../support/selected.ts';
import { uploadEntry } from '../support/upload-entry.ts';

interface Context {
  a: MemoryServer;
  b: MemoryServer;
}

const test = suite<Context>('replica-snapshot');
const upkeep = { keepUpdatesMs: 0 };
const udt = { protocol: 'udt', user: 'ann' } as const;
const keys = new ProjectKeys('p');
const compaction = {
  keepUpdatesMs: 0,
  nowMs: Date.now(),
  stopping: new AbortController().signal,
  onDamage: (detail: string) => {
    throw new Error(detail);
  },
  reclaim: () => undefined,
};

test.before.each((context) => {
  context.a = compacting(1);
  context.b = compacting(2);
});

test.after.each(async ({ a, b }) => {
  await a.projects.close();
  await b.projects.close();
});

test('REP-7 a server that has nothing gets what was compacted with a snapshot, then the rest', async ({
  a,
  b,
}) => {
  await uploadEntry(a.projects, 'p', 'first');
  await compact(a);
  await uploadEntry(a.projects, 'p', 'last');
  await give(a, b);
  await sameAfterAll(a, b);
  await uploadEntry(a.projects, 'p', 'later');
  const [page, ...more] = await pagesFor(a, await vectorOf(b));
  assert.is(page?.snapshot, undefined, 'what is not compacted comes as it always does');
  assert.is(more.length, 0);
  await give(a, b);
  await sameAfterAll(a, b);
});

test('REP-7 random histories on both sides: equal to a full replay', async () => {
  const random = seededPrng('snapshots of random histories for other servers');
  for (let round = 0; round < 6; round++) {
    const [a, b, full] = [compacting(1), compacting(2), memoryServer(3)];
    await a.projects.use('p', (project) => project.udt.createSession({ samples: [{ n: 1 }, { n: 2 }] }, udt));
    await editAtRandom(random, a, 20);
    if (prng.bool(random)) await exchange(a, b);
    else await uploadEntry(b.projects, 'p', 'own');
    await editAtRandom(random, b, 15);
    await editAtRandom(random, a, 20);
    await typeMuch(a.projects);
    for (const server of [a, b]) await give(server, full);
    for (const server of prng.bool(random) ? [a, b] : [a]) await compact(server);
    await editAtRandom(random, a, 5);
    await exchange(a, b);
    for (const server of [a, b]) await give(server, full);
    await sameAfterAll(full, a);
    await sameAfterAll(full, b);
    for (const server of [a, b, full]) await server.projects.close();
  }
});

test('REP-7 who was given a snapshot gives one on, and what it has written itself comes behind what that builds on', async ({
  a,
  b,
}) => {
  const c = compacting(3);
  await uploadEntry(b.projects, 'p', 'before');
  await compact(a);
  await give(a, b);
  await typeMuch(b.projects, 3);
  await give(b, c);
  await sameAfterAll(b, c);
  await exchange(a, b);
  await exchange(c, a);
  await sameAfterAll(a, c);
  await c.projects.close();
});

test('REP-7 cut behind any part there is nothing to be seen of it, and all of it comes the next time', async ({
  a,
  b,
}) => {
  await uploadEntry(a.projects, 'p', 'e');
  for (const letter of 'xz') await write(a, (doc) => doc.getMap('app').set(letter, letter.repeat(300_000)));
  await compact(a);
  await write(a, (doc) => doc.getMap('app').set('y', 'y'.repeat(300_000)));
  await uploadEntry(a.projects, 'p', 'f');
  await uploadEntry(b.projects, 'q', 'own');
  const pages = await pagesFor(a, nothingKnown);
  const pieces = pages.filter(({ snapshot }) => (snapshot?.piece.length ?? 0) > 0).length;
  const parts = pages.filter(({ snapshot }) => snapshot).length;
  assert.ok(pieces >= 2 && parts > pieces, `${pieces} pieces, ${parts} parts, ${pages.length} pages`);
  for (let end = 0; end < parts; end++) {
    const accept = await acceptor(b);
    for (const page of pages.slice(0, end))
      assert.equal(await accept.page(page), { type: 'accepted', changes: 0 });
    assert.is(await b.projects.find('p', (project) => Promise.resolve(project)), undefined);
    assert.is((await b.replicas.catalogue(null)).length, 1);
    assert.equal((await b.replicas.standing('p')).heads, []);
    accept.close();
  }
  await exchange(a, b);
  await sameAfterAll(a, b);
  await b.projects.upkeep.sweep();
  assert.is(await countOf(b.store), 0, 'nothing of what was cut off is left');
});

test('REP-7 parts that do not follow each other are a gap, and another beginning counts', async ({
  a,
  b,
}) => {
  await compact(a);
  const pages = await pagesFor(a, nothingKnown);
  const accept = await acceptor(b);
  const [first, second] = pages;
  assert.ok(first && second);
  assert.is((await accept.page(second)).type, 'gap');
  for (const page of [first, ...pages]) assert.is((await accept.page(page)).type, 'accepted');
  accept.close();
  await sameAfterAll(a, b);
});

test('REP-3 REP-7 records without updates are taken with a snapshot that has them only', async ({ a, b }) => {
  await compact(a);
  const pages = await pagesFor(a, nothingKnown);
  const records = pages.flatMap((page) => page.records);
  assert.is((await b.replicas.accept('p', { records, isUnfinished: false })).type, 'gap');
  const accept = await acceptor(b);
  const outcomes = [];
  for (const page of pages) {
    const snapshot = page.snapshot && { ...page.snapshot, covers: new Map([[1, 3]]) };
    outcomes.push((await accept.page({ ...page, ...(snapshot && { snapshot }) })).type);
  }
  assert.ok(outcomes.includes('gap'));
  const broken = pages.map((page) => {
    const snapshot = page.snapshot && { ...page.snapshot, piece: page.snapshot.piece.subarray(0, 20) };
    return { ...page, ...(snapshot && { snapshot }) };
  });
  assert.is(
    await codeOf(async () => {
      for (const page of broken) await accept.page(page);
    }),
    'undecodable',
  );
  accept.close();
  assert.is((await recordsOf(b)).size, 0);
  await give(a, b);
  await sameAfterAll(a, b);
});

test('REP-7 a server that dies while it takes a snapshot has all of it, or nothing, when it is back', async ({
  a,
}) => {
  const file = { samples: [{ n: 1 }, { n: 2 }] };
  await a.projects.use('p', (project) => project.udt.createSession(file, udt));
  const before = memoryServer(2, new MemoryStore());
  await give(a, before);
  await uploadEntry(before.projects, 'p', 'own');
  await patch(a.projects, 'x');
  await uploadEntry(a.projects, 'p', 'e');
  await compact(a);
  await patch(a.projects, 'y');
  for (const [hasOwn, isCompacting] of [
    [true, false],
    [true, true],
    [false, false],
  ] as const) {
    let hasSurvived = false;
    for (let writes = 0; writes < 40 && !hasSurvived; writes++) {
      const disk = await copyOf(hasOwn ? before.store : new MemoryStore());
      const giver = memoryServer(1, new MemoryStore(await copyOf(a.store)));
      const dying = new DyingStore(disk);
      const first = memoryServer(2, dying, { upkeep });
      dying.writesLeft = writes;
      hasSurvived = await Promise.race([
        give(giver, first).then(() => true),
        dying.hasDied.then(() => false),
      ]);
      if (isCompacting) await compactLog(new MemoryStore(disk), keys, compaction); // the last thing that it did
      const again = memoryServer(2, new MemoryStore(disk), { upkeep });
      const isThere = await again.projects.find('p', (project) => Promise.resolve(project !== undefined));
      if (isThere && !hasOwn) assert.ok((await udtOf(again)).z === 'y', 'not in parts');
      if (isThere) await typeMuch(again.projects, 1);
      const told = again.events.filter(({ type }) => type === 'damage');
      assert.equal(told, [], `after ${writes} writes`);
      await exchange(giver, again);
      await sameAfterAll(giver, again);
      for (const { projects } of [giver, again]) await projects.close();
    }
    assert.ok(hasSurvived);
  }
  await before.projects.close();
});

test('REP-7 what came while a begun snapshot could not be taken, for damage before it, is in the document when it can', async ({
  a,
  b,
}) => {
  await uploadEntry(b.projects, 'p', 'own');
  await give(b, a);
  await compact(a);
  await typeMuch(a.projects, 1);
  const first = keys.record(1);
  const own = await b.store.get(first);
  assert.ok(own);
  let interrupted = 0;
  for (let writes = 0, hasSurvived = false; !hasSurvived; writes++) {
    assert.ok(writes < 40);
    const disk = await copyOf(b.store);
    const giver = memoryServer(1, new MemoryStore(await copyOf(a.store)), { upkeep });
    const dying = new DyingStore(disk);
    const died = memoryServer(2, dying, { upkeep });
    dying.writesLeft = writes;
    hasSurvived = await Promise.race([give(giver, died).then(() => true), dying.hasDied.then(() => false)]);
    const store = new MemoryStore(disk);
    await damage(store, first);
    const damaged = memoryServer(2, store, { upkeep });
    await typeMuch(giver.projects, 2);
    if ((await codeOf(() => give(giver, damaged))) === undefined) interrupted++;
    await damaged.projects.close();
    await store.write([{ key: first, value: own }]);
    const again = memoryServer(2, new MemoryStore(disk), { upkeep });
    await exchange(giver, again);
    await sameProject(giver, again, 'p', strippedRecordsOf);
    for (const { projects } of [giver, again]) await projects.close();
  }
  assert.ok(interrupted > 0);
});

test('REP-7 a store that fails while a snapshot is taken: what was begun is gone on with', async ({ a }) => {
  await a.projects.use('p', (project) => project.udt.createSession({ samples: [{ n: 1 }] }, udt));
  await compact(a);
  await patch(a.projects, 'y');
  for (let writes = 0; writes < 14; writes++) {
    const store = new FailingNthStore();
    const b = memoryServer(2, store, { upkeep });
    if (writes % 2 === 0) await uploadEntry(b.projects, 'p', 'own');
    store.outcome = writes % 3 === 0 ? 'is stored' : 'is lost';
    store.writesLeft = writes;
    const giver = memoryServer(1, new MemoryStore(await copyOf(a.store)));
    for (let tries = 0; (await codeOf(() => give(giver, b))) !== undefined; tries++) assert.ok(tries < 5);
    await give(b, giver);
    await sameAfterAll(giver, b);
    for (const { projects } of [giver, b]) await projects.close();
  }
});

test('REP-7 for UDT clients it is one rebuild, with one version, and changed samples count as changed', async ({
  a,
  b,
}) => {
  const samples = [{ n: 1 }, { n: 2 }, { n: 3 }];
  await a.projects.use('p', (project) => project.udt.createSession({ samples }, udt));
  await give(a, b);
  await b.projects.use('p', async ({ udt: own }) => {
    const known = await own.read();
    const before = await own.readSummary();
    const feed = await b.projects.use('p', (project) => project.select({ objects: [], udt: nothingKnown }));
    assert.is((await readToHead(feed)).length, 1);
    for (let i = 0; i < 3; i++) await patch(a.projects, `v${i}`);
    await a.projects.use('p', (project) =>
      project.udt.patch([{ op: 'add', path: '/samples/1/annotation', value: 'x' }], udt),
    );
    await compact(a);
    await give(a, b);
    const { versions, latest } = await own.after(known.version);
    assert.is(latest.version, known.version + 1);
    const { view } = await own.read();
    assert.is(view.z, 'v2');
    const patches = versions.map((version) => version.patch);
    assert.equal(patches, [
      Object.entries(view).map(([key, value]) => ({ op: 'replace', path: `/${key}`, value })),
    ]);
    assert.equal(versionsIn(before.view), [0, 0, 0]);
    assert.equal(versionsIn((await own.readSummary()).view), [0, 1, 0]);
    assert.equal(
      (await readToHead(feed)).map((one) => one.type === 'patch' && one.patch),
      [[{ op: 'replace', path: '', value: view }]],
      'WS-23',
    );
    feed.close();
    const fromTheStart = await readSelected(b.projects, 'p', { udt: nothingKnown });
    const last = fromTheStart.at(-1);
    assert.equal(last?.type === 'patch' && last.patch, [{ op: 'replace', path: '', value: view }]);
  });
  await sameAfterAll(a, b);
  await patch(b.projects, 'own');
  await exchange(b, a);
  await sameAfterAll(a, b);
});

test('REP-7 whoever follows the document is told to begin anew, and of no update that builds on what it lacks', async ({
  a,
  b,
}) => {
  await write(b, (doc) => doc.getMap('app').set('own', 1));
  await compact(a);
  await b.projects.use('p', async (project) => {
    const told: (Uint8Array | null)[] = [];
    let replaced = 0;
    const stop = project.listen({ durable: ({ update }) => told.push(update), replaced: () => replaced++ });
    await give(a, b);
    assert.equal([...new Set(told)], [null]);
    assert.is(replaced, 1);
    stop();
  });
});

test('REP-7 where the newest snapshot is damaged the one before is given; with none that can be read, none', async ({
  a,
  b,
}) => {
  await compact(a);
  await typeMuch(a.projects, 5);
  await a.projects.use('p', (project) => project.closeDocument(() => false));
  const [newest = 0, older = 0] = await snapshotsOf(a);
  assert.ok(newest > older && older > 0);
  await damage(a.store, keys.snapshotChunk(newest, 0));
  await give(a, b);
  assert.ok(a.events.some(({ type }) => type === 'damage'));
  await sameProject(a, b, 'p', strippedRecordsOf);
  await a.projects.use('p', (project) => project.closeDocument(() => false));
  for (const position of await snapshotsOf(a)) await damage(a.store, keys.snapshotChunk(position, 0));
  const reader = await a.replicas.open('p', nothingKnown);
  assert.is(await codeOf(() => reader.next()), 'damaged');
  reader.close();
});

test('REP-14 a project that is deleted while its snapshot comes stays deleted', async ({ a, b }) => {
  await uploadEntry(b.projects, 'p', 'own');
  await compact(a);
  const pages = await pagesFor(a, nothingKnown);
  const accept = await acceptor(b);
  const last = pages.at(-1);
  assert.ok(last);
  for (const page of pages.slice(0, -1)) await accept.page(page);
  await b.projects.use('p', (project) => project.delete());
  assert.equal(await accept.page(last), { type: 'accepted', changes: 0 });
  accept.close();
  assert.is((await recordsOf(b)).size, 1);
  await b.projects.use('p', (project) => project.undelete());
  await exchange(a, b);
  await sameAfterAll(a, b);
});

test('REP-8 a server that was set back gets its own compacted sequence back under a new life', async ({
  a,
  b,
}) => {
  await uploadEntry(a.projects, 'p', 'e');
  await typeMuch(a.projects, 3);
  await give(a, b);
  await compact(b);
  const restored = compacting(1);
  await give(b, restored, 'p');
  assert.is.not(restored.replicas.serverId, 1);
  await uploadEntry(restored.projects, 'p', 'f');
  await give(restored, b);
  await sameAfterAll(b, restored);
  await restored.projects.close();
});

function compacting(serverId: number): MemoryServer {
  return memoryServer(serverId, new MemoryStore(), { upkeep });
}

/** Every record, the document and the hash of `udt`; also read again from the store. */
async function sameAfterAll(one: MemoryServer, other: MemoryServer): Promise<void> {
  await sameProject(one, other, 'p', strippedRecordsOf);
  const again = memoryServer(other.replicas.serverId, other.store);
  await sameProject(one, again, 'p', strippedRecordsOf);
  for (const { events } of [other, again])
    assert.equal(
      events.filter(({ type }) => type === 'damage'),
      [],
    );
  await again.projects.close();
}

async function write({ projects }: MemoryServer, change: (doc: Y.Doc) => void): Promise<void> {
  await applyAll(projects, (doc) => doc.transact(() => change(doc)));
}

async function editAtRandom(random: prng.PRNG, server: MemoryServer, edits: number): Promise<void> {
  await applyAll(server.projects, (doc) => {
    for (let i = 0; i < edits; i++) {
      if (prng.int32(random, 0, 3) > 0) editUdtAtRandom(random, doc);
      else doc.getMap('entries').set(`e${prng.uint32(random, 0, 2 ** 31)}`, entry(`e${i}`));
    }
  });
  await uploadEntry(server.projects, 'p', `u${prng.uint32(random, 0, 2 ** 31)}`);
}

function entry(uuid: string): JsonObject {
  return {
    version_uuid: uuid,
    report_uuid: 'r',
    entry_uuid: uuid,
    clip_id: '11b',
    content: { camera: 'A' },
    authortime: '2026-01-01T00:00:00.000Z',
  };
}

async function patch(projects: Projects, value: string): Promise<void> {
  await projects.use('p', (project) => project.udt.patch([{ op: 'add', path: '/z', value }], udt));
}

async function udtOf({ projects }: MemoryServer): Promise<JsonObject> {
  return (await projects.use('p', (project) => project.udt.read())).view;
}

function versionsIn(view: JsonObject): unknown {
  const { samples } = view.summary as { samples: readonly { version: number }[] };
  return samples.map(({ version }) => version);
}

async function vectorOf({ replicas }: MemoryServer): Promise<Map<number, number>> {
  const { heads } = await replicas.standing('p');
  return new Map(heads.map(({ serverId, seqno }) => [serverId, seqno]));
}

/** How much is kept of what other servers have sent. */
async function countOf(store: Store): Promise<number> {
  let count = 0;
  for await (const page of store.scan(keys.arrivalsBehind(0))) count += page.length;
  return count;
}

async function copyOf(store: Store): Promise<MemoryDisk> {
  const entries = [];
  for await (const page of store.scan({ from: new Uint8Array(), before: Uint8Array.of(255) }))
    entries.push(...page);
  return Object.assign(new MemoryDisk(), { entries });
}

async function damage(store: Store, key: Uint8Array): Promise<void> {
  assert.ok(await store.get(key));
  await store.write([{ key, value: Uint8Array.of(1, 2, 3) }]);
}

/** The positions, the newest first. */
async function snapshotsOf({ store }: MemoryServer): Promise<number[]> {
  const positions = [];
  for await (const { position } of findSnapshots(store, keys, assert.unreachable)) positions.push(position);
  return positions;
}

async function codeOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error instanceof RejoinError ? error.code : String(error);
  }
}

/** The machine loses its power behind so many writes. */
class DyingStore extends MemoryStore {
  writesLeft = Infinity;
  private die = (): void => undefined;
  readonly hasDied = new Promise<void>((resolve) => (this.die = resolve));

  override write(batch: readonly Write[]): Promise<void> {
    if (this.writesLeft-- > 0) return super.write(batch);
    this.die();
    return new Promise(() => undefined);
  }
}

test.run();
