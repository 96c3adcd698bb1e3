// What is read where the index isn't complete or can't be relied on, and how it is built behind an older release.
// Runs in a process of its own, since it sets a flag of V8 and counts what garbage collection leaves.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { buildIndex } from '../../src/core/build-index.ts';
import type { Projects } from '../../src/core/projects.ts';
import { RejoinError } from '../../src/errors.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { holdersMarkKey } from '../../src/store/store-keys.ts';
import { readIndexMark } from '../../src/store/index-marks.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import type { Entry, Range, Store } from '../../src/store/store.ts';
import { countEntries } from '../support/counted-entries.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { openProjects, testLife } from '../support/memory-projects.ts';
import {
  nothingKnown,
  objectsOf,
  ofReport,
  readSelected,
  uploadAll,
  uuidsIn,
  type Uploaded,
} from '../support/selected.ts';
import { until } from '../support/until.ts';

const keys = new ProjectKeys('p');
const udt = { protocol: 'udt', user: 'ann' } as const;
const wanted = { objects: [objectsOf('entry', ofReport('r1'))] };
const expected = Array.from({ length: 30 }, (_, group) => `${group} 7`);
const test = suite('index');

test('WS-7 a folder of an older release: read through first, then by the index, which is the same byte for byte', async () => {
  const store = new MemoryStore();
  await fill(store);
  const before = await indexOf(store);
  await loseIndex(store, before);
  const { projects, events } = openProjects(store);
  assert.equal(uuidsIn(await readSelected(projects, 'p', wanted)), expected);
  await until('it is indexed', async () => (await readIndexMark(store, keys, testLife.serverId)) === 1);
  await forget(projects);
  const entries = countEntries(store);
  assert.equal(uuidsIn(await readSelected(projects, 'p', wanted)), expected);
  assert.ok(entries.taken() < 100, 'by the index');
  const isUdt = ({ key }: Entry): boolean =>
    isIn(key, keys.udtChanges(0, 1_000)) || isIn(key, keys.unkeptPatches(1_000));
  const after = await indexOf(store);
  const withoutUdt = (index: readonly Entry[]) => index.filter((entry) => !isUdt(entry));
  assert.equal(withoutUdt(after), withoutUdt(before));
  assert.equal(events, []);
  await projects.close();
});

test('WS-23 udt of an older release is sent as a whole, what follows as patches', async () => {
  const store = new MemoryStore();
  await fill(store);
  await loseIndex(store, await indexOf(store));
  const { projects } = openProjects(store);
  await patch(projects, 2);
  await patch(projects, 3);
  const found = await readSelected(projects, 'p', { udt: nothingKnown });
  assert.equal(
    found.map((one) => one.type === 'patch' && one.patch),
    [[{ op: 'replace', path: '', value: { n: 3 } }]],
  );
  const [last] = found;
  const since = new Map([[last?.serverId ?? 0, last?.seqno ?? 0]]);
  await patch(projects, 4);
  await patch(projects, 5);
  assert.equal(
    (await readSelected(projects, 'p', { udt: since })).map((one) => one.type === 'patch' && one.patch),
    [4, 5].map((value) => [{ op: 'replace', path: '/n', value }]),
  );
  await projects.close();
});

test('WS-7 what is written while older changes are being indexed is found, and so is all after a stop', async () => {
  const store = new MemoryStore();
  await fill(store);
  await loseIndex(store, await indexOf(store));
  const first = openProjects(store);
  const write = store.write.bind(store);
  let batches = 0;
  store.write = (batch) => {
    if (batch.some(({ key }) => Buffer.compare(key, keys.indexMark) === 0) && ++batches === 2)
      void first.projects.upkeep.end(); // in the middle
    return write(batch);
  };
  await first.projects.upkeep.index('p');
  const mark = (await readIndexMark(store, keys, testLife.serverId)) ?? 0;
  assert.ok(mark > 1 && mark < 1_000, `it was stopped at ${mark}`);
  await uploadAll(first.projects, 'p', [{ kind: 'entry', uuid: 'meanwhile', report: 'r1' }]);
  assert.equal(uuidsIn(await readSelected(first.projects, 'p', wanted)), [...expected, 'meanwhile']);
  await first.projects.close();
  store.write = write;
  await store.reopen();
  const { projects } = openProjects(store);
  await projects.upkeep.index('p');
  assert.is(await readIndexMark(store, keys, testLife.serverId), 1);
  assert.equal(uuidsIn(await readSelected(projects, 'p', wanted)), [...expected, 'meanwhile']);
  await projects.close();
});

test('WS-7 in another life the index is built again before it is relied on', async () => {
  const store = new MemoryStore();
  await fill(store);
  const [lost] = (await indexOf(store)).filter(({ key }) =>
    isIn(key, keys.postings('entry', ofReport('r1'), 0, 1e9)),
  );
  assert.ok(lost);
  await store.write([{ key: lost.key, value: null }]); // as a repair does, which the log says nothing of
  const { projects } = openProjects(store, { life: { serverId: 10, epoch: 4 } });
  assert.equal(uuidsIn(await readSelected(projects, 'p', wanted)), expected);
  await projects.upkeep.index('p');
  assert.equal(await store.get(lost.key), lost.value);
  await forget(projects);
  assert.equal(uuidsIn(await readSelected(projects, 'p', wanted)), expected);
  await projects.close();
});

test('WS-7 a posting that fails its seal is told, and the log read through', async () => {
  const store = new MemoryStore();
  await fill(store);
  const postings = (await indexOf(store)).filter(({ key }) =>
    isIn(key, keys.postings('entry', ofReport('r1'), 0, 1e9)),
  );
  const broken = postings[20];
  assert.ok(broken);
  await store.write([{ key: broken.key, value: Buffer.from('not what was written') }]);
  const { projects, events } = openProjects(store);
  assert.equal(uuidsIn(await readSelected(projects, 'p', wanted)), expected);
  assert.equal(
    events.map(({ type }) => type),
    ['damage'],
  );
  await projects.close();
});

test('WS-7 indexing does not keep the bytes of all that it has read', async () => {
  const store = new MemoryStore();
  await fill(store);
  await loseIndex(store, await indexOf(store));
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  const kept: number[] = [];
  const scan = async function* (range: Range): AsyncGenerator<readonly Entry[]> {
    const copies: WeakRef<ArrayBuffer>[] = [];
    for await (const page of store.scan(range))
      for (const { key, value } of page) {
        const copy = Uint8Array.from(value);
        copies.push(new WeakRef(copy.buffer));
        yield [{ key, value: copy }];
      }
    await new Promise(setImmediate);
    collect();
    if (copies.length > 100) kept.push(copies.filter((copy) => copy.deref() !== undefined).length);
  };
  const copying: Store = Object.assign(Object.create(store) as Store, { scan });
  const stopping = new AbortController().signal;
  const onDamage = (): void => undefined;
  const options = { serverId: testLife.serverId, stopping, onDamage, holdersOfDamaged: false };
  assert.ok(await buildIndex(copying, 'p', options));
  assert.ok(kept.length > 0);
  assert.ok(Math.max(...kept) < 10, `${Math.max(...kept)} are in memory`);
});

test('REP-8 of a log that has lost something the index is not relied on: the hole is met', async () => {
  const store = new MemoryStore();
  await fill(store);
  // The last of the log is lost, and a posting with it.
  const postings = (await indexOf(store)).filter(({ key }) =>
    isIn(key, keys.postings('entry', ofReport('r1'), 0, 1e9)),
  );
  await store.write([
    { key: keys.record(200), value: null },
    { key: keys.sequence(testLife.serverId, 1 + 30 * 20), value: null },
    { key: postings[3]?.key ?? new Uint8Array(), value: null },
  ]);
  const { projects } = openProjects(store, { life: { serverId: 10, epoch: 4 } });
  const failure = await readSelected(projects, 'p', wanted).catch((error: unknown) => error);
  assert.ok(failure instanceof RejoinError && failure.code === 'damaged', String(failure));
  assert.match(failure.message, /position 200 is missing/);
  await projects.close();
});

test('WS-9 which projects hold a report or a topic; deleted ones do not count', async () => {
  const { projects } = openProjects(new MemoryStore());
  assert.equal(await projects.projectsOf(ofReportHeld('r1')), []);
  await uploadAll(projects, 'b', [{ kind: 'entry', uuid: '1', report: 'r1' }]);
  await uploadAll(projects, 'a', [{ kind: 'entry', uuid: '1', report: 'r1' }]);
  await uploadAll(projects, 'c', [{ kind: 'comment', uuid: '1', topic: 'r1' }]);
  assert.equal(await projects.projectsOf(ofReportHeld('r1')), ['a', 'b']);
  assert.equal(await projects.projectsOf(ofReportHeld('r')), []);
  assert.equal(await projects.projectsOf({ field: 'topic', value: 'r1' }), ['c']);
  await projects.use('a', (project) => project.delete());
  assert.equal(await projects.projectsOf(ofReportHeld('r1')), ['b']);
  await projects.close();
});

test('WS-9 who waits for a report is woken once, when it is durable', async () => {
  const { projects } = openProjects(new MemoryStore());
  const found: string[][] = [];
  let woken = 0;
  const match = ofReportHeld('r1');
  projects.onceKnown(match, () => {
    woken++;
    void projects.projectsOf(match).then((ids) => found.push(ids));
  });
  const stop = projects.onceKnown(match, () => (woken += 100));
  stop();
  await uploadAll(projects, 'p', [{ kind: 'entry', uuid: '0', report: 'r2' }]);
  assert.is(woken, 0);
  await uploadAll(projects, 'p', [{ kind: 'entry', uuid: '1', report: 'r1' }]);
  await uploadAll(projects, 'p', [{ kind: 'entry', uuid: '2', report: 'r1' }]);
  assert.is(woken, 1);
  await until('it was asked', () => found.length > 0);
  assert.equal(found, [['p']]);
  await projects.close();
});

test('WS-9 in a folder of an older release reports are found when it is indexed, once', async () => {
  const store = new MemoryStore();
  await fill(store);
  await loseIndex(store, await indexOf(store));
  const { projects } = openProjects(store);
  assert.equal(await projects.projectsOf(ofReportHeld('r1')), ['p']);
  const entries = countEntries(store);
  assert.equal(await projects.projectsOf(ofReportHeld('none')), []);
  assert.ok(entries.taken() < 5);
  await projects.close();
});

test('WS-9 a report that was on its way when the store failed is noted again', async () => {
  for (const outcome of ['is lost', 'is stored'] as const) {
    const store = new FaultyStore();
    const { projects } = openProjects(store);
    await uploadAll(projects, 'p', [{ kind: 'entry', uuid: '0' }]);
    store.failNext(outcome);
    const failure = await uploadAll(projects, 'p', [{ kind: 'entry', uuid: '1', report: 'r1' }]).catch(
      (error: unknown) => error,
    );
    assert.is((failure as RejoinError).code, 'outcome-unknown');
    await until('it works again', () => projects.writingProblem === null);
    await uploadAll(projects, 'p', [{ kind: 'entry', uuid: '2', report: 'r1' }]);
    assert.equal(await projects.projectsOf(ofReportHeld('r1')), ['p']);
    const uuids = uuidsIn(
      await readSelected(projects, 'p', { objects: [objectsOf('entry', ofReport('r1'))] }),
    );
    assert.equal(uuids, outcome === 'is lost' ? ['2'] : ['1', '2']);
    await projects.close();
  }
});

const ofReportHeld = (value: string) => ({ field: 'report', value }) as const;

/** A session at position 1, then 30 groups of 20 objects; one of each is an entry of the report r1. And one large group. */
async function fill(store: Store & { reopen(): Promise<void> }): Promise<void> {
  const { projects } = openProjects(store);
  await projects.use('p', (project) => project.udt.createSession({ n: 1 }, udt));
  for (let group = 0; group < 30; group++)
    await uploadAll(
      projects,
      'p',
      Array.from({ length: 20 }, (_, i): Uploaded => {
        if (i % 5 === 4) return { kind: 'comment', uuid: `${group} ${i}`, topic: `t${group % 3}` };
        return { kind: 'entry', uuid: `${group} ${i}`, report: i === 7 ? 'r1' : `r ${i % 3}` };
      }),
    );
  const large = Array.from({ length: 700 }, (_, i): Uploaded => ({ kind: 'thread', uuid: `large ${i}` }));
  await uploadAll(projects, 'p', large);
  await projects.close();
  await store.reopen();
}

const indexRanges: readonly Range[] = [
  { from: Buffer.from('h'), before: Buffer.from('i') },
  { from: prefixOf('x'), before: prefixOf('y') },
  { from: prefixOf('g'), before: prefixOf('h') },
  { from: prefixOf('t'), before: prefixOf('u') },
];

function prefixOf(section: string): Buffer {
  return Buffer.concat([keys.all().from, Buffer.from(section)]);
}

function isIn(key: Uint8Array, { from, before }: Range): boolean {
  return Buffer.compare(key, from) >= 0 && Buffer.compare(key, before) < 0;
}

async function indexOf(store: Store): Promise<Entry[]> {
  const index: Entry[] = [];
  for (const range of indexRanges) for await (const page of store.scan(range)) index.push(...page);
  return index;
}

/** Makes the folder what an older release would have left. */
async function loseIndex(store: Store, index: readonly Entry[]): Promise<void> {
  const gone = [...index.map(({ key }) => key), keys.indexMark, holdersMarkKey];
  await store.write(gone.map((key) => ({ key, value: null })));
}

async function patch(projects: Projects, value: number): Promise<void> {
  await projects.use('p', (project) => project.udt.patch([{ op: 'replace', path: '/n', value }], udt));
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
