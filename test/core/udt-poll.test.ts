// UDT-19: polls are answered from the version records. One of a project that isn't in memory opens no document, unless what is
// stored of the versions can't be relied on.

import { cp } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Projects } from '../../src/core/projects.ts';
import type { UdtDialect, UdtDifferences } from '../../src/core/udt-reads.ts';
import { RejoinError } from '../../src/errors.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { openDataFolder } from '../../src/store/data-folder.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { readProjectInfo, writeProjectInfo } from '../../src/store/project-info.ts';
import { writeQuarantine } from '../../src/store/quarantine.ts';
import { notedStore, someTurns } from '../support/held-store.ts';
import { openProjects, testLife } from '../support/memory-projects.ts';
import { MemoryWitness } from '../support/memory-witness.ts';
import { noteReads } from '../support/noted-reads.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { plainHash } from '../support/udt-client.ts';
import { until } from '../support/until.ts';
import { applyAsV1Client } from '../support/v1-patch-library.ts';

const ann = { protocol: 'udt', user: 'ann' } as const;
const dialects: readonly UdtDialect[] = ['v1', 'v2'];
const epochSize = 2 ** 32;
const test = suite('UDT-19 polls');

const first: JsonObject = {
  interface: { type: 'text_classification' },
  samples: [{ document: 'a' }, { document: 'b' }],
};

/** Version 3. */
async function session(projects: Projects, clock: { nowMs: number }): Promise<void> {
  await projects.use('s', async ({ udt }) => {
    await udt.createSession(first, ann);
    const patches = [
      [{ op: 'add', path: '/samples/0/annotation', value: 'x' }],
      [{ op: 'add', path: '/samples/-', value: { document: 'c' } }],
      [{ op: 'replace', path: '/interface', value: { type: 'other' } }],
    ] as const;
    for (const patch of patches) {
      clock.nowMs += 10_000; // no race (UDT-8)
      await udt.patch(patch, ann);
    }
  });
}

/** The answers to polls since each of these versions, in both dialects. */
async function pollAll(projects: Projects, sinces: readonly number[], id = 's'): Promise<UdtDifferences[]> {
  const answers: UdtDifferences[] = [];
  for (const since of sinces)
    for (const dialect of dialects) answers.push(await poll(projects, since, dialect, id));
  return answers;
}

/** As JSON has it: what is absent in the store is undefined in memory. */
async function poll(
  projects: Projects,
  since: number | Date,
  dialect: UdtDialect = 'v1',
  id = 's',
): Promise<UdtDifferences> {
  const answer = await projects.use(id, (project) => project.udt.after(since, dialect));
  return JSON.parse(JSON.stringify(answer)) as UdtDifferences;
}

const hasDocument = (projects: Projects): Promise<boolean> =>
  projects.use('s', (project) => Promise.resolve(project.weightBytes > 16 * 1024));

test('UDT-19 a poll of a project whose document is closed opens none, and says the same', async () => {
  const store = new MemoryStore();
  const reads = noteReads(store, 's');
  const { projects, clock } = openProjects(store);
  await session(projects, clock);
  const before = await pollAll(projects, [0, 1, 2, 3]);
  const times = [new Date(clock.nowMs - 15_000), new Date(clock.nowMs)];
  const sinceTimes = await Promise.all(times.map((time) => poll(projects, time)));
  await projects.use('s', (project) => project.closeDocument(() => false));
  reads.taken();
  assert.is(await hasDocument(projects), false);
  assert.equal(await pollAll(projects, [0, 1, 2, 3]), before);
  assert.equal(await Promise.all(times.map((time) => poll(projects, time))), sinceTimes);
  assert.is(reads.taken(), 0);
  assert.is(await hasDocument(projects), false);

  assert.equal(before.at(-1)?.versions, []);
  assert.is(before[0]?.versions.length, 3);
  assert.is(sinceTimes[0]?.versions.length, 2);
  const { view, ...state } = await projects.use('s', (project) => project.udt.read());
  assert.ok(reads.taken() > 0, 'a reader of the document is noticed');
  assert.equal(before[0]?.latest, JSON.parse(JSON.stringify(state)));
  assert.is(state.hash, plainHash(view));
  await projects.close();
});

test('UDT-19 a poll of a project that has left memory, or after a restart, opens no document', async () => {
  const store = new MemoryStore();
  const made = openProjects(store, { memory: { idleMs: 40 } });
  await session(made.projects, made.clock);
  const before = await pollAll(made.projects, [0, 1, 2, 3]);
  const reads = noteReads(store, 's');
  made.clock.nowMs += 1_000;
  await until('the project has left memory', () => made.projects.openCount === 0);
  reads.taken(); // its snapshot may have been made
  assert.equal(await pollAll(made.projects, [0, 1, 2, 3]), before);
  assert.is(reads.taken(), 0);
  await made.projects.close();

  await store.reopen();
  const again = openProjects(store);
  reads.taken();
  assert.equal(await pollAll(again.projects, [0, 1, 2, 3]), before);
  assert.is(reads.taken(), 0);
  assert.is(await hasDocument(again.projects), false);
  await again.projects.close();
});

test('UDT-3 UDT-19 another life polls under its own epoch, from what is stored; who knows an older one is sent everything', async () => {
  const store = new MemoryStore();
  const made = openProjects(store);
  await session(made.projects, made.clock);
  const { latest } = await poll(made.projects, 3);
  await made.projects.close();
  await store.reopen();
  const reads = noteReads(store, 's');
  const { projects } = openProjects(store, { life: { serverId: 10, epoch: 7 } });
  const here = 7 * epochSize + 3;
  for (const dialect of dialects) {
    const same = await poll(projects, here, dialect);
    assert.equal(same.versions, []);
    assert.equal(same.latest, { ...latest, version: here });
  }
  assert.is(reads.taken(), 0);
  const { versions } = await poll(projects, 3);
  assert.ok(reads.taken() > 0, 'the whole state is read from the document');
  const { view } = await projects.use('s', (project) => project.udt.read());
  assert.equal(
    applyAsV1Client(
      first,
      versions.flatMap(({ patch }) => [...patch]),
    ),
    view,
  );
  await projects.close();
});

test('UDT-19 a session that nobody has changed is polled without its document', async () => {
  const store = new MemoryStore();
  const made = openProjects(store);
  await made.projects.use('s', (project) => project.udt.createSession(first, ann));
  const { view: summary } = await made.projects.use('s', (project) => project.udt.readSummary());
  const before = await pollAll(made.projects, [0]);
  await made.projects.close();
  await store.reopen();
  const reads = noteReads(store, 's');
  const { projects } = openProjects(store);
  assert.equal(await pollAll(projects, [0]), before);
  assert.is(reads.taken(), 0);
  const latest = { version: 0, hash: plainHash(first), summaryHash: plainHash(summary), record: null };
  assert.equal(before, [
    { versions: [], latest },
    { versions: [], latest },
  ]);
  await projects.close();
});

test('UDT-19 what is on its way to the disk is not shown to a poll', async () => {
  const store = notedStore();
  const { projects, clock } = openProjects(store);
  await session(projects, clock);
  store.isHolding = true;
  clock.nowMs += 10_000;
  const patching = projects.use('s', (project) => project.udt.patch([], ann));
  await until('it is on its way', () => store.waiting.length === 1);
  for (const answer of await pollAll(projects, [3])) {
    assert.equal(answer.versions, []);
    assert.is(answer.latest.version, 3);
  }
  store.letGo();
  await patching;
  assert.is((await poll(projects, 3)).latest.version, 4);
  store.isHolding = false;
  await projects.close();
});

/** A session in the store of a server that has stopped. */
async function storedSession() {
  const store = new MemoryStore();
  const made = openProjects(store);
  await session(made.projects, made.clock);
  const { view } = await made.projects.use('s', (project) => project.udt.read());
  await made.projects.close();
  await store.reopen();
  return { store, view, clock: made.clock };
}

test('UDT-19 when something of the log is lost the document is opened after all', async () => {
  const { store, view } = await storedSession();
  await store.write([{ key: new ProjectKeys('s').sequence(testLife.serverId, 4), value: null }]);
  const reads = noteReads(store, 's');
  const { projects, events } = openProjects(store);
  const { latest } = await poll(projects, 3);
  assert.ok(reads.taken() > 0);
  assert.is(latest.hash, plainHash(view));
  assert.equal(
    events.map(({ type }) => type),
    ['damage', 'life-renewed'],
  );
  await projects.close();
});

test('UDT-19 while something of the log is wanted back the document is opened after every start', async () => {
  const { store, view, clock } = await storedSession();
  const keys = new ProjectKeys('s');
  const info = await readProjectInfo(store, 's');
  const vector: [number, number][] = [[testLife.serverId, 4]];
  const damage = { foundMs: clock.nowMs, detail: 'lost', position: 4, vector, missing: 0 };
  await store.write([
    writeProjectInfo('s', { ...info!, damage }),
    writeQuarantine(keys, clock.nowMs, [{ serverId: 77, seqno: 1, position: 0 }]),
  ]);
  const reads = noteReads(store, 's');
  for (let start = 0; start < 2; start++) {
    const { projects, events } = openProjects(store);
    const { latest } = await poll(projects, 3);
    assert.ok(reads.taken() > 0);
    assert.is(latest.hash, plainHash(view));
    assert.equal(events, []);
    await projects.close();
    await store.reopen();
  }
});

test('UDT-19 a document that cannot be made whole any more is not polled as if it were', async () => {
  const store = new MemoryStore();
  const made = openProjects(store);
  await session(made.projects, made.clock);
  await made.projects.close();
  await store.reopen();
  const keys = new ProjectKeys('s');
  await store.write([
    { key: keys.record(4), value: null },
    { key: keys.sequence(testLife.serverId, 4), value: null },
  ]);
  const witness = new MemoryWitness();
  witness.note('s', { position: 4, serverId: testLife.serverId, seqno: 4 });
  const { projects } = openProjects(store, { witness });
  for (const dialect of dialects) {
    const refusal = await poll(projects, 3, dialect).catch((error: unknown) => error);
    assert.is(refusal instanceof RejoinError && refusal.code, 'damaged');
  }
  await projects.close();
});

test('UDT-3 UDT-19 a document that is not what its newest version says: told, and no number that clients know is given again', async () => {
  const store = new MemoryStore();
  const made = openProjects(store);
  await session(made.projects, made.clock);
  await made.projects.close();
  await store.reopen();
  const keys = new ProjectKeys('s');
  await store.write([
    { key: keys.record(4), value: null },
    { key: keys.sequence(testLife.serverId, 4), value: null },
  ]); // without a witness it isn't missed
  const { projects, events } = openProjects(store);
  assert.is((await poll(projects, 3)).latest.version, 3);
  const { view, version } = await projects.use('s', (project) => project.udt.read());
  assert.equal(view['interface'], first['interface'], 'the last change is lost');
  assert.ok(version > 1_000);
  assert.is(events[0]?.type, 'damage');
  for (const since of [0, 2, 3, version - 1]) {
    const { versions, latest } = await poll(projects, since);
    assert.is(latest.version, version);
    assert.is(latest.hash, plainHash(view));
    const patch = versions.flatMap((each) => [...each.patch]);
    assert.equal(applyAsV1Client({ ...view, interface: 1 }, patch), view, `since ${since}`);
  }
  assert.equal((await poll(projects, version)).versions, []);
  await projects.close();
});

test('UDT-19 a newest version that is damaged or lost is none to rely on', async () => {
  for (const value of [Buffer.from('not what was written'), null]) {
    const store = new MemoryStore();
    const made = openProjects(store);
    await session(made.projects, made.clock);
    await made.projects.close();
    await store.reopen();
    await store.write([{ key: new ProjectKeys('s').version(3), value }]);
    const reads = noteReads(store, 's');
    const { projects, events } = openProjects(store);
    const { view } = await projects.use('s', (project) => project.udt.read());
    for (const answer of await pollAll(projects, [2, 3])) assert.is(answer.latest.hash, plainHash(view));
    assert.equal(view['interface'], { type: 'other' }, 'the document has it');
    assert.ok(reads.taken() > 0);
    assert.ok(events.some(({ type }) => type === 'damage'));
    await projects.close();
  }
});

test('UDT-5 a poll of a deleted session is refused, without its document', async () => {
  const store = new MemoryStore();
  const { projects, clock } = openProjects(store);
  await session(projects, clock);
  await projects.use('s', (project) => project.delete());
  const reads = noteReads(store, 's');
  const refusal = await poll(projects, 3).catch((error: unknown) => error);
  assert.is(refusal instanceof RejoinError && refusal.code, 'deleted');
  assert.is(reads.taken(), 0);
  await projects.close();
});

test('UDT-19 a session of format 1, which has no hashes of summaries, is read once; after its next change never again', async () => {
  const data = await temporaryFolder();
  await cp(fileURLToPath(new URL('../golden/format-1', import.meta.url)), data, { recursive: true });
  const folder = await openDataFolder(data, { environment: realEnvironment });
  const id = 'golden-session';
  const reads = noteReads(folder.store, id);
  const events: string[] = [];
  const open = (): Projects =>
    new Projects({
      store: folder.store,
      life: folder.life,
      environment: realEnvironment,
      observer: { observe: ({ type }) => events.push(type) },
    });
  const before = open();
  const { version } = await before.use(id, (project) => project.udt.read());
  await before.close();
  reads.taken();
  const projects = open();
  const { latest } = await poll(projects, version, 'v1', id);
  assert.ok(reads.taken() > 0);
  const { view } = await projects.use(id, (project) => project.udt.read());
  const { view: summary } = await projects.use(id, (project) => project.udt.readSummary());
  assert.is(latest.hash, plainHash(view));
  assert.is(latest.summaryHash, plainHash(summary));
  for (const { versions } of await pollAll(projects, [latest.version], id)) assert.equal(versions, []);
  const [ofV1, ofV2] = await pollAll(projects, [latest.version - 1], id);
  assert.is(ofV1?.latest.hash, latest.hash);
  assert.is(ofV2?.latest.summaryHash, latest.summaryHash);

  await projects.use(id, (project) => project.udt.patch([{ op: 'add', path: '/new', value: 1 }], ann));
  const answers = await pollAll(projects, [latest.version, latest.version + 1], id);
  await projects.use(id, (project) => project.closeDocument(() => false));
  await someTurns();
  reads.taken();
  assert.equal(await pollAll(projects, [latest.version, latest.version + 1], id), answers);
  assert.is(reads.taken(), 0);
  assert.equal(events, []);
  await projects.close();
  await folder.close();
  await removeFolder(data);
});

test.run();
