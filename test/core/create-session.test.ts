// Sessions that are created in slices: there is nothing of one, for anybody, before all of it is durable; then it is what its
// file says.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Projects } from '../../src/core/projects.ts';
import { RejoinError } from '../../src/errors.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { listProjectIds } from '../../src/store/project-info.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { projectKey } from '../../src/store/store-keys.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Change } from '../../src/store/change.ts';
import { ProjectLog } from '../../src/store/project-log.ts';
import type { Store, Write } from '../../src/store/store.ts';
import { removeUnfinishedSession, removeUnfinishedSessions } from '../../src/store/unfinished-sessions.ts';
import { MemoryWitness } from '../support/memory-witness.ts';
import { failingNth } from '../support/failing-nth-store.ts';
import { hardDocument } from '../support/hard-json.ts';
import { HeldStore, notedStore, someTurns, storeOf } from '../support/held-store.ts';
import { keysIn } from '../support/keys-in.ts';
import { openProjects, testLife } from '../support/memory-projects.ts';
import { seededPrng } from '../support/seed.ts';
import { plainHash } from '../support/udt-client.ts';
import { until } from '../support/until.ts';

const ann = { protocol: 'udt', user: 'ann' } as const;
const test = suite('UDT-19 create-session');

/** Several slices. */
function large(samples = 20_000): JsonObject {
  return {
    interface: { type: 'text_classification', labels: ['a', 'b'] },
    samples: Array.from({ length: samples }, (_, i) => ({ document: `text ${i}`, annotation: null })),
    name: 'behind the samples',
  };
}

function create(projects: Projects, id: string, udt: JsonObject): Promise<unknown> {
  return projects.use(id, (project) => project.udt.createSession(udt, ann));
}

const read = (projects: Projects, id: string) => projects.use(id, (project) => project.udt.read());

const hasCatalogueEntry = (id: string) => (batch: readonly Write[]) =>
  batch.some(({ key }) => Buffer.compare(key, projectKey(id)) === 0);

async function listed(store: Store): Promise<string[]> {
  const ids: string[] = [];
  for await (const id of listProjectIds(store)) ids.push(id);
  return ids;
}

for (const isPolled of [false, true]) {
  const before = isPolled ? ', though somebody asked for it before' : '';
  test(`UDT-19 a session is not listed, served or known to the witness before its last slice is durable${before}`, async () => {
    const store = new HeldStore();
    const witness = new MemoryWitness();
    const { projects, events } = openProjects(store, { witness });
    const udt = large();
    const { project, release } = await projects.acquire('p');
    if (isPolled) await project.udt.after(0);
    const creation = create(projects, 'p', udt);
    const isClosing = hasCatalogueEntry('p');
    const nothingIsSeen = async (): Promise<void> => {
      assert.equal(await listed(store), []);
      assert.equal([...witness.known], []);
    };
    for (;;) {
      await until('a slice is on its way', () => store.waiting.length > 0);
      await someTurns(100);
      if (store.waiting.some(isClosing)) break;
      await nothingIsSeen();
      assert.is(await projects.find('p', (project) => Promise.resolve(project)), undefined);
      store.letGo();
    }
    assert.ok(store.written.length + store.waiting.length > 9, `${store.written.length} slices before`);
    const served: string[] = [];
    const reading = read(projects, 'p').then((state) => {
      served.push('read');
      return state;
    });
    const polling = projects
      .use('p', (project) => project.udt.after(0))
      .then((differences) => {
        served.push('polled');
        return differences;
      });
    while (store.waiting[0] && !isClosing(store.waiting[0])) {
      store.letGo();
      await someTurns();
      await nothingIsSeen();
    }

    assert.equal(served, []);

    store.isHolding = false;
    while (store.waiting.length > 0) store.letGo();
    await creation;
    const { view, hash } = await reading;
    assert.equal(view, udt);
    assert.is((await polling).latest.hash, hash);
    assert.equal(await listed(store), ['p']);
    assert.is(witness.known.get('p')?.position, (await changesIn(store, 'p')).length);
    assert.equal(events, []);
    release();
    await projects.close();
  });
}

test('UDT-19 a kill after any slice, also in the middle of the next start, leaves nothing', async () => {
  const store = notedStore();
  const { projects } = openProjects(store);
  await create(projects, 'p', large());
  const batches = [...store.written];
  assert.ok(batches.length > 5, `${batches.length} slices`);
  for (let arrived = 0; arrived < batches.length; arrived++) {
    const killed = await storeOf(batches.slice(0, arrived));
    assert.is((await keysIn(killed)).length > 0, arrived > 0);
    assert.is(await removeUnfinishedSessions(killed), arrived > 0 ? 1 : 0);
    assert.equal(await keysIn(killed), [], `after ${arrived} of ${batches.length} slices`);
  }
  const whole = await storeOf(batches);
  assert.is(await removeUnfinishedSessions(whole), 0);
  const again = openProjects(whole);
  assert.equal((await read(again.projects, 'p')).view, large());
  await again.projects.close();
  await projects.close();
});

test('what an unfinished session left is removed however much it is, and whenever that is cut off', async () => {
  const [keys, other] = [new ProjectKeys('p'), new ProjectKeys('p0')];
  const left = notedStore();
  const numbers = Array.from({ length: 1_300 }, (_, i) => i + 1);
  await left.write([{ key: Buffer.from('np\u0000'), value: Buffer.from('unfinished') }]);
  await left.write(numbers.map((n) => ({ key: keys.record(n), value: Buffer.from('slice') })));
  await left.write([{ key: other.record(1), value: Buffer.from('of another') }]);
  await removeUnfinishedSessions(left);
  const ofAnother = [other.record(1).toString('latin1')];
  assert.equal(await keysIn(left), ofAnother);
  const batches = [...left.written];
  assert.ok(batches.length > 5, 'it takes several batches');
  for (let arrived = 3; arrived < batches.length; arrived++) {
    const cutOff = await storeOf(batches.slice(0, arrived));
    await removeUnfinishedSessions(cutOff);
    assert.equal(await keysIn(cutOff), ofAnother, `after ${arrived} batches`);
  }
  await removeUnfinishedSession(left, 'nothing there');
  assert.equal(await keysIn(left), ofAnother);
});

for (const outcome of ['is lost', 'is stored'] as const) {
  test(`UDT-19 the write of any slice fails and ${outcome}: its client hears of it, nothing stays, and the next one works`, async () => {
    const udt = large(9_000);
    const writes = await countWrites(udt);
    let refused = 0;
    for (let failing = 1; failing <= writes; failing++) {
      const store = failingNth(failing, outcome);
      const { projects, events } = openProjects(store);
      const failure = await create(projects, 'p', udt).then(
        () => null,
        (error: unknown) => error,
      );
      const about = `write ${failing} of ${writes}`;
      await until('writing resumes', () => projects.writingProblem === null);
      await someTurns();
      if (failure === null) {
        assert.equal((await read(projects, 'p')).view, udt, `${about} was begun again`);
      } else {
        refused++;
        assert.ok(failure instanceof RejoinError, about);
        assert.is(failure.code, 'outcome-unknown', about);
        const isWhole = (await listed(store)).length > 0;
        assert.is(isWhole, outcome === 'is stored' && failing === writes, about);
        if (isWhole) assert.equal((await read(projects, 'p')).view, udt);
        else await until(`nothing is left: ${about}`, async () => (await keysIn(store)).length === 0);
      }
      await create(projects, 'next', large(3));
      assert.equal((await read(projects, 'next')).view, large(3));
      assert.equal(
        events.filter(({ type }) => !['store-failed', 'store-recovered', 'change-dropped'].includes(type)),
        [],
        about,
      );
      await projects.close();
      assert.is(await removeUnfinishedSessions(store), 0, about);
    }
    assert.ok(refused > 0);
  });
}

test('UDT-19 nothing stays either of a creation whose disk comes back long after everybody has gone', async () => {
  const store = failingNth(3, 'is stored');
  // What is on its way when its user leaves may keep it in memory until it has been idle for a while.
  const { projects, events, clock } = openProjects(store, { writersWaitMs: 20, memory: { idleMs: 200 } });
  store.write = ((write) => (batch: readonly Write[]) => {
    const written = write(batch);
    written.catch(() => (store.isBroken = true));
    return written;
  })(store.write.bind(store));
  const failure: unknown = await create(projects, 'p', large(9_000)).catch((error: unknown) => error);
  assert.ok(failure instanceof RejoinError);
  await until('it has left memory', () => {
    clock.nowMs += 200;
    return projects.openCount === 0;
  });
  assert.ok((await keysIn(store)).length > 0, 'nothing can be removed yet');
  store.isBroken = false;
  await until(
    'nothing is left',
    async () => projects.writingProblem === null && (await keysIn(store)).length === 0,
  );
  assert.not.ok(events.some(({ type }) => type === 'damage'));
  await projects.close();
});

test('a session of an id whose creation failed can be created after all', async () => {
  const store = failingNth(4, 'is lost');
  const { projects, events } = openProjects(store);
  const { project, release } = await projects.acquire('p');
  await project.udt.createSession(large(), ann).catch(() => undefined);
  await until('writing resumes', () => projects.writingProblem === null);
  const udt = large(7_000);
  await project.udt.createSession(udt, ann).catch((error: unknown) => {
    if (!(error instanceof RejoinError && error.code === 'conflict')) throw error; // the first was begun again
  });
  release();
  const { view } = await read(projects, 'p');
  assert.ok([7_000, 20_000].includes((view['samples'] as Json[]).length));
  assert.equal(
    events.filter(({ type }) => type === 'damage'),
    [],
  );
  await projects.close();
});

test('an error in the middle of a creation leaves nothing, though the store works', async () => {
  const store = new MemoryStore();
  const { projects } = openProjects(store);
  let calls = 0;
  const failing = projects.use('p', (project) =>
    project.udt.createSession(large(), ann, () => {
      if (++calls === 5) throw new Error('an injected failure');
    }),
  );
  assert.is(await failing.catch((error: unknown) => (error as Error).message), 'an injected failure');
  assert.equal(await keysIn(store), []);
  await create(projects, 'p', large(10));
  assert.equal((await read(projects, 'p')).view, large(10));
  await projects.close();
});

test('UDT-3 the log has the slices under dense numbers, and one version', async () => {
  const store = new MemoryStore();
  const { projects } = openProjects(store);
  await create(projects, 'small', large(3));
  await create(projects, 'large', large());
  assert.equal(
    (await changesIn(store, 'small')).map(({ kind }) => kind),
    ['session'],
  );
  const changes = await changesIn(store, 'large');
  const kinds = changes.map(({ kind }) => kind);
  assert.equal(kinds, ['session', ...kinds.slice(2).map(() => 'slice'), 'closing']);
  assert.equal(
    changes.map(({ position, seqno, serverId, groupSize }) => [position, seqno, serverId, groupSize]),
    changes.map((_, i) => [i + 1, i + 1, testLife.serverId, 1]),
  );
  const { latest, versions } = await projects.use('large', (project) => project.udt.after(0));
  assert.is(latest.version, 0);
  assert.equal(versions, []);
  assert.is((await keysIn(store, new ProjectKeys('large').allVersions())).length, 1);
  const patched = await projects.use('large', (project) =>
    project.udt.patch([{ op: 'replace', path: '/name', value: 'n' }], ann),
  );
  assert.is(patched.version, 1);
  await projects.close();
});

test('UDT-2 UDT-15 a large session is what a small one of the same file would be: document, hashes, summary', async () => {
  const store = new MemoryStore();
  const { projects } = openProjects(store);
  const udt = large();
  await create(projects, 'p', udt);
  const { view, hash, summaryHash } = await read(projects, 'p');
  assert.is(JSON.stringify(view), JSON.stringify(udt));
  assert.is(hash, plainHash(udt));
  const summary = await projects.use('p', (project) => project.udt.readSummary());
  assert.is(summaryHash, plainHash(summary.view));
  const ids = (summary.view['summary'] as { samples: { _id: string }[] }).samples.map(({ _id }) => _id);
  assert.is(new Set(ids).size, 20_000);
  await projects.close();

  await store.reopen();
  const again = openProjects(store);
  assert.equal(await read(again.projects, 'p'), {
    ...summary,
    view,
    record: (await read(again.projects, 'p')).record,
  });
  assert.equal((await again.projects.use('p', (project) => project.udt.readSummary())).view, summary.view);
  assert.equal(again.events, []);
  await again.projects.close();
});

test('UDT-19 YJS-6 who joins in the middle of a creation is given the whole document', async () => {
  const store = new HeldStore();
  const { projects } = openProjects(store);
  const udt = large();
  const creation = create(projects, 'p', udt);
  await until('a slice is on its way', () => store.waiting.length > 0);
  const joining = projects.use('p', (project) => project.encode((doc) => Y.encodeStateAsUpdate(doc)));
  while (store.written.length < 3) {
    store.letGo();
    await someTurns(5);
  }
  const late = projects.use('p', (project) => project.encode((doc) => Y.encodeStateAsUpdate(doc)));
  store.isHolding = false;
  while (store.waiting.length > 0) store.letGo();
  await creation;
  for (const update of [await joining, await late]) {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, update);
    assert.equal(doc.getMap('udt').toJSON(), udt);
  }
  await projects.close();
});

test('the event loop has turns between all slices, and is told of each', async () => {
  const { projects } = openProjects(new MemoryStore());
  let turns = 0;
  let next = setImmediate(function count() {
    turns++;
    next = setImmediate(count);
  });
  const told: { done: number; total: number; turns: number }[] = [];
  const udt = large();
  await projects.use('p', (project) =>
    project.udt.createSession(udt, ann, (done, total) => told.push({ done, total, turns })),
  );
  clearImmediate(next);
  assert.ok(told.length > 5);
  for (const [i, { done, total, turns: at }] of told.entries()) {
    const before = told[i - 1];
    assert.is(total, 20_002);
    assert.ok(done > (before?.done ?? 0) && at > (before?.turns ?? -1), `slice ${i}`);
  }
  assert.is(told.at(-1)?.done, 20_002);
  const small: number[] = [];
  await projects.use('q', (project) => project.udt.createSession({}, ann, (done) => small.push(done)));
  assert.equal(small, [0]);
  await projects.close();
});

test('UDT-22 files come back exactly, their order too: odd keys, nothing, plain values, long arrays deep inside', async () => {
  const random = seededPrng('create-session');
  const store = new MemoryStore();
  const { projects, events } = openProjects(store);
  const files = [...fixed(), ...Array.from({ length: 40 }, () => hardFile(random))];
  for (const [i, udt] of files.entries()) await create(projects, `p${i}`, udt);
  await checkFiles(projects, files);
  await projects.close();
  await store.reopen();
  const again = openProjects(store);
  await checkFiles(again.projects, files);
  assert.equal([...events, ...again.events], []);
  await again.projects.close();
});

async function checkFiles(projects: Projects, files: readonly JsonObject[]): Promise<void> {
  for (const [i, udt] of files.entries()) {
    const { view, hash, version } = await read(projects, `p${i}`);
    assert.equal(view, plus(udt));
    assert.is(JSON.stringify(view), JSON.stringify(udt));
    assert.is(hash, plainHash(udt));
    assert.is(version, 0);
  }
}

function fixed(): JsonObject[] {
  const plain = Array.from({ length: 9_000 }, (_, i) => (i % 3 === 0 ? null : i % 3 === 1 ? i / 7 : `v${i}`));
  return [
    {},
    { samples: [] },
    { samples: [[], {}, [[]], { '': {} }, '', 0, null] },
    { samples: plain },
    { b: plain, a: plain, '': plain.slice(0, 4_500) },
    { deep: { deeper: { list: plain } }, samples: [{ list: plain, after: 1 }, [plain]] },
    {
      samples: Array.from({ length: 5_000 }, (_, i) => ({ z: i, '2': {}, a: [], '1': [i, {}] })),
      z: 1,
      a: 2,
    },
    { long: 'x'.repeat(300_000), samples: ['y'.repeat(200_000), ...plain] },
  ];
}

function hardFile(random: prng.PRNG): JsonObject {
  const { udt } = hardDocument(random, 4);
  return udt;
}

/** Yjs has one zero. */
function plus(udt: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(udt)) as JsonObject;
}

async function countWrites(udt: JsonObject): Promise<number> {
  const store = notedStore();
  const { projects } = openProjects(store);
  await create(projects, 'p', udt);
  const { length } = store.written;
  await projects.close();
  return length;
}

/** The nth write from now on fails. */
async function changesIn(store: Store, project: string): Promise<Change[]> {
  const log = await ProjectLog.open(store, project, testLife.serverId);
  assert.is(log.newDamage, null);
  const changes: Change[] = [];
  for await (const page of log.read(1, log.durablePosition)) changes.push(...page);
  return changes;
}

test.run();
