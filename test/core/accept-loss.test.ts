// What is lost for good is given up when an operator says so: the rest is served again, and whoever still has what was given up gives
// it back as ordinary changes.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Operations, type Operation, type Outcome } from '../../src/core/operations.ts';
import { RejoinError, type ErrorCode } from '../../src/errors.ts';
import type { Finding } from '../../src/store/findings.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { readProjectInfo } from '../../src/store/project-info.ts';
import { readPostings } from '../../src/store/postings.ts';
import { findSnapshots } from '../../src/store/snapshots.ts';
import { readSampleChanges } from '../../src/core/sample-changes.ts';
import { readQuarantine } from '../../src/store/quarantine.ts';
import type { Store } from '../../src/store/store.ts';
import { MemoryWitness } from '../support/memory-witness.ts';
import { compact } from '../support/compacted-project.ts';
import {
  documentOf,
  exchange,
  give,
  memoryServer,
  sameProject,
  strippedRecordsOf,
  type MemoryServer,
} from '../support/memory-servers.ts';
import { streamedVersions } from '../support/streamed-versions.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const test = suite('acceptance of a loss');
const keys = new ProjectKeys('p');
const udt = { protocol: 'udt', user: 'ann' } as const;

function run({ projects }: MemoryServer, operation: Operation, findings: Finding[] = []): Promise<Outcome> {
  const operations = new Operations(projects, () => Promise.resolve([]));
  return operations.run(operation, {
    onStep: (step) => step.type === 'finding' && findings.push(step.finding),
    stopping: new AbortController().signal,
  });
}

async function look(server: MemoryServer) {
  const outcome = await run(server, { type: 'look-at-loss', project: 'p' });
  if (outcome.type !== 'loss') throw new Error(outcome.type);
  return outcome.loss;
}

async function accept(server: MemoryServer) {
  const outcome = await run(server, { type: 'accept-loss', project: 'p' });
  if (outcome.type !== 'loss-accepted') throw new Error(outcome.type);
  return outcome.loss;
}

/** Nothing is found by a verification, and nothing is wanted. */
async function isClean(server: MemoryServer): Promise<void> {
  const findings: Finding[] = [];
  const outcome = await run(server, { type: 'verify', isRepair: false }, findings);
  assert.equal(findings, []);
  assert.is(outcome.type === 'verified' && outcome.wanted, 0);
  assert.equal(await readQuarantine(server.store, keys), []);
  assert.is((await readProjectInfo(server.store, 'p'))?.damage, undefined);
}

async function rejects(work: () => Promise<unknown>, code: ErrorCode, message = /./): Promise<void> {
  try {
    await work();
  } catch (error) {
    assert.is(error instanceof RejoinError && error.code, code, String(error));
    assert.match((error as Error).message, message);
    return;
  }
  assert.unreachable(`it should be refused as ${code}`);
}

/** Opened anew, behind something that was done to its store. */
async function reopened(
  server: MemoryServer,
  change: (store: Store) => Promise<void> = () => Promise.resolve(),
  options: Parameters<typeof memoryServer>[2] = {},
): Promise<MemoryServer> {
  await server.projects.close();
  const { store } = server;
  await store.reopen();
  await change(store);
  return memoryServer(server.replicas.serverId, store, options);
}

async function spoil(store: Store, position: number): Promise<void> {
  const record = Buffer.from((await store.get(keys.record(position))) ?? []);
  record[record.length - 3]! ^= 4;
  await store.write([{ key: keys.record(position), value: record }]);
}

async function type({ projects }: MemoryServer, text: string): Promise<void> {
  await projects.use('p', async (project) => {
    const state = await project.encode((doc) => Y.encodeStateAsUpdate(doc));
    const doc = new Y.Doc();
    Y.applyUpdate(doc, state);
    const before = Y.encodeStateVector(doc);
    doc.getText('text').insert(doc.getText('text').length, text);
    await project.applyUpdate(Y.encodeStateAsUpdate(doc, before), { protocol: 'yjs', user: 'ann' });
    await project.settled();
  });
}

/** As one group of a Yjs client's. */
async function setEntries({ projects }: MemoryServer, uuids: readonly string[]): Promise<void> {
  await projects.use('p', async (project) => {
    const doc = new Y.Doc();
    doc.transact(() => {
      const authortime = '2026-01-01T00:00:00.000Z';
      for (const uuid of uuids) {
        const fields = {
          version_uuid: uuid,
          report_uuid: 'r',
          entry_uuid: uuid,
          clip_id: '1',
          content: {},
          authortime,
        };
        doc.getMap('entries').set(uuid, fields);
      }
    });
    await project.applyUpdate(Y.encodeStateAsUpdate(doc), { protocol: 'yjs', user: 'ann' });
    await project.settled();
  });
}

async function textOf(server: MemoryServer): Promise<string> {
  return (await documentOf(server.projects)).getText('text').toJSON();
}

async function fourEntries(
  serverId = 1,
  options: Parameters<typeof memoryServer>[2] = {},
): Promise<MemoryServer> {
  const server = memoryServer(serverId, new MemoryStore(), options);
  for (const uuid of ['a', 'b', 'c', 'd']) await uploadEntry(server.projects, 'p', uuid);
  return server;
}

test('of many places that are lost the first twenty are told, and how many more there are', async () => {
  const server = memoryServer(1);
  for (let n = 0; n < 50; n++) await uploadEntry(server.projects, 'p', `e${n}`);
  const again = await reopened(server, async (store) => {
    for (let position = 1; position < 50; position += 2) await spoil(store, position);
  });
  const { findings, moreFindings, lost } = await look(again);
  assert.equal([findings.length, moreFindings, lost], [20, 5, 25]);
  await again.projects.close();
});

test('a damaged upload is given up, the others stay, in the streams and in the document', async () => {
  const server = await reopened(await fourEntries(), (store) => spoil(store, 2));
  await rejects(() => documentOf(server.projects), 'damaged');
  const before = await look(server);
  assert.equal(
    before.findings.map(({ position, numbers }) => ({ position, numbers })),
    [{ position: 2, numbers: { serverId: 1, first: 2, last: 2 } }],
  );
  const { findings, ...counts } = await accept(server);
  assert.equal(findings, before.findings);
  assert.equal(counts, {
    moreFindings: 0,
    lost: 1,
    isCovered: false,
    unshown: 2,
    unshownFromMs: server.clock.nowMs,
    unshownToMs: server.clock.nowMs,
    objects: 2,
    kept: 1,
    renumbered: 2,
  });
  assert.equal(await streamedVersions(server), ['a', 'c', 'd']);
  assert.equal(Object.keys((await documentOf(server.projects)).getMap('entries').toJSON()).sort(), [
    'a',
    'c',
    'd',
  ]);
  assert.is(server.events.filter(({ type }) => type === 'loss-accepted').length, 1);
  await isClean(server);
  await rejects(() => look(server), 'conflict', /has lost nothing/);
  await rejects(() => accept(server), 'conflict', /has lost nothing/);
  // Its author may send it again, and all goes on.
  await uploadEntry(server.projects, 'p', 'b');
  const again = await reopened(server);
  assert.equal(await streamedVersions(again), ['a', 'c', 'd', 'b']);
  await isClean(again);
});

test('REP-8 numbers that were given up are not given again, and what stays is written under a new server id', async () => {
  const server = await reopened(await fourEntries(), (store) => spoil(store, 2));
  await accept(server);
  const id = server.replicas.serverId;
  assert.is.not(id, 1);
  const { heads } = await server.replicas.standing('p');
  assert.equal(
    heads.map(({ serverId, seqno }) => [serverId, seqno]),
    [
      [1, 1],
      [id, 4],
    ].sort(([a = 0], [b = 0]) => a - b),
  );
});

test('links begin anew where no new server id is needed, too', async () => {
  const a = await fourEntries();
  await a.projects.close();
  await a.store.reopen();
  await spoil(a.store, 2);
  const server = memoryServer(5, a.store); // it has taken a new life since
  let begun = 0;
  server.projects.listenLives(() => begun++);
  await accept(server);
  assert.equal([server.replicas.serverId, begun], [5, 1]);
  const { heads } = await server.replicas.standing('p');
  assert.equal(
    heads.map(({ serverId, seqno }) => [serverId, seqno]),
    [
      [1, 1],
      [5, 4],
    ],
  );
});

test('REP-3 a server that has nothing of it gets what stays', async () => {
  const server = await reopened(await fourEntries(), (store) => spoil(store, 2));
  await accept(server);
  const fresh = memoryServer(2);
  await exchange(server, fresh);
  await sameProject(server, fresh);
  assert.equal(await streamedVersions(fresh), ['a', 'c', 'd']);
});

test('changes of another server that build on what is lost keep it from being given up', async () => {
  const a = await fourEntries();
  await type(a, 'one ');
  const peer = memoryServer(2);
  await exchange(a, peer);
  await type(peer, 'two ');
  await exchange(a, peer);
  const server = await reopened(a, (store) => spoil(store, 5));
  for (const work of [look, accept])
    await rejects(() => work(server), 'conflict', /Changes of server 2 build on what is lost of "p"/);
  // It is as it was, and that server gives it back.
  for (const range of await server.replicas.lost('p'))
    for await (const records of peer.replicas.read('p', range)) await server.replicas.repair('p', records, 2);
  await sameProject(server, peer);
});

test('REP-3 a server that has what was given up gives it back as ordinary changes', async () => {
  const a = await fourEntries();
  await type(a, 'one ');
  await type(a, 'two ');
  const peer = memoryServer(2);
  await exchange(a, peer);
  const server = await reopened(a, (store) => spoil(store, 5));
  await accept(server);
  assert.is(await textOf(server), '');
  await type(server, 'new ');
  await exchange(server, peer);
  await sameProject(server, peer, 'p', strippedRecordsOf);
  assert.equal((await textOf(peer)).split(' ').sort(), ['', 'new', 'one', 'two']);
  assert.equal(await streamedVersions(server), ['a', 'b', 'c', 'd']);
  for (const each of [server, peer]) await isClean(each);
});

test('REP-3 servers that have different parts of what was given up end with the same', async () => {
  const a = await fourEntries();
  const [all, some] = [memoryServer(2), memoryServer(3)];
  await give(a, some);
  await type(a, 'one ');
  await type(a, 'two ');
  await give(a, all);
  await type(a, 'three');
  const server = await reopened(a, async (store) => {
    await spoil(store, 3);
    await spoil(store, 5);
  });
  assert.is((await accept(server)).lost, 2);
  assert.is(await textOf(server), '');
  await exchange(server, some);
  await exchange(all, some);
  await exchange(server, all);
  await exchange(server, some);
  assert.is(await textOf(server), 'one two ');
  for (const other of [all, some]) await sameProject(server, other, 'p', strippedRecordsOf);
  assert.equal((await streamedVersions(server)).sort(), ['a', 'b', 'c', 'd']);
  for (const each of [server, all, some]) await isClean(each);
});

test('a log that has lost its end is closed, and the witness is not believed any more', async () => {
  const witness = new MemoryWitness();
  const before = await fourEntries(1, { witness });
  const server = await reopened(
    before,
    async (store) => {
      for (const at of [3, 4])
        await store.write([
          { key: keys.record(at), value: null },
          { key: keys.sequence(1, at), value: null },
        ]);
    },
    { witness },
  );
  await uploadEntry(server.projects, 'p', 'new');
  const seen = new Map(witness.known);
  const loss = await accept(server);
  assert.equal([loss.lost, loss.unshown, loss.kept], [2, 0, 3]);
  assert.equal(await streamedVersions(server), ['a', 'b', 'new']);
  await isClean(server);
  // Killed before the witness was written.
  witness.known.clear();
  for (const [project, heads] of seen) witness.known.set(project, { ...heads, serverId: 1, seqno: 4 });
  const again = await reopened(server, undefined, { witness });
  await again.projects.use('p', () => Promise.resolve());
  assert.equal(again.events, []);
  await isClean(again);
});

test('UDT-10 a session goes on without what is lost, and its clients are sent the whole state', async () => {
  const a = memoryServer(1);
  const label = (index: number) => [{ op: 'add', path: `/samples/${index}/annotation`, value: 'x' }] as const;
  await a.projects.use('p', async (project) => {
    await project.udt.createSession({ samples: [{}, {}, {}] }, udt);
    for (const index of [0, 1, 2])
      await project.udt.patch(label(index), udt, { request: { key: `k${index}`, digest: 'd' } });
  });
  const { version } = await a.projects.use('p', (project) => project.udt.read());
  const server = await reopened(a, (store) => spoil(store, 3));
  await rejects(() => server.projects.use('p', (project) => project.udt.read()), 'damaged');
  const countsOf = async (): Promise<number[]> =>
    (await readSampleChanges(server.store, keys, assert.unreachable)).map(({ count }) => count);
  const counts = await countsOf();
  const loss = await accept(server);
  assert.equal(
    await countsOf(),
    counts.map((count) => count + 1),
  ); // UDT-16
  assert.equal([loss.lost, loss.unshown, loss.kept], [1, 1, 2]);
  await server.projects.use('p', async (project) => {
    const read = await project.udt.read();
    assert.equal(read.view['samples'], [{ annotation: 'x' }, {}, {}]);
    const { versions } = await project.udt.after(version);
    const whole = [{ op: 'replace', path: '/samples', value: read.view['samples'] }];
    assert.equal(
      versions.map(({ patch }) => patch),
      [whole],
    );
    const { view } = await project.udt.patch(label(2), udt).then(() => project.udt.read());
    assert.equal(view['samples'], [{ annotation: 'x' }, {}, { annotation: 'x' }]);
  });
  for (const [index, isKept] of [true, false, false].entries())
    assert.is(
      (await server.store.get(keys.idempotency(`k${index}`))) !== undefined,
      isKept,
      `answer ${index}`,
    );
  await isClean(server);
  const fresh = memoryServer(2);
  await exchange(server, fresh);
  await sameProject(server, fresh);
  assert.is((await readProjectInfo(fresh.store, 'p'))?.session?.user, 'ann');
});

test('WS-23 who follows the patches of udt is given the whole state at the end', async () => {
  const a = memoryServer(1);
  await a.projects.use('p', async (project) => {
    await project.udt.createSession({ samples: [] }, udt);
    for (const name of ['x', 'y', 'z'])
      await project.udt.patch([{ op: 'add', path: `/${name}`, value: 1 }], udt);
  });
  const server = await reopened(a, (store) => spoil(store, 3));
  await accept(server);
  const patches = await server.projects.use('p', async (project) => {
    const feed = await project.select({ objects: [], udt: new Map([[1, 4]]) });
    const found: unknown[] = [];
    while (!feed.atHead)
      for (const selected of (await feed.next()) ?? [])
        if (selected.type === 'patch') found.push(selected.patch);
    feed.close();
    return found;
  });
  assert.equal(patches, [[{ op: 'replace', path: '', value: { samples: [], x: 1 } }]]);
});

/** Its log is compacted, and two snapshots stand for it. */
async function compacted(): Promise<MemoryServer> {
  const server = await fourEntries(1, { upkeep: { keepUpdatesMs: 0 } });
  await compact(server);
  await uploadEntry(server.projects, 'p', 'e');
  return server;
}

test('REP-7 a record that a snapshot covers is given up, and nothing of the document is', async () => {
  const a = await compacted();
  const text = await textOf(a);
  const server = await reopened(a, (store) => store.write([{ key: keys.record(2), value: null }]));
  const { isCovered, unshown, lost } = await look(server);
  assert.equal({ isCovered, unshown, lost }, { isCovered: true, unshown: 0, lost: 1 });
  await accept(server);
  const snapshots: number[] = [];
  const told = assert.unreachable;
  for await (const { position, vector } of findSnapshots(server.store, keys, told)) {
    snapshots.push(position);
    assert.equal(
      new Map(vector),
      await server.projects.use('p', (each) => Promise.resolve(each.durableVector)),
    );
  }
  assert.is(snapshots.length, 1); // no other, which would name numbers that are gone
  assert.is(await textOf(server), text);
  assert.equal(await streamedVersions(server), ['a', 'c', 'd', 'e']);
  assert.ok((await documentOf(server.projects)).getMap('entries').has('b'));
  await isClean(server);
  const fresh = memoryServer(2);
  await exchange(server, fresh);
  await sameProject(server, fresh);
});

test('what is lost with the snapshot that stood for more is refused', async () => {
  const server = await reopened(await compacted(), async (store) => {
    await store.write([{ key: keys.record(2), value: null }]);
    for await (const page of store.scan(keys.snapshotsBelow(null)))
      for (const { key, value } of page)
        await store.write([{ key, value: value.map((byte, index) => (index === 9 ? byte ^ 4 : byte)) }]);
  });
  for (const work of [look, accept])
    await rejects(
      () => work(server),
      'conflict',
      /More is lost of "p" than these changes: .* the snapshot that stood/,
    );
});

test('what a document that is open still has is kept', async () => {
  const server = await fourEntries();
  await type(server, 'text');
  assert.is(await textOf(server), 'text');
  for (const at of [2, 5]) await spoil(server.store, at);
  const { isCovered, unshown, lost } = await accept(server);
  assert.equal({ isCovered, unshown, lost }, { isCovered: true, unshown: 0, lost: 2 });
  const again = await reopened(server);
  assert.is(await textOf(again), 'text');
  assert.equal(await streamedVersions(again), ['a', 'c', 'd']);
  await isClean(again);
});

test('what is left of a group that has lost a change stays', async () => {
  const server = memoryServer(1);
  await uploadEntry(server.projects, 'p', 'a');
  await setEntries(server, ['x', 'y', 'z']);
  await uploadEntry(server.projects, 'p', 'b');
  const damaged = await reopened(server, (store) =>
    store.write([2, 4].map((at) => ({ key: keys.record(at), value: null }))),
  );
  await accept(damaged);
  assert.equal(await streamedVersions(damaged), ['a', 'y', 'b']);
  await isClean(damaged);
  const fresh = memoryServer(2);
  await exchange(damaged, fresh);
  await sameProject(damaged, fresh);
  assert.equal(await streamedVersions(fresh), ['a', 'y', 'b']);
  // Its author has all of it, and says so again.
  await setEntries(damaged, ['x', 'y', 'z']);
  assert.equal(await streamedVersions(damaged), ['a', 'y', 'b', 'x', 'z']);
});

test('WS-5 by report only what stays is found', async () => {
  const server = await reopened(await fourEntries(), (store) => spoil(store, 2));
  await accept(server);
  const match = { field: 'report', value: 'r' } as const;
  const runs: unknown[] = [];
  for await (const each of readPostings(server.store, keys, 'entry', match, { first: 1, last: 9 }))
    runs.push(each);
  assert.equal(
    runs,
    [1, 3, 4].map((at) => ({ first: at, last: at })),
  );
  for (let more = 0; more < 70; more++) await uploadEntry(server.projects, 'p', `more ${more}`);
  assert.equal((await streamedVersions(server, { field: 'report', value: 'r' })).slice(0, 3), [
    'a',
    'c',
    'd',
  ]);
});

test('what is whole, unknown or deleted is refused', async () => {
  const server = await fourEntries();
  await rejects(() => accept(server), 'conflict', /"p" has lost nothing/);
  await rejects(() => run(server, { type: 'accept-loss', project: 'q' }), 'not-found', /no project "q"/);
  await server.projects.use('p', (project) => project.delete());
  await rejects(() => look(server), 'deleted');
  await rejects(() => accept(server), 'deleted');
});

test('a session whose beginning is lost is refused', async () => {
  const a = memoryServer(1);
  await a.projects.use('p', async (project) => {
    await project.udt.createSession({ samples: [{}] }, udt);
    await project.udt.patch([{ op: 'add', path: '/samples/0/annotation', value: 'x' }], udt);
  });
  const server = await reopened(a, (store) => spoil(store, 1));
  await rejects(() => look(server), 'conflict', /is how the session begins/);
});

test.run();
