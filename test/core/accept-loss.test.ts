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
import { readQuarantine } from '../../src/store/quarantine.ts';
import type { Store } from '../../src/store/store.ts';
import type { HeadsWitness, WitnessedHeads } from '../../src/store/witnessed-heads.ts';
import {
  documentOf,
  exchange,
  give,
  memoryServer,
  sameProject,
  strippedRecordsOf,
  type MemoryServer,
} from '../support/memory-servers.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const test = suite('acceptance of a loss');
const keys = new ProjectKeys('p');
const udt = { protocol: 'udt', user: 'ann' } as const;

class Witness implements HeadsWitness {
  readonly known = new Map<string, WitnessedHeads>();

  heads(project: string): Promise<WitnessedHeads | undefined> {
    return Promise.resolve(this.known.get(project));
  }

  note(project: string, heads: WitnessedHeads): void {
    this.known.set(project, heads);
  }
}

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

async function textOf(server: MemoryServer): Promise<string> {
  return (await documentOf(server.projects)).getText('text').toJSON();
}

/** What a reader of the whole history is given. */
async function streamed({ projects }: MemoryServer): Promise<string[]> {
  return projects.use('p', async (project) => {
    const selection = { objects: [{ kind: 'entry' as const, since: new Map(), match: null }], udt: null };
    const feed = await project.select(selection);
    const versions: string[] = [];
    while (!feed.atHead)
      for (const selected of (await feed.next()) ?? [])
        if (selected.type === 'object')
          versions.push(
            (JSON.parse(Buffer.from(selected.object).toString()) as { version_uuid: string }).version_uuid,
          );
    feed.close();
    return versions;
  });
}

async function fourEntries(
  serverId = 1,
  options: Parameters<typeof memoryServer>[2] = {},
): Promise<MemoryServer> {
  const server = memoryServer(serverId, new MemoryStore(), options);
  for (const uuid of ['a', 'b', 'c', 'd']) await uploadEntry(server.projects, 'p', uuid);
  return server;
}

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
    lost: 1,
    isCovered: false,
    unshown: 2,
    unshownFromMs: server.clock.nowMs,
    unshownToMs: server.clock.nowMs,
    objects: 2,
    kept: 1,
    renumbered: 2,
  });
  assert.equal(await streamed(server), ['a', 'c', 'd']);
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
  assert.equal(await streamed(again), ['a', 'c', 'd', 'b']);
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

test('REP-3 a server that has nothing of it gets what stays', async () => {
  const server = await reopened(await fourEntries(), (store) => spoil(store, 2));
  await accept(server);
  const fresh = memoryServer(2);
  await exchange(server, fresh);
  await sameProject(server, fresh);
  assert.equal(await streamed(fresh), ['a', 'c', 'd']);
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
  assert.equal(await streamed(server), ['a', 'b', 'c', 'd']);
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
  assert.equal((await streamed(server)).sort(), ['a', 'b', 'c', 'd']);
  for (const each of [server, all, some]) await isClean(each);
});

test('a log that has lost its end is closed, and the witness is not believed any more', async () => {
  const witness = new Witness();
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
  assert.equal(await streamed(server), ['a', 'b', 'new']);
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
  const loss = await accept(server);
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

test('a record that a snapshot covers is given up, and nothing of the document is', async () => {
  const a = await fourEntries();
  await type(a, 'text');
  await a.projects.use('p', async (project) => {
    await project.encode(() => undefined);
    await project.closeDocument(() => false);
  });
  const server = await reopened(a, (store) => spoil(store, 2));
  const { isCovered, unshown, kept, lost } = await look(server);
  if (isCovered) assert.equal([unshown, kept, lost], [0, 4, 1]);
  await accept(server);
  assert.is(await textOf(server), 'text');
  assert.equal(await streamed(server), ['a', 'c', 'd']);
  await isClean(server);
  const fresh = memoryServer(2);
  await exchange(server, fresh);
  await sameProject(server, fresh);
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
