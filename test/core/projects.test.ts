// Projects are opened once and shared: whoever comes and goes, there is one writer per project.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Projects } from '../../src/core/projects.ts';
import { RejoinError } from '../../src/errors.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { ProjectLog } from '../../src/store/project-log.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const life = { serverId: 9, epoch: 3 };
const yjs = { protocol: 'yjs', user: 'anonymous' } as const;
const udt = { protocol: 'udt', user: 'ann' } as const;

interface Context {
  store: FaultyStore;
  projects: Projects;
}

const test = suite<Context>('projects');

test.before.each((context) => {
  context.store = new FaultyStore();
  context.projects = new Projects({
    store: context.store,
    life,
    environment: realEnvironment,
    observer: { observe: () => undefined },
  });
});
test.after.each(({ projects }) => projects.close());

test('a project whose only user leaves during its first write stays the one writer', async ({
  projects,
  store,
}) => {
  const doc = new Y.Doc();
  const entries = doc.getMap('entries');
  doc.transact(() => {
    for (let i = 0; i < 300; i++) entries.set(`y${i}`, entryFields(`y${i}`));
  });
  const { project, release } = await projects.acquire('p');
  const outcome = project.applyUpdate(Y.encodeStateAsUpdate(doc), yjs);
  release(); // as a connection does that is cut
  await new Promise(setImmediate);
  await uploadEntry(projects, 'p', 'later');
  const accepted = await outcome;
  await (accepted.type === 'accepted' ? accepted.durable : undefined);
  await projects.close();

  const log = await ProjectLog.open(store, 'p', life.serverId);
  assert.is(log.newDamage, null);
  const uuids = new Set<string>();
  for await (const page of log.read(1, log.durablePosition)) {
    for (const { object } of page) uuids.add(uuidOf(object));
  }
  assert.is(uuids.size, 301);
  assert.ok(uuids.has('later'));
});

test('a project that nobody uses and that holds nothing leaves nothing behind', async ({ projects }) => {
  const first = await projects.use('p', (project) => Promise.resolve(project));
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  const second = await projects.use('p', (project) => Promise.resolve(project));
  assert.is.not(first, second);
  await uploadEntry(projects, 'p', 'a');
  const third = await projects.use('p', (project) => Promise.resolve(project));
  for (let turns = 0; turns < 20; turns++) await new Promise(setImmediate);
  assert.is(await projects.use('p', (project) => Promise.resolve(project)), third);
});

test('whoever leaves a project keeps nobody waiting: writes go to the store while others are on their way', async ({
  projects,
  store,
}) => {
  const letGo: (() => void)[] = [];
  const write = store.write.bind(store);
  store.write = async (batch) => {
    await new Promise<void>((resolve) => letGo.push(resolve));
    await write(batch);
  };
  const uploads: Promise<void>[] = [];
  for (const uuid of ['a', 'b', 'c']) {
    uploads.push(uploadEntry(projects, 'p', uuid));
    for (let turns = 0; turns < 50; turns++) await new Promise(setImmediate);
    assert.is(letGo.length, uploads.length, 'it is handed to the store, though none is durable');
    (await projects.acquire('p')).release();
  }
  for (const go of letGo) go();
  await Promise.all(uploads);
});

test('UDT-5 a poll that meets a failing write of somebody else is held', async ({ projects, store }) => {
  await projects.use('s', (project) => project.udt.createSession({ n: 0 }, udt));
  const again = new Projects({ ...projects.context, observer: { observe: () => undefined } });
  await again.use('s', async (project) => {
    store.failNext('is lost');
    const failing = uploadEntry(again, 's', 'a').catch((error: unknown) => error);
    for (let turns = 0; turns < 10; turns++) await new Promise(setImmediate); // the write is on its way
    const polled = await project.udt.read();
    assert.equal(polled.view, { n: 0 });
    const failure = await failing;
    assert.is(failure instanceof RejoinError && failure.code, 'outcome-unknown');
  });
  await again.close();
});

test('closing gives up on a store that does not come back', async ({ projects, store }) => {
  store.reopenFailures = Number.MAX_SAFE_INTEGER;
  store.failNext('is lost');
  await uploadEntry(projects, 'p', 'a').catch(() => undefined);
  const waiting = uploadEntry(projects, 'p', 'b').catch((error: unknown) => error);
  await projects.close();
  const refusal = await waiting;
  assert.is(refusal instanceof RejoinError && refusal.code, 'unavailable');
});

test('REP-14 a deletion is not seen before it is durable', async ({ projects, store }) => {
  await uploadEntry(projects, 'p', 'a');
  await projects.use('p', async (project) => {
    store.failNext('is lost');
    await project.delete().catch(() => undefined);
    assert.is(project.info?.tombstone, null);
    await uploadEntry(projects, 'p', 'b');
    const deleting = project.delete();
    assert.is(project.info?.tombstone, null);
    await deleting;
    assert.ok(project.info?.tombstone);
  });
});

test('a change that fails midway takes no numbers', async ({ projects, store }) => {
  await uploadEntry(projects, 'p', 'a');
  const { project, release } = await projects.acquire('p');
  await project.udt.patch([{ op: 'add', path: '/n', value: 1 }], udt);
  // An author's name that can't be encoded: it fails while the group is being put together.
  const impossible = { protocol: 'udt', user: undefined as unknown as string } as const;
  let failed = false;
  await project.udt.patch([{ op: 'add', path: '/n', value: 2 }], impossible).catch(() => (failed = true));
  assert.ok(failed);
  await project.udt.patch([{ op: 'add', path: '/n', value: 3 }], udt);
  assert.equal((await project.udt.read()).view, { n: 3 });
  release();
  const log = await ProjectLog.open(store, 'p', life.serverId);
  assert.is(log.newDamage, null);
  const seqnos: number[] = [];
  for await (const page of log.read(1, log.durablePosition)) seqnos.push(...page.map(({ seqno }) => seqno));
  assert.equal(seqnos, [1, 2, 3]);
});

function entryFields(uuid: string): Record<string, unknown> {
  return {
    version_uuid: uuid,
    report_uuid: 'r',
    entry_uuid: `e-${uuid}`,
    clip_id: '11b',
    content: {},
    modifies: null,
    reason: null,
    archivetime: null,
    authortime: '2026-11-22T10:00:00.000Z',
  };
}

function uuidOf(object: Uint8Array | null): string {
  return (JSON.parse(Buffer.from(object ?? []).toString()) as { version_uuid: string }).version_uuid;
}

test.run();
