// Two servers in memory that give each other their logs: nothing is taken out of order, everything ends equal.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { RejoinError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { readGroups } from '../../src/store/received-groups.ts';
import { decodeRecord, encodeRecord, withoutUpdate } from '../../src/store/record.ts';
import { pageEntriesMax } from '../../src/store/store.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { notedStore } from '../support/held-store.ts';
import {
  documentOf,
  exchange,
  give,
  memoryServer,
  pagesFor,
  recordsOf,
  sameProject,
  type MemoryServer,
} from '../support/memory-servers.ts';
import { nothingKnown, objectsOf, readSelected } from '../support/selected.ts';
import { uploadEntry } from '../support/upload-entry.ts';

interface Context {
  a: MemoryServer;
  b: MemoryServer;
}

const test = suite<Context>('replicas');

test.before.each((context) => {
  context.a = memoryServer(1);
  context.b = memoryServer(2);
});

test.after.each(async ({ a, b }) => {
  await a.projects.close();
  await b.projects.close();
});

const yjs = { protocol: 'yjs', user: 'ann' } as const;
const udt = { protocol: 'udt', user: 'ann' } as const;

test('REP-1 REP-5 what was written on all wires on both servers is equal on both in the end', async ({
  a,
  b,
}) => {
  for (const server of [a, b]) {
    await uploadEntry(server.projects, 'p', `entry of ${server.replicas.serverId}`);
    await edit(server, (doc) => doc.getMap('udt').set(`by ${server.replicas.serverId}`, 1));
    await edit(server, (doc) => doc.getText('notes').insert(0, `said ${server.replicas.serverId} `));
  }
  await exchange(a, b);
  await sameProject(a, b);
  assert.is((await recordsOf(a)).size, 6);
  assert.equal(await uuidsStreamed(a), ['entry of 1', 'entry of 2']);
  assert.equal(await uuidsStreamed(b), ['entry of 2', 'entry of 1'], 'in the order of its own log');
  await uploadEntry(b.projects, 'p', 'later');
  await exchange(a, b);
  await sameProject(a, b);
});

test('REP-4 a change is logged from the record that came, byte for byte', async ({ a, b }) => {
  await edit(a, (doc) => {
    doc.getMap('udt').set('k', new Y.Array());
    doc.getMap('entries').set('no object', { broken: true });
  });
  await give(a, b);
  const [stored] = [...(await recordsOf(b)).values()];
  assert.is(stored, [...(await recordsOf(a)).values()][0]);
  assert.is(decodeRecord(Buffer.from(stored ?? '', 'hex')).serverId, 1);
});

test('REP-3 exactly the next is accepted: behind a gap nothing is taken, what is known changes nothing', async ({
  a,
  b,
}) => {
  for (let i = 1; i <= 4; i++) await uploadEntry(a.projects, 'p', `e${i}`);
  const records = await recordsFor(a);
  assert.is(records.length, 4);
  const groups = (...numbers: number[]): { records: Uint8Array[]; isUnfinished: boolean } => ({
    records: numbers.map((number) => records[number - 1] ?? new Uint8Array()),
    isUnfinished: false,
  });
  assert.is((await b.replicas.accept('p', groups(2))).type, 'gap');
  assert.is((await recordsOf(b)).size, 0);
  assert.equal(await b.replicas.accept('p', groups(1)), { type: 'accepted', changes: 1 });
  assert.equal(await b.replicas.accept('p', groups(1)), { type: 'accepted', changes: 0 });
  assert.is((await b.replicas.accept('p', groups(1, 2, 4))).type, 'gap');
  assert.equal([...(await recordsOf(b)).keys()], ['1 1', '1 2'], 'what came before the gap stays');
  assert.equal(await b.replicas.accept('p', groups(3, 4)), { type: 'accepted', changes: 2 });
  await sameProject(a, b);
});

test('REP-3 a group comes whole or not at all', async ({ a, b }) => {
  await edit(a, (doc) => {
    doc.getMap('entries').set('e1', entry('e1'));
    doc.getMap('entries').set('e2', entry('e2'));
    doc.getMap('udt').set('k', 1);
  });
  const records = await recordsFor(a);
  assert.is(records.length, 3);
  for (const part of [records.slice(0, 2), records.slice(1), [records[1], records[0], records[2]]]) {
    const sent = { records: part.map((record) => record ?? new Uint8Array()), isUnfinished: false };
    assert.is(await codeOf(async () => b.replicas.accept('p', sent)), 'bad-request');
  }
  assert.is((await recordsOf(b)).size, 0);
  await give(a, b);
  await sameProject(a, b);
});

test('a record that was changed on its way is refused, and nothing of its frame is taken', async ({
  a,
  b,
}) => {
  await uploadEntry(a.projects, 'p', 'e1');
  await uploadEntry(a.projects, 'p', 'e2');
  const records = await recordsFor(a);
  const [first = new Uint8Array(), second = new Uint8Array()] = records;
  const flipped = Uint8Array.from(second);
  flipped[flipped.length - 1] = (flipped.at(-1) ?? 0) ^ 1;
  const sent = { records: [first, flipped], isUnfinished: false };
  assert.is(await codeOf(async () => b.replicas.accept('p', sent)), 'damaged');
  assert.is((await recordsOf(b)).size, 0);
});

test('YJS-8 an update whose base is missing is not taken', async ({ a, b }) => {
  await edit(a, (doc) => doc.getMap('udt').set('list', new Y.Array()));
  await edit(a, (doc) => (doc.getMap('udt').get('list') as Y.Array<number>).push([1]));
  await edit(b, (doc) => doc.getMap('udt').set('own', 1));
  const records = await recordsFor(a);
  // The same change under a number that nothing is missing before.
  const update = decodeRecord(records[1] ?? new Uint8Array()).update ?? new Uint8Array();
  const forged = encodeRecord({
    ...decodeRecord(records[1] ?? new Uint8Array()),
    serverId: 7,
    seqno: 1,
    update,
  });
  const outcome = await b.replicas.accept('p', { records: [forged], isUnfinished: false });
  assert.is(outcome.type, 'gap');
  assert.is((await recordsOf(b)).size, 1);
  await give(a, b);
  assert.equal(await udtOf(b), { list: [1], own: 1 });
});

test('REP-6 a Yjs client hands both servers the same: all is logged on both, each uuid is streamed once', async ({
  a,
  b,
}) => {
  const client = new Y.Doc();
  client.getMap('entries').set('moved', entry('moved'));
  const update = Y.encodeStateAsUpdate(client);
  for (const server of [a, b]) {
    await server.projects.use('p', (project) => project.applyUpdate(update, yjs)).then(settled);
    b.clock.nowMs += 1_000; // submissiontime is the server's, and no content
  }
  await uploadEntry(a.projects, 'p', 'behind');
  await exchange(a, b);
  await sameProject(a, b);
  assert.equal([...(await recordsOf(a)).keys()], ['1 1', '1 2', '2 1']);
  for (const server of [a, b]) {
    assert.equal(await uuidsStreamed(server), ['moved', 'behind']);
    const { objects } = await server.projects.use('p', (project) => project.summary());
    assert.is(objects.entry, 2);
  }
  // Read from the store, too.
  const again = memoryServer(2, b.store);
  assert.equal(await uuidsStreamed(again), ['moved', 'behind']);
  await again.projects.close();
});

test('REP-6 a project that begins with a hundred objects at once knows them when they come again', async ({
  a,
  b,
}) => {
  const client = new Y.Doc();
  client.transact(() => {
    for (let i = 0; i < 100; i++) client.getMap('entries').set(`e${i}`, entry(`e${i}`));
  });
  const update = Y.encodeStateAsUpdate(client);
  const c = memoryServer(3);
  for (const server of [a, c])
    await server.projects.use('p', (project) => project.applyUpdate(update, yjs)).then(settled);
  await uploadEntry(c.projects, 'p', 'behind');
  const { from, before } = new ProjectKeys('p').uuids('entry');
  let asked = 0;
  const get = b.store.get.bind(b.store);
  b.store.get = (key) => {
    if (Buffer.compare(key, from) >= 0 && Buffer.compare(key, before) < 0) asked++;
    return get(key);
  };
  await give(a, b);
  assert.is(asked, 0, 'an empty log is not asked which objects it has');
  await give(c, b);
  assert.is((await recordsOf(b)).size, 201);
  const streamed = await uuidsStreamed(b);
  assert.is(streamed.length, 101, 'each uuid once');
  assert.is(streamed.at(-1), 'behind');
  await c.projects.close();
});

test('REP-6 two contents of one uuid are both streamed, and told', async ({ a, b }) => {
  await edit(a, (doc) => doc.getMap('entries').set('e', entry('e', 'A')));
  await edit(b, (doc) => doc.getMap('entries').set('e', entry('e', 'B')));
  await exchange(a, b);
  await sameProject(a, b);
  assert.equal(await uuidsStreamed(a), ['e', 'e']);
  assert.ok(a.events.some(({ type }) => type === 'object-differs'));
});

test('a session is there when all its slices are, under an epoch of this server (UDT-3)', async ({
  a,
  b,
}) => {
  const samples = Array.from({ length: samplesInSlices }, (_, i) => ({ imageUrl: `http://x/${i}.png` }));
  const file = { interface: { type: 'image_classification' }, samples };
  await a.projects.use('p', (project) => project.udt.createSession(file, udt));
  const pages = await pagesFor(a, nothingKnown);
  assert.ok(pages.length > 1, 'it is made in slices, and sent in pages');
  for (const [index, page] of pages.entries()) {
    assert.is(page.isUnfinished, index < pages.length - 1);
    await b.replicas.accept('p', page);
    const isThere = await b.projects.find('p', (project) => Promise.resolve(project !== undefined));
    assert.is(isThere, !page.isUnfinished);
    const isListed = (await b.replicas.catalogue(null)).length === 1;
    assert.is(isListed, !page.isUnfinished);
  }
  const read = await b.projects.use('p', (project) => project.udt.read());
  assert.is(read.version, 2 * 2 ** 32);
  await sameProject(a, b);
  const { version } = await a.projects.use('p', (project) =>
    project.udt.patch([{ op: 'add', path: '/samples/1/annotation', value: 'x' }], udt),
  );
  assert.is(version, 1);
  await give(a, b);
  const polled = await b.projects.use('p', (project) => project.udt.after(read.version));
  assert.is(polled.latest.version, 2 * 2 ** 32 + 1);
  assert.equal(
    polled.versions.map(({ patch }) => patch),
    [[{ op: 'add', path: '/samples/1/annotation', value: 'x' }]],
  );
  await sameProject(a, b);
});

test('a session that was cut off in the middle is neither there nor written to, and comes whole the next time', async ({
  a,
  b,
}) => {
  const samples = Array.from({ length: samplesInSlices }, (_, i) => ({ imageUrl: `http://x/${i}.png` }));
  await a.projects.use('p', (project) => project.udt.createSession({ samples }, udt));
  const [first] = await pagesFor(a, nothingKnown);
  assert.ok(first);
  await b.projects.use('p', async (project) => {
    await project.replica.accept(readGroups(first.records), true);
    assert.is(await codeOf(() => project.udt.patch([], udt)), 'unavailable');
  });
  await give(a, b);
  await sameProject(a, b);
});

test('REP-8 a server that meets a peer with more of its own sequence takes a new life, and gets all of it back', async ({
  a,
  b,
}) => {
  for (const uuid of ['e1', 'e2', 'e3']) await uploadEntry(a.projects, 'p', uuid);
  await give(a, b);
  const restored = memoryServer(1); // the folder of a, from before it had anything
  await uploadEntry(restored.projects, 'q', 'own');
  await give(a, restored, 'p');
  assert.is.not(restored.replicas.serverId, 1);
  assert.ok(restored.events.some(({ type }) => type === 'life-renewed'));
  await uploadEntry(restored.projects, 'p', 'e4');
  await give(restored, b);
  await give(restored, a);
  await sameProject(a, b);
  await sameProject(a, restored);
  assert.is((await recordsOf(a)).size, 4);
  await restored.projects.close();
});

test('REP-8 however many projects tell so, the server takes one new life', async ({ a, b }) => {
  const projects = ['p', 'q', 'r'];
  for (const project of projects) {
    await uploadEntry(a.projects, project, 'e1');
    await give(a, b, project);
  }
  const restored = memoryServer(1);
  await Promise.all(
    projects.map(async (project) => restored.replicas.meet(project, await b.replicas.standing(project))),
  );
  assert.is(restored.events.filter(({ type }) => type === 'life-renewed').length, 1);
  await restored.projects.close();
});

test('REP-9 one number with two contents is told, and nothing is exchanged', async ({ a }) => {
  const twin = memoryServer(1);
  await uploadEntry(a.projects, 'p', 'one');
  await uploadEntry(twin.projects, 'p', 'other');
  const standing = await twin.replicas.standing('p');
  assert.is(await codeOf(() => a.replicas.meet('p', standing)), 'conflict');
  await twin.projects.close();
});

for (const where of ['stored', 'on its way to the disk'])
  test(`REP-9 what comes again and is another change than the one that is ${where} is told, and nothing behind it is taken`, async () => {
    const store = notedStore();
    const [one, twin, b] = [memoryServer(3), memoryServer(3), memoryServer(2, store)];
    for (const uuid of ['one', 'later']) await uploadEntry(one.projects, 'p', uuid);
    await uploadEntry(twin.projects, 'p', 'other');
    await uploadEntry(b.projects, 'p', 'of b'); // the project is open
    const [ofOne, ofTwin] = await Promise.all([one, twin].map((each) => pagesFor(each, new Map())));
    store.isHolding = where !== 'stored';
    const taking = Promise.all(ofTwin!.map((page) => b.replicas.accept('p', page)));
    if (!store.isHolding) await taking;
    for (const page of ofOne!) assert.is(await codeOf(() => b.replicas.accept('p', page)), 'conflict');
    store.isHolding = false;
    while (store.waiting.length > 0) store.letGo();
    await taking;
    assert.equal([...(await recordsOf(b)).keys()], ['2 1', '3 1']);
    for (const { projects } of [one, twin, b]) await projects.close();
  });

test('REP-9 what comes again is no other change for what is compacted, damaged or missing here', async ({
  a,
  b,
}) => {
  for (const at of [0, 1, 2, 3]) await edit(a, (doc) => doc.getText('notes').insert(at, 'x'));
  await give(a, b);
  const keys = new ProjectKeys('p');
  const stored = await Promise.all([1, 2, 3, 4].map((at) => b.store.get(keys.record(at))));
  const spoilt: (Uint8Array | undefined)[] = stored.map((record) => Buffer.from(record!));
  spoilt[0] = withoutUpdate(spoilt[0]!) ?? undefined;
  spoilt[1]![3]! ^= 4; // in its checksum
  spoilt[3] = spoilt[0]; // what lies there is another one
  await b.store.write(spoilt.map((record, at) => ({ key: keys.record(at + 1), value: record ?? null })));
  await b.store.write([{ key: keys.record(3), value: null }]);
  for (const { records } of await pagesFor(a, new Map()))
    for (const record of records) {
      const accepted = await b.replicas.accept('p', { records: [record], isUnfinished: false });
      assert.equal(accepted, { type: 'accepted', changes: 0 });
    }
});

test('REP-14 the higher lifecycle holds for both; what was written meanwhile is there after an undelete', async ({
  a,
  b,
}) => {
  await uploadEntry(a.projects, 'p', 'before');
  await exchange(a, b);
  await a.projects.use('p', (project) => project.delete());
  await uploadEntry(b.projects, 'p', 'meanwhile');
  await exchange(a, b);
  for (const server of [a, b]) {
    const meeting = await server.replicas.standing('p');
    assert.is(meeting.lifecycle, 1);
    assert.is(await codeOf(() => server.projects.use('p', (project) => project.encode(() => 0))), 'deleted');
  }
  assert.equal(await a.replicas.digest('p'), await b.replicas.digest('p'));
  await b.projects.use('p', (project) => project.undelete());
  await exchange(a, b);
  await exchange(b, a);
  await sameProject(a, b);
  assert.equal(await uuidsStreamed(a), ['before', 'meanwhile']);
});

test('REP-1 REP-3 a group of more records than the store reads at once is given whole', async ({ a, b }) => {
  const client = new Y.Doc();
  client.transact(() => {
    for (let n = 0; n < 2 * pageEntriesMax; n++) client.getMap('entries').set(`e${n}`, entry(`e${n}`));
  });
  const update = Y.encodeStateAsUpdate(client);
  await a.projects.use('p', (project) => project.applyUpdate(update, yjs)).then(settled);
  await give(a, b);
  await sameProject(a, b);
});

test('REP-14 who listens is told apart what was deleted or brought back', async ({ a }) => {
  const told: [string, boolean][] = [];
  const stop = a.replicas.listen((project, isLifecycle) => told.push([project, isLifecycle]));
  await uploadEntry(a.projects, 'p', 'e');
  await a.projects.use('p', (project) => project.delete());
  await a.projects.use('p', (project) => project.undelete());
  stop();
  assert.equal(told, [
    ['p', false],
    ['p', true],
    ['p', true],
  ]);
});

test('the catalogue names what is there with a digest that changes with it', async ({ a }) => {
  await uploadEntry(a.projects, 'p', 'e1');
  await uploadEntry(a.projects, 'q', 'e1');
  const page = await a.replicas.catalogue(null);
  assert.equal(
    page.map(({ project }) => project),
    ['p', 'q'],
  );
  assert.equal(await a.replicas.catalogue('q'), []);
  await uploadEntry(a.projects, 'p', 'e2');
  const after = await a.replicas.catalogue(null);
  assert.not.equal(after[0]?.digest, page[0]?.digest);
  assert.equal(after[1], page[1]);
});

test('a reader brings what comes, and leaves out what the other server is known to have', async ({ a }) => {
  const reader = await a.replicas.open('p', nothingKnown);
  const next = reader.next();
  await uploadEntry(a.projects, 'p', 'e1');
  assert.equal((await next)?.vector, new Map([[1, 1]]));
  reader.knows(new Map([[1, 2]]));
  const later = reader.next();
  await uploadEntry(a.projects, 'p', 'e2');
  await uploadEntry(a.projects, 'p', 'e3');
  const page = await later;
  assert.equal(
    page?.records.map((record) => decodeRecord(record).seqno),
    [3],
  );
  reader.close();
  assert.is(await reader.next(), null);
});

test('a project whose document is not open is not opened for objects', async ({ a, b }) => {
  await uploadEntry(a.projects, 'p', 'e1');
  await give(a, b);
  assert.is(await b.store.get(new ProjectKeys('p').version(1)), undefined);
  assert.equal([...(await documentOf(b.projects)).getMap('entries').keys()], ['e1']);
});

/** So many are stored in several slices, and sent in several pages. */
const samplesInSlices = 8_000;

test('REP-3 groups are taken before those that they follow are durable, and shown with them', async ({
  a,
  b,
}) => {
  const [first, second] = await aRecordOfEach(a, b);
  const store = notedStore();
  const c = memoryServer(3, store);
  await c.projects.find('p', () => Promise.resolve());
  store.isHolding = true;
  const before = await taken(c, first, null);
  const after = await taken(c, second, before.era);
  assert.is(store.waiting.length, 2);
  assert.is((await recordsOf(c)).size, 0, 'nothing is shown before it is durable');
  store.isHolding = false;
  store.letGo();
  store.letGo();
  for (const { accepted } of [before, after]) assert.equal(await accepted, { type: 'accepted', changes: 1 });
  await sameProject(b, c);
  await c.projects.close();
});

test('REP-3 nothing is taken of what follows groups that were lost with a failed write', async ({ a, b }) => {
  const [first, second] = await aRecordOfEach(a, b);
  const store = new FaultyStore();
  const c = memoryServer(3, store);
  store.failNext('is lost');
  const { accepted: lost, era } = await taken(c, first, null);
  const next = c.replicas.accept('p', second, { behind: era, onTaken: () => undefined });
  assert.is(await codeOf(() => lost), 'outcome-unknown');
  assert.is((await next).type, 'gap', 'of another server, so that its number alone would fit');
  assert.is((await recordsOf(c)).size, 0);
  await give(b, c);
  await sameProject(b, c);
  await c.projects.close();
});

interface Given {
  readonly records: readonly Uint8Array[];
  readonly isUnfinished: boolean;
}

/** A group of the first server, and one of the second that came behind it. */
async function aRecordOfEach(a: MemoryServer, b: MemoryServer): Promise<[Given, Given]> {
  await uploadEntry(a.projects, 'p', 'e');
  await give(a, b);
  await uploadEntry(b.projects, 'p', 'f');
  const records = (await pagesFor(b, new Map())).flatMap((page) => page.records);
  const [first, second, ...more] = records.map((record) => ({ records: [record], isUnfinished: false }));
  if (!first || !second || more.length > 0) throw new Error(`${records.length} records`);
  return [first, second];
}

/** Gives groups. Resolves when they are taken, with what becomes of them. */
function taken(
  { replicas }: MemoryServer,
  groups: Given,
  behind: number | null,
): Promise<{ era: number; accepted: Promise<unknown> }> {
  return new Promise((resolve) => {
    const onTaken = (era: number): void => resolve({ era, accepted });
    const accepted = replicas.accept('p', groups, { behind, onTaken });
    accepted.catch(() => undefined); // the test looks at it later
  });
}

async function recordsFor(server: MemoryServer): Promise<readonly Uint8Array[]> {
  return (await pagesFor(server, nothingKnown)).flatMap(({ records }) => records);
}

async function edit({ projects }: MemoryServer, change: (doc: Y.Doc) => void): Promise<void> {
  await projects.use('p', async (project) => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, await project.encode((own) => Y.encodeStateAsUpdate(own)));
    const before = Y.encodeStateVector(doc);
    doc.transact(() => change(doc));
    await settled(await project.applyUpdate(Y.encodeStateAsUpdate(doc, before), yjs));
  });
}

async function settled(outcome: { type: string; durable?: Promise<void> }): Promise<void> {
  assert.is(outcome.type, 'accepted');
  await outcome.durable;
}

function entry(uuid: string, camera = 'A'): JsonObject {
  return {
    version_uuid: uuid,
    report_uuid: 'r',
    entry_uuid: uuid,
    clip_id: '11b',
    content: { camera },
    authortime: '2026-01-01T00:00:00.000Z',
  };
}

async function uuidsStreamed({ projects }: MemoryServer): Promise<unknown[]> {
  const selected = await readSelected(projects, 'p', { objects: [objectsOf('entry')] });
  return selected.map((one) =>
    one.type === 'object'
      ? (JSON.parse(Buffer.from(one.object).toString()) as JsonObject).version_uuid
      : null,
  );
}

async function udtOf({ projects }: MemoryServer): Promise<unknown> {
  return (await projects.use('p', (project) => project.udt.read())).view;
}

async function codeOf(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error instanceof RejoinError ? error.code : String(error);
  }
}

test.run();
