// Sessions that are made in slices, on servers that have only some of them yet: nothing of them is a session, a project or a
// number to anybody, and when the end comes readers neither miss nor double anything.

import jsonPatch from 'fast-json-patch';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { ReplicaPage } from '../../src/core/replica-reader.ts';
import type { Selected } from '../../src/core/selected-feed.ts';
import { RejoinError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { writeProjectInfo } from '../../src/store/project-info.ts';
import { decodeRecord } from '../../src/store/record.ts';
import type { Entry, Range } from '../../src/store/store.ts';
import { unfinishedKey } from '../../src/store/store-keys.ts';
import { removeUnfinishedSessions } from '../../src/store/unfinished-sessions.ts';
import { HeldStore, notedStore, someTurns } from '../support/held-store.ts';
import {
  exchange,
  give,
  memoryServer,
  pagesFor,
  sameProject,
  type MemoryServer,
} from '../support/memory-servers.ts';
import { MemoryWitness } from '../support/memory-witness.ts';
import { nothingKnown, objectsOf } from '../support/selected.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const udt = { protocol: 'udt', user: 'ann' } as const;
const yjs = { protocol: 'yjs', user: 'bob' } as const;
/** Each slice is a page of its own. */
const sizes = { sliceValues: 6, uncutUnits: 8, pageBytes: 1 };
const samples = Array.from({ length: 12 }, (_, n) => ({ n, text: 'x' }));
const file = { interface: { type: 'image' }, samples };

const test = suite('session-in-slices');

test('REP-5 what has come of a session that is made in slices is relayed to nobody before its end is here', async () => {
  const { a, b } = await maker();
  const c = memoryServer(3, new MemoryStore(), { sizes });
  const pages = await pagesFor(a, nothingKnown);
  assert.ok(pages.length > 3);
  const reader = await b.replicas.open('p', nothingKnown);
  const given: ReplicaPage[] = [];
  const reading = readAll(reader, given);
  for (const [index, page] of pages.entries()) {
    await b.replicas.accept('p', page);
    await someTurns();
    if (index < pages.length - 1) {
      assert.is(given.length, 0, `${index + 1} of ${pages.length} slices are here`);
      assert.ok(reader.isAtHead);
    }
  }
  assert.is(given.length, pages.length);
  assert.equal(
    given.map(({ isUnfinished }) => isUnfinished),
    pages.map((_, index) => index < pages.length - 1),
  );
  for (const page of given) await c.replicas.accept('p', page);
  await sameProject(a, c);
  reader.close();
  await reading;
  await closed(a, b, c);
});

test('REP-5 WS-3 who follows a project learns of no number of a session before all of it is durable, and misses nothing then', async () => {
  const { a, b } = await maker();
  const pages = await pagesFor(a, nothingKnown);
  for (const page of pages.slice(0, -1)) await b.replicas.accept('p', page);
  await b.projects.use('p', async (project) => {
    const feed = await project.select({ objects: [objectsOf('entry')], udt: nothingKnown });
    const whole = await project.follow(nothingKnown);
    assert.ok(feed.atHead);
    assert.ok(whole.atHead);
    assert.equal([...feed.vector], [], 'what it would be synced at');
    assert.equal([...project.durableVector], []);
    assert.is(project.durablePosition, 0);
    const [last] = pages.slice(-1);
    await b.replicas.accept('p', last!);
    assert.equal(await stateOf(feed), file);
    assert.equal((await whole.next())?.map(({ position }) => position)[0], 1);
    assert.is(feed.vector.get(1), project.durablePosition);
    feed.close();
    whole.close();
  });
  await closed(a, b);
});

test('REP-5 the beginning of a session that nobody goes on with keeps nobody from writing for ever, and comes again with the rest', async () => {
  const { a, b } = await maker();
  const pages = await pagesFor(a, nothingKnown);
  for (const page of pages.slice(0, 3)) await b.replicas.accept('p', page);
  b.clock.nowMs += 30_000;
  const refused: unknown = await uploadEntry(b.projects, 'p', 'e').catch((error: unknown) => error);
  assert.ok(refused instanceof RejoinError && /is being fetched from another server/.test(refused.message));
  b.clock.nowMs += 30_000;
  await uploadEntry(b.projects, 'p', 'e');
  const late = await b.replicas.accept('p', pages[3]!);
  assert.is(late.type, 'gap', 'what it follows is not here any more');
  await exchange(a, b);
  await sameProject(a, b);
  assert.equal((await b.projects.use('p', (project) => project.udt.read())).view, file);
  await closed(a, b);
});

test('UDT-19 WS-4 the numbers of a creation that failed are given again, and nobody knew them', async () => {
  const store = notedStore();
  const a = memoryServer(1, store, { sizes });
  await a.projects.use('p', async (project) => {
    const creating = project.udt
      .createSession(file, udt, (done) => {
        if (done > 8) throw new Error('the file ends too early');
      })
      .catch(() => undefined);
    await someTurns(5);
    const feed = await project.select({ objects: [objectsOf('entry')], udt: null });
    const vector = new Map(feed.vector);
    feed.close();
    assert.equal([...vector], []);
    await creating;
  });
  await uploadEntry(a.projects, 'p', 'e');
  await a.projects.use('p', async (project) => {
    assert.equal([...project.durableVector], [[1, 1]]);
    return Promise.resolve();
  });
  await closed(a);
});

test('UDT-19 REP-5 while the end of a session is on its way to the disk nobody is told of it, nor is the witness', async () => {
  const { a } = await maker();
  const store = new HeldStore();
  const witness = new MemoryWitness();
  store.isHolding = false;
  const b = memoryServer(2, store, { sizes, witness });
  const pages = await pagesFor(a, nothingKnown);
  for (const page of pages.slice(0, -1)) await b.replicas.accept('p', page);
  store.isHolding = true;
  const ending = b.replicas.accept('p', pages.at(-1)!);
  await someTurns();
  assert.is(store.waiting.length, 1, 'the end is on its way to the disk');
  assert.is(witness.known.size, 0);
  await b.projects.use('p', async (project) => {
    assert.is(project.durablePosition, 0);
    assert.equal([...project.durableVector], []);
    const feed = await project.select({ objects: [], udt: nothingKnown });
    assert.ok(feed.atHead);
    feed.close();
  });
  store.letGo();
  await ending;
  assert.is(witness.known.get('p')?.position, pages.length);
  store.isHolding = false;
  await sameProject(a, b);
  await closed(a, b);
});

test('REP-5 UDT-19 where a project is there already, it is no session before the end of one that comes in slices', async () => {
  const { a, b } = await maker();
  await b.projects.use('p', (project) => project.applyUpdate(update('mine'), yjs));
  const pages = await pagesFor(a, nothingKnown);
  for (const [index, page] of pages.entries()) {
    await b.replicas.accept('p', page);
    const info = await b.projects.use('p', (project) => Promise.resolve(project.info));
    assert.is(Boolean(info?.session), index === pages.length - 1, `${index + 1} of ${pages.length}`);
  }
  // What is given on of it says so, too, wherever it is cut.
  const c = memoryServer(3, new MemoryStore(), { sizes });
  for (const page of await pagesFor(b, nothingKnown)) {
    await c.replicas.accept('p', page);
    const info = await c.projects.use('p', (project) => Promise.resolve(project.info));
    if (info?.session) break;
    assert.is(info?.session ?? null, null);
  }
  await give(b, c);
  await give(c, a);
  await give(b, a);
  await sameProject(a, b);
  await sameProject(a, c);
  await closed(a, b, c);
});

test('REP-5 YJS-8 a session comes in slices where somebody has opened the project before anything was in it', async () => {
  const { a, b } = await maker();
  const { project, release } = await b.projects.acquire('p');
  const updates: Uint8Array[] = [];
  const feed = project.followFrom(project.durablePosition);
  assert.equal(await project.encode((doc) => doc.getMap('udt').toJSON()), {});
  for (const page of await pagesFor(a, nothingKnown))
    assert.is((await b.replicas.accept('p', page)).type, 'accepted');
  assert.equal(await project.encode((doc) => doc.getMap('udt').toJSON()), file);
  while (!feed.atHead) for (const { update } of (await feed.next()) ?? []) if (update) updates.push(update);
  const doc = new Y.Doc();
  for (const told of updates) Y.applyUpdate(doc, told);
  assert.equal(doc.getMap('udt').toJSON(), file);
  feed.close();
  release();
  await sameProject(a, b);
  await closed(a, b);
});

test('REP-5 parts that come over one link while another one looks for what the catalogue has lost are not taken for a left-over', async () => {
  const { a } = await maker();
  const store = new HeldLookStore(unfinishedKey('p'));
  const b = memoryServer(2, store, { sizes });
  const pages = await pagesFor(a, nothingKnown);
  const meeting = b.replicas.meet('p', await a.replicas.standing('p'));
  await until('it looks', () => store.goOn !== null);
  const parts = pages.slice(0, -1).map((page) => b.replicas.accept('p', page));
  await someTurns();
  store.goOn?.();
  assert.ok((await meeting).lacks);
  for (const part of parts) assert.is((await part).type, 'accepted');
  await b.replicas.accept('p', pages.at(-1)!);
  await sameProject(a, b);
  await closed(a, b);
});

test('REP-5 a part of a session at the end of a log is given on as unfinished, though the project is there', async () => {
  const { a, b } = await maker();
  await b.projects.use('p', (project) => project.applyUpdate(update('mine'), yjs));
  const pages = await pagesFor(a, nothingKnown);
  const c = memoryServer(3, new MemoryStore(), { sizes });
  for (const count of [1, 2]) {
    await b.replicas.accept('p', pages[count - 1]!);
    const given = await pagesFor(b, nothingKnown);
    assert.is(given.at(-1)?.isUnfinished, true, `${count} of ${pages.length} slices`);
  }
  for (const page of await pagesFor(b, nothingKnown)) await c.replicas.accept('p', page);
  assert.not((await c.projects.use('p', (project) => Promise.resolve(project.info)))?.session);
  await give(a, b);
  await give(b, c);
  await give(b, a);
  await sameProject(a, c);
  assert.is((await c.projects.use('p', (project) => Promise.resolve(project.info)))?.session?.serverId, 1);
  await closed(a, b, c);
});

test('WS-23 REP-5 who follows the patches of udt has all of it when a session is whole behind what another server wrote', async () => {
  const { a, b } = await maker();
  const d = memoryServer(4);
  await d.projects.use('p', (project) => project.applyUpdate(update('theirs'), yjs));
  const pages = await pagesFor(a, nothingKnown);
  for (const page of pages.slice(0, 2)) await b.replicas.accept('p', page);
  for (const page of await pagesFor(d, nothingKnown)) await b.replicas.accept('p', page);
  await b.projects.use('p', async (project) => {
    const feed = await project.select({ objects: [], udt: nothingKnown });
    const state = following(feed);
    await someTurns();
    for (const page of pages.slice(2)) await b.replicas.accept('p', page);
    await someTurns();
    const { view } = await project.udt.read();
    feed.close();
    assert.equal(await state, view);
    assert.equal(view, file);
  });
  await closed(a, b, d);
});

for (const cutAt of [1, 2, 5])
  test(`REP-3 a reader whose page the store has interrupted behind record ${cutAt} gives all of it again`, async () => {
    const store = new InterruptedStore();
    const a = memoryServer(1, store);
    for (let n = 0; n < 8; n++) await uploadEntry(a.projects, 'p', `e${n}`);
    const reader = await a.replicas.open('p', nothingKnown);
    store.interruptBehind = cutAt;
    const given: ReplicaPage[] = [];
    const reading = readAll(reader, given);
    await someTurns();
    assert.is(store.interruptBehind, null, 'it was interrupted');
    const seqnos = given.flatMap(({ records }) => records.map((bytes) => decodeRecord(bytes).seqno));
    assert.equal(seqnos, [1, 2, 3, 4, 5, 6, 7, 8]);
    reader.close();
    await reading;
    await closed(a);
  });

test('REP-2 a session whose slices come one by one over a slow link, with nobody there in between, comes whole', async () => {
  const { a, b } = await maker();
  for (const page of await pagesFor(a, nothingKnown)) {
    const accepted = await b.replicas.accept('p', page);
    assert.is(accepted.type, 'accepted', JSON.stringify(accepted));
    await someTurns();
  }
  await sameProject(a, b);
  await closed(a, b);
});

test('REP-5 a project that has lost its entry and has only the beginning of a session is none: all of it comes back', async () => {
  const { a, b } = await maker();
  const pages = await pagesFor(a, nothingKnown);
  for (const page of pages.slice(0, 3)) await b.replicas.accept('p', page);
  await b.projects.close();
  await b.store.write([{ key: unfinishedKey('p'), value: null }]); // nothing says any more that it is unfinished
  const again = memoryServer(2, b.store, { sizes });
  const meeting = await again.replicas.meet('p', await a.replicas.standing('p'));
  assert.ok(meeting.lacks);
  assert.is(await again.replicas.digest('p'), null, 'there is no such project');
  await give(a, again);
  await sameProject(a, again);
  await closed(a, again);
});

test('REP-5 a session whose entry and whose end are lost is still one if anything was written behind it', async () => {
  const { a, b } = await maker();
  await give(a, b);
  await b.projects.use('p', (project) =>
    project.udt.patch([{ op: 'add', path: '/samples/0/annotation', value: 'x' }], udt),
  );
  await give(b, a);
  const keys = new ProjectKeys('p');
  const records: Uint8Array[] = [];
  for await (const page of b.store.scan(keys.allRecords())) records.push(...page.map(({ key }) => key));
  await b.projects.close();
  await b.store.write([
    { key: writeProjectInfo('p', { createdMs: 0, session: null, tombstone: null }).key, value: null },
    { key: records.at(-2)!, value: null }, // the closing
  ]);
  const again = memoryServer(2, b.store, { sizes });
  await again.replicas.meet('p', await a.replicas.standing('p'));
  const info = await again.projects.use('p', (project) => Promise.resolve(project.info));
  assert.is(info?.session?.serverId, 1);
  await closed(a, again);
});

/** A server that has made a session in slices, and one that has nothing. */
for (const isThereWhenDeleted of [true, false])
  test(`REP-14 REP-5 a project that was deleted and brought back ${isThereWhenDeleted ? 'one after the other' : 'at once'} while its session came in slices keeps all of it at the next start`, async () => {
    const { a, b } = await maker();
    const pages = await pagesFor(a, nothingKnown);
    for (const page of pages.slice(0, 2)) await b.replicas.accept('p', page);
    await a.projects.use('p', (project) => project.delete());
    if (isThereWhenDeleted) await b.replicas.meet('p', await a.replicas.standing('p'));
    await a.projects.use('p', (project) => project.undelete());
    await give(a, b);
    await sameProject(a, b);
    await uploadEntry(b.projects, 'p', 'acknowledged');
    const { heads } = await b.replicas.standing('p');
    await b.projects.close();
    await removeUnfinishedSessions(b.store);
    const again = memoryServer(2, b.store, { sizes });
    assert.equal((await again.replicas.standing('p')).heads, heads);
    await give(again, a);
    await sameProject(a, again);
    await closed(a, again);
  });

/** In which who reads one key first is given what was there, when it may go on. */
class HeldLookStore extends MemoryStore {
  goOn: (() => void) | null = null;

  constructor(private readonly held: Uint8Array) {
    super();
  }

  override async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    const value = await super.get(key);
    const isHeld = this.goOn === null && Buffer.compare(key, this.held) === 0;
    if (isHeld) await new Promise<void>((resolve) => (this.goOn = resolve));
    return value;
  }
}

async function maker(): Promise<{ a: MemoryServer; b: MemoryServer }> {
  const a = memoryServer(1, new MemoryStore(), { sizes });
  await a.projects.use('p', (project) => project.udt.createSession(file, udt));
  return { a, b: memoryServer(2, new MemoryStore(), { sizes }) };
}

async function closed(...servers: readonly MemoryServer[]): Promise<void> {
  for (const { projects } of servers) await projects.close();
}

async function readAll(reader: { next(): Promise<ReplicaPage | null> }, given: ReplicaPage[]): Promise<void> {
  for (let page = await reader.next(); page; page = await reader.next()) given.push(page);
}

/** What who applies the patches of a feed has at its head. */
async function stateOf(feed: {
  readonly atHead: boolean;
  next(): Promise<readonly Selected[] | null>;
}): Promise<JsonObject> {
  let state: JsonObject = {};
  while (!feed.atHead) state = applied(state, (await feed.next()) ?? []);
  return state;
}

/** What who applies the patches of a feed has when it is closed. */
async function following(feed: { next(): Promise<readonly Selected[] | null> }): Promise<JsonObject> {
  let state: JsonObject = {};
  for (let page = await feed.next(); page; page = await feed.next()) state = applied(state, page);
  return state;
}

function applied(before: JsonObject, page: readonly Selected[]): JsonObject {
  let state = before;
  for (const change of page) {
    if (change.type !== 'patch') continue;
    const patch = structuredClone(change.patch) as Parameters<typeof jsonPatch.applyPatch>[1];
    state = jsonPatch.applyPatch(state, patch, true, false).newDocument;
  }
  return state;
}

function update(key: string): Uint8Array {
  const doc = new Y.Doc();
  doc.getMap('app').set(key, true);
  return Y.encodeStateAsUpdate(doc);
}

/** Interrupts one reading of records in the middle of a page, as a store does that is opened anew. */
class InterruptedStore extends MemoryStore {
  interruptBehind: number | null = null;

  override async *scan(range: Range): AsyncGenerator<readonly Entry[]> {
    const isRecords = Buffer.from(range.from).includes('r') && this.interruptBehind !== null;
    let count = 0;
    for await (const page of super.scan(range))
      for (const entry of page) {
        if (isRecords && this.interruptBehind !== null && count++ === this.interruptBehind) {
          this.interruptBehind = null;
          throw new RejoinError('unavailable', 'The store is being opened again');
        }
        yield [entry];
      }
  }
}

test.run();
