// Projects leave memory when nobody has used them for a while or others need the room, and come back as they were.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { MemoryStore } from '../../src/store/memory.ts';
import { openProjects } from '../support/memory-projects.ts';
import { give, memoryServer } from '../support/memory-servers.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const udt = { protocol: 'udt', user: 'ann' } as const;
const test = suite('open-projects');

test('many projects touched one after another: memory stays within its bound, each reopens right', async () => {
  const bytesMax = 1024 * 1024;
  const { projects, events } = openProjects(new MemoryStore(), { memory: { bytesMax, idleMs: 60_000 } });
  const ids = Array.from({ length: 300 }, (_, index) => `p${index}`);
  const samples = Array.from({ length: 20 }, (_, index) => ({ document: `text ${index}` }));
  for (const id of ids) {
    await projects.use(id, async (project) => {
      await project.udt.createSession({ samples, id }, udt);
      await project.udt.patch([{ op: 'add', path: '/samples/3/annotation', value: id }], udt);
    });
    assert.ok(projects.inMemory.weightBytes <= bytesMax, `${projects.inMemory.weightBytes} bytes`);
  }
  assert.ok(projects.inMemory.count < 200, `${projects.inMemory.count} of 300 are in memory`);
  for (const id of ids) {
    const state = await projects.use(id, (project) => project.udt.read());
    assert.is(state.version, 1);
    assert.equal(state.view['id'], id);
    assert.equal((state.view['samples'] as { annotation?: string }[])[3]?.annotation, id);
  }
  assert.equal(events, []);
  await projects.close();
});

test('many projects of which other servers send many objects: what is remembered of these counts as memory', async () => {
  const bytesMax = 2 * 1024 * 1024;
  const [a, b] = [
    memoryServer(1),
    memoryServer(2, new MemoryStore(), { memory: { bytesMax, idleMs: 60_000 } }),
  ];
  for (let n = 0; n < 12; n++) {
    const id = `p${n}`;
    await Promise.all(Array.from({ length: 64 }, (_, index) => uploadEntry(a.projects, id, `e${index}`)));
    assert.is(await give(a, b, id), 64);
    assert.ok(b.projects.inMemory.weightBytes <= bytesMax, `${b.projects.inMemory.weightBytes} bytes`);
  }
  assert.ok(b.projects.inMemory.count < 5, `${b.projects.inMemory.count} of 12 are in memory`);
  for (const { projects } of [a, b]) await projects.close();
});

test('an idle project is let go, and is the same when somebody comes back', async () => {
  const clock = { nowMs: 1_000 };
  const { projects } = openProjects(new MemoryStore(), { memory: { idleMs: 40 } }, clock);
  await projects.use('p', (project) => project.udt.createSession({ n: 1 }, udt));
  const first = await projects.use('p', (project) => Promise.resolve(project));
  clock.nowMs += 100;
  await until('the project has left memory', () => projects.inMemory.count === 0 && first.isIdle);
  await new Promise(setImmediate);
  const second = await projects.use('p', (project) => Promise.resolve(project));
  assert.is.not(first, second);
  assert.equal((await second.udt.read()).view, { n: 1 });
  await projects.close();
});

test('a project that somebody follows stays, without its document; the next edit finds it again', async () => {
  const clock = { nowMs: 1_000 };
  const { projects } = openProjects(new MemoryStore(), { memory: { idleMs: 40 } }, clock);
  const { project, release } = await projects.acquire('p');
  await project.udt.createSession({ n: 1 }, udt);
  const updates: Uint8Array[] = [];
  project.listen({ durable: ({ update }) => updates.push(update ?? new Uint8Array()) });
  clock.nowMs += 100;
  await until('the document is closed', () => project.isIdle);
  await uploadEntry(projects, 'p', 'a');
  assert.ok(project.isIdle, 'an upload needs no document');
  await projects.use('p', (same) => {
    assert.is(same, project);
    return same.udt.patch([{ op: 'replace', path: '/n', value: 2 }], udt);
  });
  assert.is(updates.length, 2);
  release();
  await projects.close();
});

test('a project that was let go while somebody followed it leaves memory behind that one', async () => {
  const clock = { nowMs: 1_000 };
  const { projects } = openProjects(new MemoryStore(), { memory: { idleMs: 40 } }, clock);
  const { project, release } = await projects.acquire('p');
  await project.udt.createSession({ n: 1 }, udt);
  clock.nowMs += 100;
  await until('the document is closed', () => project.isIdle);
  release();
  await until('the project has left memory', () => {
    clock.nowMs += 100;
    return projects.openCount === 0;
  });
  await projects.close();
});

test('a project that is still busy when it is let go leaves memory when it is done', async () => {
  const clock = { nowMs: 1_000 };
  const { projects } = openProjects(new MemoryStore(), { memory: { idleMs: 40 } }, clock);
  const { project, release } = await projects.acquire('p');
  await project.udt.createSession({ n: 1 }, udt);
  clock.nowMs += 100;
  let isLetGo = false;
  const closeDocument = project.closeDocument.bind(project);
  project.closeDocument = async (isNeeded) => {
    await closeDocument(isNeeded);
    project.invalidate(); // as after a failure of the store
    project.refresh();
    isLetGo = true;
  };
  release();
  await until('the project is let go', () => isLetGo);
  await until('the project has left memory', () => projects.openCount === 0);
  await projects.close();
});

test('work that a user left behind keeps a project: there is never a second writer', async () => {
  const { projects } = openProjects(new MemoryStore(), { memory: { bytesMax: 1, idleMs: 60_000 } });
  const doc = new Y.Doc();
  const seqnos: number[] = [];
  for (let round = 0; round < 200; round++) {
    const updates: Uint8Array[] = [];
    doc.once('update', (update: Uint8Array) => updates.push(update));
    doc.getArray('list').push([round]);
    const { project, release } = await projects.acquire('p');
    project.listen({ durable: ({ changes }) => seqnos.push(...changes.map(({ seqno }) => seqno)) });
    const outcome = project.applyUpdate(updates[0] ?? new Uint8Array(), { protocol: 'yjs', user: 'a' });
    release(); // as a connection does that is cut
    void projects.use(`other${round}`, () => Promise.resolve()); // needs the room
    if (round % 3 === 0) await new Promise(setImmediate);
    const accepted = await outcome;
    if (round % 2 === 0 && accepted.type === 'accepted') await accepted.durable;
  }
  await projects.use('p', (project) => project.flush());
  const distinct = [...new Set(seqnos)].sort((a, b) => a - b);
  assert.equal(
    distinct,
    Array.from({ length: 200 }, (_, index) => index + 1),
  );
  const state = await projects.use('p', (project) => project.encode((from) => from.getArray('list').length));
  assert.is(state, 200);
  await projects.close();
});

test.run();
