// What happens when a log has lost something (REP-8): it is told, no number is given twice, what is whole is served, and a
// hole is met where it lies.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Projects } from '../../src/core/projects.ts';
import { RejoinError } from '../../src/errors.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { projectKey } from '../../src/store/store-keys.ts';
import { readLife } from '../../src/store/life.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Store } from '../../src/store/store.ts';
import { changesFarApart } from '../support/changes-far-apart.ts';
import { MemoryWitness } from '../support/memory-witness.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { openProjects, testLife } from '../support/memory-projects.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const keys = new ProjectKeys('p');
const udt = { protocol: 'udt', user: 'ann' } as const;

interface Context {
  store: MemoryStore;
  witness: MemoryWitness;
}

const test = suite<Context>('damage of the log');

test.before.each(async (context) => {
  context.store = new MemoryStore();
  context.witness = new MemoryWitness();
  const { projects } = openProjects(context.store, { witness: context.witness });
  for (const uuid of ['a', 'b', 'c']) await uploadEntry(projects, 'p', uuid);
  await projects.use('s', (project) => project.udt.createSession({ n: 0 }, udt));
  await projects.close();
  await context.store.reopen();
});

test('REP-8 a log that ends before what was witnessed: told, and written on under a new server id', async ({
  store,
  witness,
}) => {
  await lose(store, 3);
  const { projects, events } = openProjects(store, { witness });
  await uploadEntry(projects, 'p', 'd');
  const [damage, renewed] = events;
  assert.match(damage?.detail ?? '', /"p" is damaged: its log ends at position 2 and has ended at 3 before/);
  assert.is(renewed?.type, 'life-renewed');
  assert.is(events.length, 2);
  const { life } = projects.context;
  assert.is.not(life.serverId, testLife.serverId);
  assert.equal(await readLife(store), life);
  assert.equal(await numbersAfter(projects, [[testLife.serverId, 3]]), [[4, life.serverId, 1]]);
  await projects.close();
});

test('REP-8 damage is found once: after a restart the log goes on where it was', async ({
  store,
  witness,
}) => {
  await lose(store, 3);
  const first = openProjects(store, { witness });
  await uploadEntry(first.projects, 'p', 'd');
  const { life } = first.projects.context;
  await first.projects.close();
  await store.reopen();
  const second = openProjects(store, { witness, life });
  await uploadEntry(second.projects, 'p', 'e');
  assert.equal(second.events, []);
  assert.equal(await numbersAfter(second.projects, [[testLife.serverId, 3]]), [
    [4, life.serverId, 1],
    [5, life.serverId, 2],
  ]);
  await second.projects.close();
});

test('REP-8 a database that lost the ends of several logs takes one new server id for all of them', async ({
  store,
  witness,
}) => {
  const names = ['p', 'q', 'r'];
  const before = openProjects(store, { witness });
  for (const name of names) await uploadEntry(before.projects, name, 'first');
  await before.projects.close();
  await store.reopen();
  for (const name of names) witness.note(name, { position: 9, serverId: testLife.serverId, seqno: 9 });
  const { projects, events } = openProjects(store, { witness });
  for (const name of names) await uploadEntry(projects, name, 'd');
  assert.equal(
    events.map(({ type }) => type),
    ['damage', 'life-renewed', 'damage', 'damage'],
  );
  const { serverId } = projects.context.life;
  for (const name of names)
    assert.equal(await numbersAfter(projects, [[testLife.serverId, 9]], name), [[10, serverId, 1]]);
  await projects.close();
});

test('REP-8 a log that has lost numbers of the new server id leads to another', async ({
  store,
  witness,
}) => {
  await lose(store, 3);
  const { projects, events, clock } = openProjects(store, { witness, memory: { idleMs: 1 } });
  await uploadEntry(projects, 'p', 'd');
  const { life } = projects.context;
  clock.nowMs += 60_000;
  await until('it is out of memory', () => projects.inMemory.count === 0);
  await lose(store, 4, [life.serverId, 1]);
  await uploadEntry(projects, 'p', 'e');
  assert.equal(
    events.map(({ type }) => type),
    ['damage', 'life-renewed', 'damage', 'life-renewed'],
  );
  assert.is.not(projects.context.life.serverId, life.serverId);
  await projects.close();
});

test('REP-8 without a witness a loss in the middle is found by counting', async ({ store }) => {
  await store.write([{ key: keys.record(3), value: null }]);
  const { projects, events } = openProjects(store);
  await uploadEntry(projects, 'p', 'd');
  assert.match(events[0]?.detail ?? '', /its log ends at position 2, its servers' heads count 3 changes/);
  assert.equal(await numbersAfter(projects, [[testLife.serverId, 3]]), [
    [4, projects.context.life.serverId, 1],
  ]);
  await projects.close();
});

for (const isCutOff of [false, true]) {
  const about = isCutOff ? ', also where another one was cut off' : '';
  test(`REP-8 a log that ends before its snapshot goes on behind that: what is written then is in the document${about}`, async () => {
    const store = new MemoryStore();
    const first = openProjects(store);
    const updates: Uint8Array[] = [];
    const doc = new Y.Doc();
    doc.on('update', (update: Uint8Array) => updates.push(update));
    for (let i = 0; i < 120; i++) doc.getText('text').insert(0, 'x');
    await first.projects.use('p', async (project) => {
      for (const update of updates) await project.applyUpdate(update, { protocol: 'yjs', user: 'a' });
      await project.closeDocument(() => false);
    });
    await first.projects.close();
    await store.reopen();
    for (const position of [119, 120]) await lose(store, position);
    if (isCutOff) await store.write([{ key: keys.snapshotChunk(125, 0), value: Uint8Array.of(1) }]);
    const { projects } = openProjects(store);
    await uploadEntry(projects, 'p', 'd');
    assert.equal(await numbersAfter(projects, [[testLife.serverId, 120]]), [
      [121, projects.context.life.serverId, 1],
    ]);
    const entries = await projects.use('p', (project) =>
      project.encode((from) => [...from.getMap('entries').keys()]),
    );
    assert.equal(entries, ['d']);
    await projects.close();
  });
}

test('REP-8 an upload that meets the new server id is numbered under it, and nobody else hears of it', async ({
  store,
}) => {
  const { projects, events } = openProjects(store);
  await projects.use('p', async (project) => {
    const planUpload = project.uploads.plan.bind(project.uploads);
    project.uploads.plan = async (...args) => {
      project.uploads.plan = planUpload;
      const planned = await planUpload(...args);
      await projects.context.renewLife('damage elsewhere', testLife.serverId);
      return planned;
    };
    await uploadEntry(projects, 'p', 'd');
  });
  assert.equal(await numbersAfter(projects, [[testLife.serverId, 3]]), [
    [4, projects.context.life.serverId, 1],
  ]);
  assert.equal(
    events.map(({ type }) => type),
    ['life-renewed'],
  );
  await projects.close();
});

test('a hole is met where it lies: what is before it is served, and who is behind it reads on', async ({
  store,
  witness,
}) => {
  await store.write([{ key: keys.record(2), value: null }]);
  const { projects } = openProjects(store, { witness });
  await projects.use('p', async (project) => {
    const feed = await project.follow(new Map());
    const failure = await readAll(feed).catch((error: unknown) => error);
    assert.match(String(failure), /the change at position 2 is missing/);
    feed.close();
  });
  assert.equal(await numbersAfter(projects, [[testLife.serverId, 2]]), [[3, testLife.serverId, 3]]);
  await projects.close();
});

test('a place that is not recorded any more is found by reading', async ({ store, witness }) => {
  await store.write([{ key: keys.sequence(testLife.serverId, 2), value: null }]);
  const { projects } = openProjects(store, { witness });
  assert.equal(await numbersAfter(projects, [[testLife.serverId, 1]]), [
    [2, testLife.serverId, 2],
    [3, testLife.serverId, 3],
  ]);
  await projects.close();
});

test('an object whose record is lost can be uploaded again', async ({ store, witness }) => {
  await lose(store, 3);
  const { projects } = openProjects(store, { witness });
  for (const uuid of ['b', 'c', 'c']) await uploadEntry(projects, 'p', uuid);
  assert.equal(await numbersAfter(projects, [[testLife.serverId, 3]]), [
    [4, projects.context.life.serverId, 1],
  ]);
  await projects.close();
});

test('all projects are written under the new server id, those with open sessions too; UDT clients are rebuilt', async ({
  store,
  witness,
}) => {
  await lose(store, 3);
  const { projects } = openProjects(store, { witness });
  await projects.use('s', (project) => project.udt.patch([{ op: 'replace', path: '/n', value: 1 }], udt));
  await uploadEntry(projects, 'p', 'd'); // finds the damage
  const { life } = projects.context;
  const { version } = await projects.use('s', (project) =>
    project.udt.patch([{ op: 'replace', path: '/n', value: 2 }], udt),
  );
  assert.is(version, life.epoch * 2 ** 32 + 2);
  const { versions } = await projects.use('s', (project) => project.udt.after(1));
  assert.equal(versions[0]?.patch, [{ op: 'replace', path: '/n', value: 2 }]); // the whole state
  const sessions = await numbersAfter(projects, [], 's');
  assert.equal(
    sessions.map(([, serverId]) => serverId),
    [testLife.serverId, testLife.serverId, life.serverId],
  );
  await projects.close();
});

test('REP-8 a project that is being opened while the new server id is taken is written under that one too', async ({
  store,
}) => {
  const first = openProjects(store);
  await uploadEntry(first.projects, 'q', 'a');
  await first.projects.close();
  await store.reopen();
  await lose(store, 3);
  await store.write([{ key: keys.sequence(testLife.serverId, 2), value: null }]); // so that it is found by counting
  let isReading = false;
  let mayRead = false;
  const last = new ProjectKeys('q').clients(testLife.serverId); // what is read last
  const { projects } = openProjects(
    reading(store, async (key) => {
      if (Buffer.compare(key, last) !== 0) return;
      isReading = true;
      await until('the project may be read', () => mayRead);
    }),
  );
  const written = uploadEntry(projects, 'q', 'b');
  await until('the project is being read', () => isReading);
  await uploadEntry(projects, 'p', 'd'); // finds the damage
  mayRead = true;
  await written;
  const { serverId } = projects.context.life;
  assert.is.not(serverId, testLife.serverId);
  assert.equal(await numbersAfter(projects, [], 'q'), [
    [1, testLife.serverId, 1],
    [2, serverId, 1],
  ]);
  await projects.close();
});

for (const outcome of ['is lost', 'is stored'] as const) {
  test(`REP-8 the disk fails when damage is to be noted, which ${outcome}: it is tried again when that is over`, async () => {
    const store = new FaultyStore();
    const first = openProjects(store);
    for (const uuid of ['a', 'b']) await uploadEntry(first.projects, 'p', uuid);
    await first.projects.close();
    await store.reopen();
    await store.write([{ key: keys.record(2), value: null }]);
    const { projects, events } = openProjects(store);
    store.failNext(outcome);
    await uploadEntry(projects, 'p', 'c');
    assert.ok(events.some(({ type }) => type === 'store-recovered'));
    const { serverId } = projects.context.life;
    assert.is.not(serverId, testLife.serverId);
    assert.equal(await numbersAfter(projects, [[testLife.serverId, 2]]), [[3, serverId, 1]]);
    await projects.close();
  });
}

for (const [what, value] of [
  ['lost', null],
  ['damaged', Buffer.from('damaged!')],
] as const) {
  test(`UDT-3 UDT-10 where the newest version is ${what}, that is told, its number is not given again and its clients are rebuilt`, async ({
    store,
    witness,
  }) => {
    const environment = changesFarApart();
    const first = openProjects(store, { witness, environment });
    for (const n of [1, 2]) await patchNumber(first.projects, n);
    await first.projects.close();
    await store.reopen();
    await store.write([{ key: new ProjectKeys('s').version(2), value }]);
    const { projects, events } = openProjects(store, { witness, environment });
    const version = await patchNumber(projects, 3);
    assert.ok(version > 3, `version ${version}`);
    for (const since of [1, 2]) {
      const { versions } = await projects.use('s', (project) => project.udt.after(since));
      assert.equal(
        versions.map(({ patch }) => patch),
        [[{ op: 'replace', path: '/n', value: 3 }]],
      );
    }
    assert.equal([...new Set(events.map(({ type }) => type))], ['damage']);
    assert.match(events[0]?.detail ?? '', value ? /^version 2 of udt: / : /hash/);
    await projects.close();
  });
}

test('a project that the catalogue has lost is neither served nor written: it may have been deleted', async ({
  store,
  witness,
}) => {
  await store.write([{ key: projectKey('p'), value: null }]);
  const { projects } = openProjects(store, { witness });
  for (const attempt of [
    uploadEntry(projects, 'p', 'd'),
    projects.find('p', (project) => Promise.resolve(project)),
  ]) {
    const failure = await attempt.catch((error: unknown) => error);
    assert.is((failure as RejoinError).code, 'damaged');
  }
  await uploadEntry(projects, 'q', 'a'); // others work on
  await projects.close();
});

test('clientIDs that can not be read are replaced, and documents stay one', async ({ store, witness }) => {
  const key = keys.clients(testLife.serverId);
  await store.write([{ key, value: Buffer.from('damaged!') }]);
  const { projects, events } = openProjects(store, { witness });
  await uploadEntry(projects, 'p', 'd');
  const entries = await projects.use('p', (project) =>
    project.encode((doc) => [...doc.getMap('entries').keys()]),
  );
  assert.equal(entries.sort(), ['a', 'b', 'c', 'd']);
  assert.equal(
    events.map(({ type }) => type),
    ['damage'],
  );
  await projects.close();
});

test('a record under the key of another is not served', async ({ store, witness }) => {
  const [second, third] = [await store.get(keys.record(2)), await store.get(keys.record(3))];
  await store.write([
    { key: keys.record(2), value: third ?? new Uint8Array() },
    { key: keys.record(3), value: second ?? new Uint8Array() },
  ]);
  const { projects } = openProjects(store, { witness });
  const failure = await numbersAfter(projects, []).catch((error: unknown) => error);
  assert.match(String(failure), /the change at position 2 is not \[9, 2\]/);
  await projects.close();
});

test('a document that lacks a change is damaged and is not served in part', async ({ store, witness }) => {
  const doc = new Y.Doc();
  const first = openProjects(store, { witness });
  for (const letter of ['x', 'y', 'z']) {
    const updates: Uint8Array[] = [];
    doc.once('update', (update: Uint8Array) => updates.push(update));
    doc.getText('text').insert(0, letter);
    await first.projects.use('t', (project) =>
      project.applyUpdate(updates[0] ?? new Uint8Array(), { protocol: 'yjs', user: 'a' }),
    );
  }
  await first.projects.close();
  await store.reopen();
  await store.write([{ key: new ProjectKeys('t').record(2), value: null }]);
  const { projects } = openProjects(store, { witness });
  const failure = await projects
    .use('t', (project) => project.encode((from) => from.getText('text').toJSON()))
    .catch((error: unknown) => error);
  assert.is((failure as RejoinError).code, 'damaged');
  await projects.close();
});

/** The store, where each value is read when `before` has resolved. */
function reading(store: MemoryStore, before: (key: Uint8Array) => Promise<void>): Store {
  return {
    get: async (key) => {
      await before(key);
      return store.get(key);
    },
    scan: (range) => store.scan(range),
    write: (batch) => store.write(batch),
    approximateSize: (range) => store.approximateSize(range),
    compact: () => store.compact(),
    probe: () => store.probe(),
    reopen: () => store.reopen(),
    close: () => store.close(),
  };
}

/** @returns the version that it makes. */
async function patchNumber(projects: Projects, value: number): Promise<number> {
  const operations = [{ op: 'replace', path: '/n', value }] as const;
  const { version } = await projects.use('s', (project) => project.udt.patch(operations, udt));
  return version;
}

/** Takes the last change of `p` away without a trace in the log, as LevelDB does when its own log is damaged. */
/** @param place server id and seqno; those of the first life are the positions */
async function lose(
  store: MemoryStore,
  position: number,
  [serverId, seqno] = [testLife.serverId, position],
): Promise<void> {
  await store.write([
    { key: keys.record(position), value: null },
    { key: keys.sequence(serverId, seqno), value: null },
  ]);
}

/** Position, server id and seqno of each change that a reader lacks. */
async function numbersAfter(
  projects: Projects,
  since: readonly [number, number][],
  id = 'p',
): Promise<number[][]> {
  return projects.use(id, async (project) => {
    const feed = await project.follow(new Map(since));
    const numbers = await readAll(feed);
    feed.close();
    return numbers;
  });
}

type Feed = Awaited<ReturnType<Parameters<Parameters<Projects['use']>[1]>[0]['follow']>>;

async function readAll(feed: Feed): Promise<number[][]> {
  const numbers: number[][] = [];
  while (!feed.atHead) {
    for (const { position, serverId, seqno } of (await feed.next()) ?? [])
      numbers.push([position, serverId, seqno]);
  }
  return numbers;
}

test.run();
