// A snapshot that was cut off on its way from another server is kept, and gone on with (REP-7): whatever happens in between, in the end
// both servers have the same.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import { readArrivalKey } from '../../src/store/read-key.ts';
import { findSnapshots } from '../../src/store/snapshots.ts';
import type { Store } from '../../src/store/store.ts';
import { applyAll, compact, typeMuch } from '../support/compacted-project.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import {
  acceptor,
  exchange,
  give,
  keptOf,
  memoryServer,
  pagesFor,
  recordsOf,
  sameProject,
  strippedRecordsOf,
  type MemoryServer,
  type Page,
} from '../support/memory-servers.ts';
import { nothingKnown } from '../support/selected.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

interface Context {
  a: MemoryServer;
  b: MemoryServer;
  disk: MemoryDisk;
}

const test = suite<Context>('kept-arrivals');
const keys = new ProjectKeys('p');
const upkeep = { keepUpdatesMs: 0 };

test.before.each(async (context) => {
  context.disk = new MemoryDisk();
  context.a = memoryServer(1, new MemoryStore(), { upkeep });
  context.b = memoryServer(2, new MemoryStore(context.disk), { upkeep });
  await uploadEntry(context.a.projects, 'p', 'e');
  await writeLong(context.a, 'xyz');
  await compact(context.a);
  await writeLong(context.a, 'vw');
});

test.after.each(async ({ a, b }) => {
  await a.projects.close();
  await b.projects.close();
});

test('REP-7 cut behind every part, with a restart each time, every part comes once', async (context) => {
  const { a, disk } = context;
  const all = await pagesFor(a, nothingKnown);
  assert.ok(partsIn(all).length > 4);
  const sent: Page[] = [];
  for (let cuts = 0; cuts < partsIn(all).length; cuts++) {
    assert.equal(
      (await context.b.replicas.standing('p')).heads,
      [],
      'nothing of it counts before all is here',
    );
    sent.push(...(await giveParts(a, context.b, 1)));
    await context.b.projects.close();
    context.b = memoryServer(2, new MemoryStore(disk), { upkeep });
  }
  assert.equal(piecesOf(sent), piecesOf(all));
  assert.equal(
    sent.flatMap(({ records }) => records),
    partsIn(all).flatMap(({ records }) => records),
  );
  await give(a, context.b);
  await same(a, context.b);
  assert.is(await keptParts(context.b), 0);
});

test('REP-7 what both write between a cut and the rest comes too', async ({ a, b }) => {
  const c = memoryServer(3, new MemoryStore(), { upkeep });
  await uploadEntry(b.projects, 'p', 'own');
  await give(b, c);
  await giveParts(a, b, 4);
  await uploadEntry(b.projects, 'p', 'own later');
  await uploadEntry(c.projects, 'p', 'of a third');
  await exchange(c, b);
  await give(c, a);
  await writeLong(a, 's');
  const rest = await giveParts(a, b, Infinity);
  assert.ok(
    rest.every(({ snapshot }) => !snapshot?.isFirst),
    'it goes on',
  );
  await exchange(a, b);
  await same(a, b);
  await c.projects.close();
});

test('REP-7 what another server has sent meanwhile is not taken twice', async ({ a, b }) => {
  const c = memoryServer(3, new MemoryStore(), { upkeep });
  await give(a, c);
  await giveParts(a, b, 4);
  await giveParts(c, b, 2);
  assert.is(await arrivals(b), 1, 'the newest is kept');
  await giveParts(a, b, 4);
  assert.is(await arrivals(b), 1);
  await give(c, b);
  await b.projects.upkeep.sweep();
  assert.is(await keptParts(b), 0, 'all of it is here');
  await same(a, b);
  await c.projects.close();
});

test('REP-7 a sender that has another snapshot begins anew, one that has made a newer one goes on with that', async ({
  a,
  b,
}) => {
  await giveParts(a, b, 3);
  await snapshotAnew(a);
  const [second] = await giveParts(a, b, 1);
  assert.not(second?.snapshot?.isFirst, 'the one before is there still');
  for (let rounds = 0; rounds < 2; rounds++) await snapshotAnew(a);
  await a.projects.upkeep.tidy('p');
  const [third] = await giveParts(a, b, 2);
  assert.ok(third?.snapshot?.isFirst);
  await giveParts(a, b, Infinity);
  await exchange(a, b);
  await same(a, b);
});

test('REP-7 a kept part that is damaged or lost is asked for again, from the beginning', async (context) => {
  const { a, disk } = context;
  for (const value of [Uint8Array.of(1, 2, 3), null]) {
    await giveParts(a, context.b, 2);
    assert.ok(await keptOf(context.b));
    const [first = new Uint8Array()] = await keysOfParts(context.b.store);
    await context.b.store.write([{ key: first, value }]);
    assert.is(await keptOf(context.b), null);
    assert.ok(context.b.events.some(({ type }) => type === 'damage'));
    const [page] = await giveParts(a, context.b, 1);
    assert.ok(page?.snapshot?.isFirst);
    await context.b.projects.close();
    context.b = memoryServer(2, new MemoryStore(disk), { upkeep });
  }
  await give(a, context.b);
  await same(a, context.b);
});

test('REP-7 a last part that is lost before all is taken is damage: nothing counts as taken that is not here', async ({
  a,
}) => {
  const store = new MemoryStore();
  const b = memoryServer(2, store, { upkeep });
  const parts = partsIn(await pagesFor(a, nothingKnown));
  const accept = await acceptor(b);
  for (const page of parts.slice(0, -1)) assert.is((await accept.page(page)).type, 'accepted');
  const write = store.write.bind(store);
  store.write = async (batch) => {
    await write(batch);
    store.write = write;
    const [part] = batch;
    if (part) await write([{ key: part.key, value: null }]);
  };
  let code = '';
  await accept.page(parts.at(-1)!).catch((error: unknown) => {
    if (error instanceof RejoinError) ({ code } = error);
  });
  assert.is(code, 'damaged');
  accept.close();
  await give(a, b);
  await same(a, b);
  await b.projects.close();
});

test('REP-7 one whose label is damaged is removed when the project is opened', async (context) => {
  const { a, b, disk } = context;
  await giveParts(a, b, 2);
  for await (const page of b.store.scan(keys.arrivalsBehind(0)))
    for (const { key } of page)
      if (Buffer.compare(key, keys.arrivalLabel(readArrivalKey(key).arrival)) === 0)
        await b.store.write([{ key, value: Uint8Array.of(9) }]);
  await b.projects.close();
  context.b = memoryServer(2, new MemoryStore(disk), { upkeep });
  assert.is(await keptOf(context.b), null);
  await context.b.projects.upkeep.run('p', () => Promise.resolve());
  assert.is(await keptParts(context.b), 0);
});

test('REP-7 a sender whose snapshot is damaged behind what is kept gives another one, or none and says so', async ({
  a,
  b,
}) => {
  await giveParts(a, b, 2);
  await snapshotAnew(a);
  const [, older = 0] = await snapshotsOf(a);
  await damageChunks(a.store, older, 2);
  const [page] = await giveParts(a, b, 2);
  assert.ok(page?.snapshot?.isFirst, 'of the newer one');
  assert.is((await keptOf(b))?.pieces, 2);
  await a.projects.use('p', (project) => project.closeDocument(() => false));
  for (const position of await snapshotsOf(a))
    if (position !== older) await damageChunks(a.store, position, 0);
  const reader = await a.replicas.open('p', nothingKnown, await keptOf(b));
  let problem: unknown = null;
  for (let parts = 0; parts < 5 && problem === null; parts++)
    await reader.next().catch((error: unknown) => (problem = error));
  assert.ok(problem instanceof RejoinError && problem.code === 'damaged', String(problem));
  reader.close();
});

test('REP-7 a snapshot that turns out to make no document is not gone on with', async ({ a, b }) => {
  const [first, ...rest] = await pagesFor(a, nothingKnown);
  assert.ok(first?.snapshot);
  const accept = await acceptor(b);
  const broken = { ...first.snapshot, piece: first.snapshot.piece.subarray(0, 20) };
  let outcome: unknown = null;
  for (const page of [{ ...first, snapshot: broken }, ...rest.filter(({ snapshot }) => snapshot)])
    await accept.page(page).catch((error: unknown) => (outcome = error));
  accept.close();
  assert.ok(outcome instanceof RejoinError && outcome.code === 'undecodable', String(outcome));
  assert.is(await keptOf(b), null);
  await give(a, b);
  await same(a, b);
});

test('REP-7 a part that follows something else than what is kept is a gap', async ({ a, b }) => {
  const [first, second, third] = await pagesFor(a, nothingKnown);
  assert.ok(first && second && third);
  const fresh = await acceptor(b);
  assert.is((await fresh.page(third)).type, 'gap', 'nothing is kept');
  for (const page of [first, second]) await fresh.page(page);
  fresh.close();
  const accept = await acceptor(b);
  assert.is(accept.kept?.pieces, 2);
  const other = { ...third, snapshot: { ...third.snapshot!, name: new Uint8Array(16) } };
  assert.is((await accept.page(other)).type, 'gap');
  assert.is((await accept.page(third)).type, 'accepted');
  assert.is((await accept.page(other)).type, 'gap', 'of another one');
  accept.close();
  assert.is((await keptOf(b))?.pieces, 3);
});

test('REP-7 parts without a name, as older servers send them, are not kept', async ({ a, b }) => {
  const accept = await acceptor(b);
  for (const { records, snapshot } of (await pagesFor(a, nothingKnown)).slice(0, 2)) {
    const { isFirst, isLast, covers, piece } = snapshot!;
    const part = { isFirst, isLast, covers, piece };
    // The same as an older peer's: nothing tells the snapshot from others.
    await accept.page({ records, isUnfinished: false, snapshot: part });
  }
  accept.close();
  assert.is(await keptOf(b), null);
  await b.projects.upkeep.run('p', () => Promise.resolve());
  assert.is(await keptParts(b), 0);
});

test('REP-7 while a part waits to be removed its project stays in memory: no other instance takes its number', async ({
  a,
}) => {
  const b = memoryServer(2, new MemoryStore(), { upkeep, memory: { idleMs: 40 } });
  const { projects, clock } = b;
  let goOn = (): void => undefined;
  const earlierWork = projects.upkeep.run('other', () => new Promise((resolve) => (goOn = resolve)));
  const { project, release } = await projects.acquire('p');
  const [first] = await pagesFor(a, nothingKnown);
  const receipt = project.arrivals.receive(() => undefined);
  const { isFirst, isLast, covers, piece } = first!.snapshot!;
  await receipt.add({ isFirst, isLast, covers, piece, records: [] });
  receipt.close();
  let tries = 0;
  const closeDocument = project.closeDocument.bind(project);
  project.closeDocument = (isNeeded) => {
    tries++;
    return closeDocument(isNeeded);
  };
  release();
  await until('it was let go twice', () => {
    clock.nowMs += 40;
    return tries > 2;
  });
  assert.is(await keptParts(b), 1);
  assert.is(await projects.use('p', (same) => Promise.resolve(same)), project);
  goOn();
  await earlierWork;
  await until('it has left memory', () => {
    clock.nowMs += 40;
    return projects.openCount === 0;
  });
  assert.is(await keptParts(b), 0);
  await projects.close();
});

test('REP-7 what is kept survives a store that fails and is opened again', async ({ a }) => {
  for (const outcome of ['is stored', 'is lost'] as const) {
    const store = new FaultyStore();
    const b = memoryServer(2, store, { upkeep });
    await giveParts(a, b, 2);
    const accept = await acceptor(b);
    const pages = await pagesFor(a, nothingKnown, 'p', accept.kept);
    store.failNext(outcome);
    let hasFailed = false;
    await accept.page(pages[0]!).catch(() => (hasFailed = true));
    assert.ok(hasFailed);
    accept.close();
    assert.is((await keptOf(b))?.pieces, outcome === 'is stored' ? 3 : 2);
    const rest = await giveParts(a, b, Infinity);
    assert.not(rest[0]?.snapshot?.isFirst);
    await exchange(a, b);
    await same(a, b);
    await b.projects.close();
  }
});

test('REP-14 of a project that is deleted nothing is kept, nor of one that is purged', async (context) => {
  const { a, disk } = context;
  await uploadEntry(context.b.projects, 'p', 'own');
  await giveParts(a, context.b, 2);
  await context.b.projects.use('p', (project) => project.delete());
  assert.is(await keptOf(context.b), null);
  await context.b.projects.upkeep.run('p', () => Promise.resolve());
  assert.is(await keptParts(context.b), 0);
  await context.b.projects.use('p', (project) => project.undelete());
  await giveParts(a, context.b, 2);
  await context.b.projects.use('p', (project) => project.delete());
  await context.b.projects.use('p', (project) => project.purge());
  assert.is(await keptParts(context.b), 0);
  await context.b.projects.close();
  context.b = memoryServer(2, new MemoryStore(disk), { upkeep });
  assert.is(await keptOf(context.b), null);
});

/** Gives parts as a link does, then it is cut. @returns those that were given. */
async function giveParts(from: MemoryServer, to: MemoryServer, count: number): Promise<Page[]> {
  const { vector } = await to.replicas.meet('p', await from.replicas.standing('p'));
  const accept = await acceptor(to);
  const parts = partsIn(await pagesFor(from, vector, 'p', accept.kept)).slice(0, count);
  for (const part of parts) assert.is((await accept.page(part)).type, 'accepted');
  accept.close();
  return parts;
}

function partsIn(pages: readonly Page[]): Page[] {
  return pages.filter(({ snapshot }) => snapshot);
}

function piecesOf(pages: readonly Page[]): string[] {
  return pages
    .map(({ snapshot }) => snapshot?.piece ?? new Uint8Array())
    .filter(({ length }) => length > 0)
    .map((piece) => Buffer.from(piece).toString('base64'));
}

/** So long that each is a piece of its own. */
async function writeLong({ projects }: MemoryServer, letters: string): Promise<void> {
  for (const letter of letters)
    await applyAll(projects, (doc) => doc.getMap('app').set(letter, letter.repeat(300_000)));
}

async function snapshotAnew({ projects }: MemoryServer): Promise<void> {
  await typeMuch(projects);
  await projects.use('p', (project) => project.closeDocument(() => false));
}

async function same(one: MemoryServer, other: MemoryServer): Promise<void> {
  await sameProject(one, other, 'p', strippedRecordsOf);
  const again = memoryServer(other.replicas.serverId, other.store);
  await sameProject(one, again, 'p', strippedRecordsOf);
  assert.ok((await recordsOf(one)).size > 200);
  await again.projects.close();
}

async function keptParts({ store }: MemoryServer): Promise<number> {
  return (await keysOfParts(store)).length;
}

async function arrivals(server: MemoryServer): Promise<number> {
  const { store, projects } = server;
  await keptOf(server);
  await projects.upkeep.run('p', () => Promise.resolve());
  return new Set((await keysOfParts(store)).map((key) => readArrivalKey(key).arrival)).size;
}

async function keysOfParts(store: Store): Promise<Uint8Array[]> {
  const found: Uint8Array[] = [];
  for await (const page of store.scan(keys.arrivalsBehind(0))) found.push(...page.map(({ key }) => key));
  return found;
}

/** The positions, the newest first. */
async function snapshotsOf({ store }: MemoryServer): Promise<number[]> {
  const positions = [];
  for await (const { position } of findSnapshots(store, keys, assert.unreachable)) positions.push(position);
  return positions;
}

async function damageChunks(store: Store, position: number, from: number): Promise<void> {
  const key = keys.snapshotChunk(position, from);
  assert.ok(await store.get(key));
  await store.write([{ key, value: Uint8Array.of(1, 2, 3) }]);
}

test.run();
