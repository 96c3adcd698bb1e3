// What a failed write does to projects (design.md, pipeline step 6): nothing of it is acknowledged or shown, the writer
// is told that the outcome is unknown, and everything goes on from what is on disk.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Projects } from '../../src/core/projects.ts';
import type { Project } from '../../src/core/project.ts';
import { RejoinError } from '../../src/errors.ts';
import { ProjectLog } from '../../src/store/project-log.ts';
import { changesFarApart } from '../support/changes-far-apart.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const life = { serverId: 9, epoch: 3 };
const udt = { protocol: 'udt', user: 'ann' } as const;

interface Context {
  store: FaultyStore;
  projects: Projects;
  events: string[];
}

const test = suite<Context>('failed writes');

test.before.each((context) => {
  context.store = new FaultyStore();
  context.events = [];
  context.projects = new Projects({
    store: context.store,
    life,
    environment: changesFarApart(),
    observer: { observe: ({ type }) => context.events.push(type) },
  });
});
test.after.each(({ projects }) => projects.close());

for (const outcome of ['is lost', 'is stored'] as const) {
  test(`WS-13 an upload that ${outcome} is unknown to its writer; sent again, it is there once`, async (context) => {
    const { projects, store, events } = context;
    await uploadEntry(projects, 'p', 'first');
    store.failNext(outcome);
    assert.is(await codeOf(uploadEntry(projects, 'p', 'second')), 'outcome-unknown');
    await uploadEntry(projects, 'p', 'second');
    await uploadEntry(projects, 'p', 'third');
    assert.equal(await uuidsOf(projects, 'p'), ['first', 'second', 'third']);
    assert.equal(await seqnosOf(store, 'p'), [1, 2, 3]);
    assert.is(store.reopened, 1);
    assert.ok(events.includes('store-failed') && events.includes('store-recovered'));
  });

  test(`a PATCH that ${outcome}: the document, its version and its hash are those on disk`, async (context) => {
    const { projects, store } = context;
    await projects.use('s', async (project) => {
      await project.udt.createSession({ samples: [], n: 0 }, udt);
      await project.udt.patch([{ op: 'replace', path: '/n', value: 1 }], udt);
      store.failNext(outcome);
      const failing = project.udt.patch([{ op: 'replace', path: '/n', value: 2 }], udt);
      assert.is(await codeOf(failing), 'outcome-unknown');
      const state = await project.udt.read(); // held until the store is back
      const isThere = outcome === 'is stored';
      assert.equal(state.view, { samples: [], n: isThere ? 2 : 1 });
      assert.is(state.version, isThere ? 2 : 1);
      assert.is(state.hash, state.record?.hash);
      const { versions } = await project.udt.after(1);
      assert.is(versions.length, isThere ? 1 : 0);
      const next = await project.udt.patch([{ op: 'add', path: '/more', value: true }], udt);
      assert.is(next.version, state.version + 1);
    });
    assert.equal(await seqnosOf(store, 's'), outcome === 'is stored' ? [1, 2, 3, 4] : [1, 2, 3]);
  });

  test(`a reader sees what ${outcome} only if it is on disk, and goes on`, async ({ projects, store }) => {
    const { project, release } = await projects.acquire('p');
    const feed = await project.follow(new Map());
    const seen: number[] = [];
    const reading = (async () => {
      for (let page = await feed.next(); page; page = await feed.next())
        seen.push(...page.map(({ seqno }) => seqno));
    })();
    await uploadEntry(projects, 'p', 'a');
    store.failNext(outcome);
    await codeOf(uploadEntry(projects, 'p', 'b'));
    await uploadEntry(projects, 'p', 'c');
    const count = outcome === 'is stored' ? 3 : 2;
    for (let turns = 0; seen.length < count && turns < 200; turns++) await new Promise(setImmediate);
    feed.close();
    await reading;
    release();
    assert.equal(
      seen,
      Array.from({ length: count }, (_, i) => i + 1),
    );
  });
}

test('YJS-6 an update that fails is neither told nor acknowledged, and its client can send it again', async (context) => {
  const { projects, store } = context;
  const { project, release } = await projects.acquire('y');
  const told: Uint8Array[] = [];
  let resets = 0;
  project.listen({
    durable: ({ update }) => told.push(update ?? new Uint8Array()),
    reset: () => resets++,
  });
  const client = new Y.Doc();
  client.getMap('app').set('k', 1);
  const update = Y.encodeStateAsUpdate(client);

  store.failNext('is lost');
  const failed = await project.applyUpdate(update, { protocol: 'yjs', user: 'anonymous' });
  assert.is(failed.type === 'accepted' && (await codeOf(failed.durable)), 'outcome-unknown');
  assert.is(resets, 1);
  assert.is(told.length, 0);
  assert.equal(await readApp(project), {});

  const again = await project.applyUpdate(update, { protocol: 'yjs', user: 'anonymous' });
  assert.ok(again.type === 'accepted' && again.isNew);
  await again.durable;
  assert.is(told.length, 1);
  assert.equal(await readApp(project), { k: 1 });
  release();
});

test('writers that wait behind a failed write are told that nothing was written, and numbers stay dense', async (context) => {
  const { projects, store } = context;
  await uploadEntry(projects, 'p', 'a');
  store.failNext('is lost');
  const codes = await Promise.all(
    ['b', 'c', 'd', 'e'].map((uuid) => codeOf(uploadEntry(projects, 'p', uuid))),
  );
  assert.is(codes[0], 'outcome-unknown');
  for (const code of codes.slice(1)) assert.ok(['unavailable', 'none'].includes(code), code);
  for (const uuid of ['b', 'c', 'd', 'e']) await uploadEntry(projects, 'p', uuid);
  assert.equal((await uuidsOf(projects, 'p')).sort(), ['a', 'b', 'c', 'd', 'e']);
  assert.equal(await seqnosOf(store, 'p'), [1, 2, 3, 4, 5]);
});

test('a store that does not open at once is tried again, while readers and writers wait', async (context) => {
  const { projects, store, events } = context;
  await projects.use('s', (project) => project.udt.createSession({ n: 0 }, udt));
  store.reopenFailures = 2;
  store.failNext('is lost');
  assert.is(await codeOf(uploadEntry(projects, 'p', 'a')), 'outcome-unknown');
  const [state] = await Promise.all([
    projects.use('s', (project) => project.udt.read()),
    uploadEntry(projects, 'p', 'a'),
  ]);
  assert.equal(state.view, { n: 0 });
  assert.is(events.filter((type) => type === 'store-failed').length, 3);
  assert.equal(await uuidsOf(projects, 'p'), ['a']);
});

test('REP-14 a deleted project keeps its numbers and answers `deleted`', async ({ projects, store }) => {
  await uploadEntry(projects, 'p', 'a');
  await projects.use('p', async (project) => {
    let wasTold = false;
    project.listen({ deleted: () => (wasTold = true) });
    await project.delete();
    assert.ok(wasTold);
    assert.is(await codeOf(project.encode((doc) => doc.clientID)), 'deleted');
    assert.is(await codeOf(project.follow(new Map())), 'deleted');
  });
  assert.is(await codeOf(uploadEntry(projects, 'p', 'b')), 'deleted');
  const log = await ProjectLog.open(store, 'p', life.serverId);
  assert.equal(log.info?.tombstone?.vector, [[life.serverId, 1]]);
  assert.is(log.durablePosition, 1);
});

async function uuidsOf(projects: Projects, id: string): Promise<string[]> {
  return projects.use(id, async (project) => {
    const feed = await project.follow(new Map());
    const uuids: string[] = [];
    while (!feed.atHead) {
      for (const { object } of (await feed.next()) ?? []) {
        const value: unknown = JSON.parse(Buffer.from(object ?? []).toString());
        uuids.push((value as { version_uuid: string }).version_uuid);
      }
    }
    feed.close();
    return uuids;
  });
}

async function seqnosOf(store: FaultyStore, project: string): Promise<number[]> {
  const log = await ProjectLog.open(store, project, life.serverId);
  assert.is(log.newDamage, null);
  const seqnos: number[] = [];
  for await (const page of log.read(1, log.durablePosition)) seqnos.push(...page.map(({ seqno }) => seqno));
  return seqnos;
}

async function readApp(project: Project): Promise<unknown> {
  const update = await project.encode((doc) => Y.encodeStateAsUpdate(doc));
  const doc = new Y.Doc();
  Y.applyUpdate(doc, update);
  return doc.getMap('app').toJSON();
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof RejoinError) return error.code;
    throw error;
  }
  return 'none';
}

test.run();
