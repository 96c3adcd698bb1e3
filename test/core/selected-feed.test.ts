// What streams select of a project: kinds, matches and version vectors of their own (WS-3 to WS-11, WS-7), and what it costs.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Projects } from '../../src/core/projects.ts';
import type { Selected } from '../../src/core/selected-feed.ts';
import { upload } from '../../src/core/upload.ts';
import { checkObject, objectKinds } from '../../src/model/objects.ts';
import type { Selection } from '../../src/model/selection.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import { countEntries } from '../support/counted-entries.ts';
import { openProjects, testLife } from '../support/memory-projects.ts';
import {
  nothingKnown,
  objectsOf,
  ofReport,
  ofTopic,
  ofUser,
  positionsIn,
  readSelected,
  readToHead,
  uploadAll,
  uuidsIn,
  type Uploaded,
} from '../support/selected.ts';

const server = testLife.serverId;
const test = suite('selected feed');

test('WS-6 WS-5 kinds that are selected, in the order of the log', async () => {
  const { projects } = await mixed();
  const both = await readSelected(projects, 'p', { objects: [objectsOf('comment'), objectsOf('entry')] });
  assert.equal(uuidsIn(both), ['e1', 'c1', 'e2', 'c2', 'e3']);
  assert.equal(positionsIn(both), [1, 3, 4, 5, 7]);
  assert.equal(await readSelected(projects, 'p', {}), []);
  await projects.close();
});

test('WS-7 each kind has its own since and its own match', async () => {
  const { projects } = await mixed();
  const since = (seqno: number) => new Map([[server, seqno]]);
  const found = await readSelected(projects, 'p', {
    objects: [
      objectsOf('entry', ofReport('r1'), since(1)),
      objectsOf('thread'),
      objectsOf('comment', ofTopic('t1'), since(6)),
    ],
  });
  assert.equal(uuidsIn(found), ['t1', 't2', 'e3']);
  await projects.close();
});

test('WS-7 users, of every kind', async () => {
  const { projects } = openProjects(new MemoryStore());
  await uploadAll(projects, 'p', [{ kind: 'entry', uuid: 'a' }], 'ann');
  await uploadAll(projects, 'p', [{ kind: 'entry', uuid: 'b' }], 'bob');
  await uploadAll(projects, 'p', [{ kind: 'thread', uuid: 'c' }], 'ann');
  await uploadAll(projects, 'p', [{ kind: 'comment', uuid: 'd' }], 'ann');
  const of = (user: string): readonly Selection[] => objectKinds.map((kind) => objectsOf(kind, ofUser(user)));
  assert.equal(uuidsIn(await readSelected(projects, 'p', { objects: of('ann') })), ['a', 'c', 'd']);
  assert.equal(uuidsIn(await readSelected(projects, 'p', { objects: of('bob') })), ['b']);
  assert.equal(await readSelected(projects, 'p', { objects: of('nobody') }), []);
  await projects.close();
});

test('WS-4 a since beyond the head is empty history and a live stream', async () => {
  const { projects } = await mixed();
  await projects.use('p', async (project) => {
    const beyond = new Map([[server, 100]]);
    const feed = await project.select({ objects: [objectsOf('entry', ofReport('r1'), beyond)], udt: null });
    assert.ok(feed.atHead);
    await uploadAll(projects, 'p', [{ kind: 'entry', uuid: 'new', report: 'r1' }]);
    assert.equal(uuidsIn((await feed.next()) ?? []), ['new']);
    feed.close();
  });
  await projects.close();
});

test('WS-3 WS-10 WS-21 history, then live; a page may be empty; a live object is one for all readers', async () => {
  const { projects } = await mixed();
  await projects.use('p', async (project) => {
    const select = () => project.select({ objects: [objectsOf('entry', ofReport('r1'))], udt: null });
    const [feed, other] = await Promise.all([select(), select()]);
    assert.equal(uuidsIn(await readToHead(feed)), ['e1', 'e3']);
    await readToHead(other);
    await uploadAll(projects, 'p', [{ kind: 'entry', uuid: 'not', report: 'r2' }]);
    assert.equal(await feed.next(), []);
    assert.ok(feed.atHead);
    assert.equal([...feed.vector], [[server, 8]]);
    await uploadAll(projects, 'p', [{ kind: 'entry', uuid: 'live', report: 'r1' }]);
    const [live] = (await feed.next()) ?? [];
    const [same] = await readToHead(other);
    assert.ok(live?.type === 'object' && same?.type === 'object' && live.object === same.object);
    const history = await readSelected(projects, 'p', { objects: [objectsOf('entry', ofReport('r1'))] });
    assert.equal(history.at(-1), live);
    const waiting = feed.next();
    feed.close();
    assert.is(await waiting, null);
    other.close();
  });
  await projects.close();
});

test('WS-21 pages of what the index finds stay bounded where long objects follow short ones', async () => {
  const disk = new MemoryDisk();
  const writing = openProjects(new MemoryStore(disk)).projects;
  const longBytes = 16 * 1024;
  const uploadMany = async (count: number, bytes: number): Promise<void> => {
    const objects = Array.from({ length: count }, (_, index) => ({
      kind: 'entry' as const,
      projectId: 'p',
      fields: checkObject(
        'entry',
        {
          version_uuid: `v-${bytes}-${index}`,
          report_uuid: index % 8 < 4 ? 'near' : 'far',
          entry_uuid: 'e',
          clip_id: '1',
          content: { text: 'x'.repeat(bytes) },
        },
        'entry',
      ),
    }));
    await upload(writing, objects, { protocol: 'stream', user: 'anonymous' });
  };
  await uploadMany(80, 10);
  await uploadMany(240, longBytes);
  await writing.close();
  const { projects } = openProjects(new MemoryStore(disk));
  for (const [match, count] of [
    [ofReport('far'), 160],
    [ofUser('anonymous'), 320],
  ] as const)
    await projects.use('p', async (project) => {
      const feed = await project.select({ objects: [objectsOf('entry', match)], udt: null });
      const found: number[] = [];
      while (!feed.atHead) {
        const page = (await feed.next()) ?? [];
        found.push(...positionsIn(page));
        const bytes = page.reduce((sum, one) => sum + (one.type === 'object' ? one.object.length : 0), 0);
        assert.ok(bytes < 80 * longBytes, `a page of ${bytes} bytes`);
      }
      assert.is(found.length, count);
      assert.equal(
        found,
        [...new Set(found)].sort((one, other) => one - other),
      );
      feed.close();
    });
  await projects.close();
});

test('WS-9 an unknown project streams when it comes to life', async () => {
  const { projects } = openProjects(new MemoryStore());
  await projects.use('p', async (project) => {
    const feed = await project.select({
      objects: [objectsOf('entry', ofReport('r1'))],
      udt: nothingKnown,
    });
    assert.ok(feed.atHead);
    await project.udt.createSession({ n: 0 }, { protocol: 'udt', user: 'ann' });
    await uploadAll(projects, 'p', [{ kind: 'entry', uuid: 'a', report: 'r1' }]);
    const found: Selected[] = [];
    while (found.length < 2) found.push(...((await feed.next()) ?? []));
    assert.equal(uuidsIn(found), ['patch', 'a']);
    assert.equal(found[0]?.type === 'patch' && found[0].patch, [
      { op: 'replace', path: '', value: { n: 0 } },
    ]);
    assert.is(found[0]?.type === 'patch' && found[0].userName, 'ann');
    feed.close();
  });
  await projects.close();
});

test('WS-24 objects of Yjs clients are found in the index too', async () => {
  const { projects } = openProjects(new MemoryStore());
  const doc = new Y.Doc();
  doc.transact(() => {
    for (let i = 0; i < 100; i++)
      doc.getMap('comments').set(`c${i}`, {
        version_uuid: `c${i}`,
        comment_uuid: 'c',
        thread_uuid: i === 50 ? 'wanted' : 'other',
        body: null,
        parent_uuid: null,
        user_uuid: `user ${i}`,
        authortime: '2026-01-01T00:00:00.000Z',
        archivetime: null,
      });
  });
  await projects.use('p', (project) =>
    project.applyUpdate(Y.encodeStateAsUpdate(doc), { protocol: 'yjs', user: 'x' }),
  );
  await forget(projects);
  for (const match of [ofTopic('wanted'), ofUser('user 50')])
    assert.equal(uuidsIn(await readSelected(projects, 'p', { objects: [objectsOf('comment', match)] })), [
      'c50',
    ]);
  await projects.close();
});

test('WS-7 a report of 100 rows among 20,000 costs what 100 rows cost, and a resume what is left', async () => {
  const store = new MemoryStore();
  const { projects } = openProjects(store);
  for (let upload = 0; upload < 40; upload++)
    await uploadAll(
      projects,
      'p',
      Array.from({ length: 500 }, (_, i): Uploaded => {
        const isWanted = upload % 2 === 0 && i % 100 === 0;
        return { kind: 'entry', uuid: `${upload} ${i}`, report: isWanted ? 'wanted' : `other ${upload}` };
      }),
    );
  await forget(projects);
  const entries = countEntries(store);
  const objects = [objectsOf('entry', ofReport('wanted'))];
  const found = await readSelected(projects, 'p', { objects });
  assert.is(found.length, 100);
  assert.equal(uuidsIn(found).slice(0, 6), ['0 0', '0 100', '0 200', '0 300', '0 400', '2 0']);
  assert.ok(entries.taken() < 200, 'few entries were read');

  const since = new Map([[server, 19_500]]);
  const rest = await readSelected(projects, 'p', {
    objects: [objectsOf('entry', ofReport('wanted'), since)],
  });
  assert.equal(uuidsIn(rest), []);
  assert.ok(entries.taken() < 40, 'a resume with nothing left');
  // In the middle of a group, whose posting begins before.
  since.set(server, 19_150);
  const some = await readSelected(projects, 'p', {
    objects: [objectsOf('entry', ofReport('wanted'), since)],
  });
  assert.equal(uuidsIn(some), ['38 200', '38 300', '38 400']);
  assert.ok(entries.taken() < 40, 'a resume near the head');

  const all = await readSelected(projects, 'p', { objects: [objectsOf('entry', ofUser('anonymous'))] });
  assert.is(all.length, 20_000);
  assert.ok(entries.taken() < 20_000 * 1.1, 'what is dense is read as the log is');
  await projects.close();
});

test('WS-7 the odd values of users: zeros, ones, beginnings of each other, and very long ones', async () => {
  const { projects } = openProjects(new MemoryStore());
  const users = ['a', 'a\0', 'a\0\0', 'a\u0001', 'ab', 'ä', 'x'.repeat(10_000), 'x'.repeat(10_001)];
  for (let round = 0; round < 20; round++)
    for (const [i, user] of users.entries())
      await uploadAll(projects, 'p', [{ kind: 'entry', uuid: `${i} ${round}` }], user);
  await forget(projects);
  for (const [i, user] of users.entries()) {
    const found = await readSelected(projects, 'p', { objects: [objectsOf('entry', ofUser(user))] });
    assert.equal(
      uuidsIn(found),
      Array.from({ length: 20 }, (_, round) => `${i} ${round}`),
    );
  }
  await projects.close();
});

test('WS-23 patches are found among objects without reading these', async () => {
  const store = new MemoryStore();
  const { projects } = openProjects(store);
  await projects.use('p', (project) => project.udt.createSession({ n: 0 }, { protocol: 'udt', user: 'ann' }));
  for (let n = 1; n <= 3; n++) {
    const many = Array.from({ length: 1_000 }, (_, i): Uploaded => ({ kind: 'entry', uuid: `${n} ${i}` }));
    await uploadAll(projects, 'p', many);
    await projects.use('p', (project) =>
      project.udt.patch([{ op: 'replace', path: '/n', value: n }], { protocol: 'udt', user: `user ${n}` }),
    );
  }
  await forget(projects);
  const entries = countEntries(store);
  const found = await readSelected(projects, 'p', { udt: nothingKnown });
  assert.equal(positionsIn(found), [1, 1_002, 2_003, 3_004]);
  assert.equal(
    found.map((one) => one.type === 'patch' && one.userName),
    ['ann', 'user 1', 'user 2', 'user 3'],
  );
  assert.ok(entries.taken() < 60);
  await projects.close();
});

test('WS-4 many objects beside few patches: all of the kind behind its since', async () => {
  const { projects } = openProjects(new MemoryStore());
  await projects.use('p', (project) => project.udt.createSession({ n: 0 }, { protocol: 'udt', user: 'ann' }));
  const many = Array.from({ length: 1_000 }, (_, i): Uploaded => ({ kind: 'entry', uuid: `${i}` }));
  await uploadAll(projects, 'p', many);
  await forget(projects);
  const since = new Map([[server, 991]]);
  const found = await readSelected(projects, 'p', {
    objects: [objectsOf('entry', null, since)],
    udt: nothingKnown,
  });
  assert.equal(uuidsIn(found), ['patch', ...Array.from({ length: 10 }, (_, i) => `${990 + i}`)]);
  await projects.close();
});

/** Entries of reports r1 and r2, and threads and comments of topics t1 and t2, at positions 1 to 7. */
async function mixed() {
  const opened = openProjects(new MemoryStore());
  const { projects } = opened;
  await uploadAll(projects, 'p', [
    { kind: 'entry', uuid: 'e1', report: 'r1' },
    { kind: 'thread', uuid: 't1', topic: 't1' },
  ]);
  await uploadAll(projects, 'p', [{ kind: 'comment', uuid: 'c1', topic: 't1' }]);
  await uploadAll(projects, 'p', [
    { kind: 'entry', uuid: 'e2', report: 'r2' },
    { kind: 'comment', uuid: 'c2', topic: 't2' },
    { kind: 'thread', uuid: 't2', topic: 't2' },
    { kind: 'entry', uuid: 'e3', report: 'r1' },
  ]);
  return opened;
}

/** Takes recent changes out of memory: what follows reads the store. */
function forget(projects: Projects): Promise<void> {
  return projects.use('p', async (project) => {
    await project.flush();
    project.invalidate();
    project.refresh();
    await project.flush();
  });
}

test.run();
