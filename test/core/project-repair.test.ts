// What a log has lost comes back from another server into its place: nothing else is taken, and nothing shows that it was lost.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { upload } from '../../src/core/upload.ts';
import type { Projects } from '../../src/core/projects.ts';
import { RejoinError, type ErrorCode } from '../../src/errors.ts';
import { checkObject } from '../../src/model/objects.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { projectKey } from '../../src/store/store-keys.ts';
import { readProjectInfo, writeProjectInfo } from '../../src/store/project-info.ts';
import { withoutUpdate } from '../../src/store/record.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { MemoryWitness } from '../support/memory-witness.ts';
import { typeMuch } from '../support/compacted-project.ts';
import { readQuarantine } from '../../src/store/quarantine.ts';
import type { Store } from '../../src/store/store.ts';
import {
  documentOf,
  exchange,
  give,
  memoryServer,
  recordsOf,
  sameProject,
  strippedRecordsOf,
  type MemoryServer,
} from '../support/memory-servers.ts';
import { checked, heal, reopened } from '../support/repair-by-hand.ts';
import { until } from '../support/until.ts';
import { streamedVersions } from '../support/streamed-versions.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const test = suite('repair of a project');
const keys = new ProjectKeys('p');

async function valuesOf(store: Store): Promise<Uint8Array[]> {
  const values: Uint8Array[] = [];
  for await (const page of store.scan(keys.allRecords())) values.push(...page.map(({ value }) => value));
  return values;
}

async function numbersOf(server: MemoryServer): Promise<string[]> {
  return [...(await recordsOf(server)).keys()];
}

async function rejects(work: () => Promise<unknown>, code: ErrorCode): Promise<void> {
  try {
    await work();
  } catch (error) {
    assert.is(error instanceof RejoinError && error.code, code);
    return;
  }
  assert.unreachable(`it should be refused as ${code}`);
}

async function uploadEntries(projects: Projects, uuids: readonly string[]): Promise<void> {
  const uploads = uuids.map((uuid) => ({
    kind: 'entry' as const,
    projectId: 'p',
    fields: checkObject(
      'entry',
      { version_uuid: uuid, report_uuid: 'r', entry_uuid: `e-${uuid}`, clip_id: '11b', content: {} },
      'entry',
    ),
  }));
  await upload(projects, uploads, { protocol: 'stream', user: 'anonymous' });
}

async function twoServers(): Promise<{ a: MemoryServer; b: MemoryServer }> {
  const [a, b] = [memoryServer(1), memoryServer(2)];
  for (const uuid of ['a', 'b', 'c', 'd']) await uploadEntry(a.projects, 'p', uuid);
  await give(a, b);
  await uploadEntry(b.projects, 'p', 'of b');
  await edit(b, 'text of b');
  await exchange(a, b);
  await edit(a, 'text of a');
  await exchange(a, b);
  return { a, b };
}

async function edit({ projects }: MemoryServer, text: string): Promise<void> {
  await projects.use('p', async (project) => {
    const state = await project.encode((doc) => Y.encodeStateAsUpdate(doc));
    const doc = new Y.Doc();
    Y.applyUpdate(doc, state);
    const before = Y.encodeStateVector(doc);
    doc.getText('text').insert(doc.getText('text').length, text);
    await project.applyUpdate(Y.encodeStateAsUpdate(doc, before), { protocol: 'yjs', user: 'ann' });
  });
}

async function spoil(store: Store, position: number): Promise<void> {
  const record = Buffer.from((await store.get(keys.record(position))) ?? []);
  record[record.length - 3]! ^= 4;
  await store.write([{ key: keys.record(position), value: record }]);
}

test('a record that fails its checksum comes back into its place, and the mark goes with it', async () => {
  const { a, b } = await twoServers();
  const damaged = await reopened(a, (store) => spoil(store, 2));
  await checked(damaged);
  assert.equal(await readQuarantine(damaged.store, keys), [{ serverId: 1, seqno: 2, position: 2 }]);
  await heal(damaged, b);
  assert.equal(await readQuarantine(damaged.store, keys), []);
  await sameProject(damaged, b);
});

test('a hole comes back, though the index has lost its numbers too', async () => {
  const { a, b } = await twoServers();
  const damaged = await reopened(a, async (store) => {
    for (const at of [2, 3])
      await store.write([
        { key: keys.record(at), value: null },
        { key: keys.sequence(1, at), value: null },
        { key: keys.uuid('entry', at === 2 ? 'b' : 'c'), value: null },
      ]);
  });
  await checked(damaged);
  await heal(damaged, b);
  await sameProject(damaged, b);
  assert.equal(await readQuarantine(damaged.store, keys), []);
});

test('what is lost at the end of the log comes back under its own numbers, and the catalogue forgets the damage', async () => {
  const witness = new MemoryWitness();
  const a = memoryServer(1, undefined, { witness });
  const b = memoryServer(2);
  for (const uuid of ['a', 'b', 'c', 'd']) await uploadEntry(a.projects, 'p', uuid);
  await exchange(a, b);
  await a.projects.close();
  await a.store.reopen();
  for (const at of [3, 4])
    await a.store.write([
      { key: keys.record(at), value: null },
      { key: keys.sequence(1, at), value: null },
    ]);
  const damaged = memoryServer(1, a.store, { witness });
  await uploadEntry(damaged.projects, 'p', 'new');
  assert.is(damaged.events.filter(({ type }) => type === 'life-renewed').length, 1);
  await until('what is lost was noted', async () => (await readQuarantine(a.store, keys)).length === 4);
  await heal(damaged, b);
  await exchange(damaged, b);
  await sameProject(damaged, b);
  assert.is((await readProjectInfo(a.store, 'p'))?.damage, undefined);
  assert.equal(await numbersOf(damaged), ['1 1', '1 2', '1 3', '1 4', `${damaged.replicas.serverId} 1`]);
});

test('UDT-5 who polls or patches while another server is asked for what is lost is held, not refused', async () => {
  const udt = { protocol: 'udt', user: 'ann' } as const;
  const [a, b] = [memoryServer(1), memoryServer(2)];
  await a.projects.use('p', (project) => project.udt.createSession({ samples: [{}, {}] }, udt));
  const label = (index: number) => [{ op: 'add', path: `/samples/${index}/annotation`, value: 'x' }] as const;
  await a.projects.use('p', (project) => project.udt.patch(label(0), udt));
  await exchange(a, b);
  const damaged = await reopened(a, (store) => store.write([{ key: keys.record(2), value: null }]));
  const read = () => damaged.projects.use('p', (project) => project.udt.read());
  const patch = () => damaged.projects.use('p', (project) => project.udt.patch(label(1), udt));
  await rejects(read, 'damaged'); // nobody can be asked
  await until('what is lost was noted', async () => (await readQuarantine(damaged.store, keys)).length > 0);
  damaged.projects.wanted.hasPeers = true;
  const held = [read(), patch()] as const;
  for (const one of held) one.catch(() => undefined); // it is awaited below
  await heal(damaged, b);
  const [{ view }] = await Promise.all(held);
  assert.equal((view['samples'] as unknown[])[0], { annotation: 'x' });
  const { view: after } = await read();
  assert.equal(after['samples'], [{ annotation: 'x' }, { annotation: 'x' }]);
  damaged.clock.nowMs += 60_000;
  await exchange(damaged, b);
  await sameProject(damaged, b);
});

test('REP-8 a start in the middle of a repair finds no new damage, and takes no new life', async () => {
  const [a, b] = [memoryServer(1), memoryServer(2)];
  for (const uuid of ['a', 'b', 'c', 'd']) await uploadEntry(a.projects, 'p', uuid);
  await exchange(a, b);
  const damaged = await reopened(a, async (store) => {
    await spoil(store, 4);
    for (const seqno of [3, 4]) await store.write([{ key: keys.sequence(1, seqno), value: null }]);
  });
  await damaged.projects.use('p', () => Promise.resolve());
  assert.is(damaged.events.filter(({ type }) => type === 'life-renewed').length, 1);
  await until(
    'one of the two is found again',
    async () => (await readProjectInfo(damaged.store, 'p'))?.damage?.missing === 1,
  );
  const started = await reopened(damaged, () => Promise.resolve());
  await started.projects.use('p', () => Promise.resolve());
  assert.equal(started.events, []);
  await heal(started, b);
  await exchange(started, b);
  await sameProject(started, b, 'p', strippedRecordsOf);
  assert.is((await readProjectInfo(started.store, 'p'))?.damage, undefined);
});

test('REP-6 an object that was uploaded again meanwhile is a repeat behind the one that is back', async () => {
  const { a, b } = await twoServers();
  const damaged = await reopened(a, (store) => spoil(store, 2));
  const info = await readProjectInfo(damaged.store, 'p');
  assert.ok(info);
  await uploadEntry(damaged.projects, 'p', 'b');
  await checked(damaged);
  await heal(damaged, b);
  const versions = await streamedVersions(damaged);
  assert.equal(versions.sort(), ['a', 'b', 'c', 'd', 'of b']);
  await exchange(damaged, b);
  await sameProject(damaged, b);
});

test('nothing else is taken: what is not missing, what contradicts its neighbours or its own header', async () => {
  const { a, b } = await twoServers();
  const other = memoryServer(1);
  for (const uuid of ['x', 'y', 'z']) await uploadEntry(other.projects, 'p', uuid);
  const damaged = await reopened(a, (store) => spoil(store, 2));
  await checked(damaged);
  const before = await readQuarantine(damaged.store, keys);
  const wrong = await valuesOf(other.store);
  assert.equal(await damaged.replicas.repair('p', wrong, 7), { changes: 0, missing: 1 });
  assert.equal(await readQuarantine(damaged.store, keys), before);
  const right = await valuesOf(b.store);
  const broken = right.map((bytes) =>
    Uint8Array.from(bytes, (byte, at) => (at === bytes.length - 1 ? byte ^ 1 : byte)),
  );
  await rejects(() => damaged.replicas.repair('p', broken, 7), 'damaged');
  assert.equal(await damaged.replicas.repair('p', right, 2), { changes: 1, missing: 0 });
  assert.equal(await damaged.replicas.repair('p', right, 2), { changes: 0, missing: 0 });
  await sameProject(damaged, b);
});

test('a group that is lost in the middle lies in one piece again, between its neighbours', async () => {
  const [a, b] = [memoryServer(1), memoryServer(2)];
  await uploadEntry(a.projects, 'p', 'before');
  await uploadEntries(a.projects, ['g', 'h', 'i']);
  await uploadEntry(a.projects, 'p', 'behind');
  await exchange(a, b);
  const damaged = await reopened(a, async (store) => {
    for (const at of [3, 4])
      await store.write([
        { key: keys.record(at), value: null },
        { key: keys.sequence(1, at), value: null },
      ]);
  });
  await checked(damaged);
  await heal(damaged, b);
  await sameProject(damaged, b);
  assert.equal(await streamedVersions(damaged), ['before', 'g', 'h', 'i', 'behind']);
});

test('REP-7 updates that a lost snapshot stood for come back from a server that still has them', async () => {
  const { a, b } = await twoServers();
  const keepsNone = { upkeep: { keepUpdatesMs: 0 } };
  const compacted = memoryServer(1, (await reopened(a, () => Promise.resolve())).store, keepsNone);
  for (let round = 0; round < 2; round++) {
    await typeMuch(b.projects);
    await give(b, compacted);
    await documentOf(compacted.projects);
    await compacted.projects.use('p', (project) => project.closeDocument(() => false));
  }
  await compacted.projects.upkeep.tidy('p');
  assert.is.not((await recordsOf(compacted)).get('2 1'), (await recordsOf(b)).get('2 1'), 'it is compacted');
  const damaged = await reopened(compacted, async (store) => {
    for await (const page of store.scan(keys.snapshotsBelow(null)))
      await store.write(page.map(({ key }) => ({ key, value: null })));
  });
  await checked(damaged);
  await heal(damaged, b);
  await sameProject(damaged, b, 'p', strippedRecordsOf);
});

test('records that come without their updates bring their objects; the updates stay wanted', async () => {
  const { a, b } = await twoServers();
  const damaged = await reopened(a, (store) => spoil(store, 2));
  await checked(damaged);
  const stripped = (await valuesOf(b.store)).map((bytes) => withoutUpdate(bytes) ?? bytes);
  assert.equal(await damaged.replicas.repair('p', stripped, 2), { changes: 1, missing: 1 });
  assert.equal(await streamedVersions(damaged), ['a', 'b', 'c', 'd', 'of b']);
  await heal(damaged, b);
  await sameProject(damaged, b);
});

test('gaps that nothing can come to are closed by changes that say nothing, on every server', async () => {
  const { a, b } = await twoServers();
  const { heads } = await a.replicas.standing('p');
  const damaged = await reopened(a, async (store) => {
    const end = 2 + (await valuesOf(store)).length;
    const info = await readProjectInfo(store, 'p');
    assert.ok(info);
    const vector = heads.map(({ serverId, seqno }): [number, number] => [serverId, seqno]);
    const damage = { foundMs: 1, detail: 'x', position: end, vector, missing: 2 };
    await store.write([writeProjectInfo('p', { ...info, damage })]);
  });
  const left = damaged.replicas.serverId;
  await checked(damaged);
  await heal(damaged, b);
  assert.is.not(damaged.replicas.serverId, left, 'no number of the present life may be behind the gaps');
  assert.equal(await readQuarantine(damaged.store, keys), []);
  assert.is((await readProjectInfo(damaged.store, 'p'))?.damage, undefined);
  await exchange(damaged, b);
  await sameProject(damaged, b, 'p', strippedRecordsOf);
});

test('an entry of the catalogue that is lost is made anew, as the log and the other server say', async () => {
  const { a, b } = await twoServers();
  const before = await readProjectInfo(a.store, 'p');
  const damaged = await reopened(a, (store) => store.write([{ key: projectKey('p'), value: null }]));
  await damaged.replicas.meet('p', await b.replicas.standing('p'));
  const { createdMs, session, tombstone } = (await readProjectInfo(damaged.store, 'p')) ?? {};
  assert.equal(
    { createdMs, session, tombstone },
    {
      createdMs: before?.createdMs,
      session: before?.session,
      tombstone: before?.tombstone,
    },
  );
  await sameProject(damaged, b);
});

test('damage that a reader meets is checked and noted without an operator', async () => {
  const { a } = await twoServers();
  const damaged = await reopened(a, (store) => store.write([{ key: keys.record(2), value: null }]));
  await rejects(() => streamedVersions(damaged), 'damaged');
  await until('it was noted', async () => (await readQuarantine(damaged.store, keys)).length === 1);
  assert.ok(damaged.projects.wanted.has('p'));
  await damaged.projects.close();
});

test('what was noted before the start is asked for, though the link begins while the store is opened again', async () => {
  const store = new FaultyStore();
  const before = memoryServer(1, store);
  for (const uuid of ['a', 'b', 'c']) await uploadEntry(before.projects, 'p', uuid);
  await store.write([{ key: keys.record(2), value: null }]);
  await checked(before);
  const { replicas, projects } = await reopened(before);
  store.failNext('is lost');
  store.reopenFailures = Infinity;
  await rejects(() => uploadEntry(projects, 'q', 'd'), 'outcome-unknown');
  const isClosed = (): Promise<boolean> =>
    store.get(keys.quarantine).then(
      () => false,
      () => true,
    );
  await until('the store is closed', isClosed);
  const wanted: string[] = [];
  const stop = replicas.listenLost((project) => wanted.push(project));
  await new Promise(setImmediate);
  store.reopenFailures = 0;
  await until('it is wanted', () => wanted.includes('p'));
  stop();
  await projects.close();
});

test.run();
