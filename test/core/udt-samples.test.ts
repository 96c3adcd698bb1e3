// UDT-16: the version of a sample counts its changes, over restarts too, and goes with it; `hasAnnotation` is true from the start.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Project } from '../../src/core/project.ts';
import type { SampleSummary } from '../../src/core/summary-patch.ts';
import type { Json } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { keysIn } from '../support/keys-in.ts';
import { openProjects, type MemoryProjects } from '../support/memory-projects.ts';
import { plainHash } from '../support/udt-client.ts';

const ann = { protocol: 'udt', user: 'ann' } as const;
const keys = new ProjectKeys('s');

interface Context extends MemoryProjects {
  store: MemoryStore;
}

const test = suite<Context>('UDT-16 udt-samples');

test.before.each((context) => {
  context.store = new MemoryStore();
  Object.assign(context, openProjects(context.store));
});
test.after.each(({ projects }) => projects.close());

function create({ projects }: Context, samples: Json): Promise<unknown> {
  return projects.use('s', (project) => project.udt.createSession({ samples }, ann));
}

async function patch({ projects, clock }: Context, ...operations: Operation[]): Promise<void> {
  clock.nowMs += 10_000; // no race (UDT-8)
  await projects.use('s', (project) => project.udt.patch(operations, ann, { dialect: 'v2' }));
}

function editByYjs(
  { projects }: Context,
  edit: (samples: Y.Array<unknown>, doc: Y.Doc) => void,
): Promise<void> {
  return projects.use('s', async (project) => {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, await project.encode((from) => Y.encodeStateAsUpdate(from)));
    const before = Y.encodeStateVector(doc);
    edit(doc.getMap('udt').get('samples') as Y.Array<unknown>, doc);
    const outcome = await project.applyUpdate(Y.encodeStateAsUpdate(doc, before), {
      protocol: 'yjs',
      user: 'bob',
    });
    if (outcome.type === 'accepted') await outcome.durable;
  });
}

/** With the hash that goes with it held to the plain one. */
async function summaryOf({ projects }: Context): Promise<SampleSummary[]> {
  const { view, summaryHash } = await projects.use('s', (project: Project) => project.udt.readSummary());
  assert.is(summaryHash, plainHash(view));
  return (view['summary'] as unknown as { samples: SampleSummary[] }).samples;
}

const versions = async (context: Context): Promise<number[]> =>
  (await summaryOf(context)).map(({ version }) => version);

const countsKept = ({ store }: Context): Promise<string[]> => keysIn(store, keys.allSampleChanges());

async function restart(context: Context): Promise<void> {
  await context.projects.close();
  await context.store.reopen();
  Object.assign(context, openProjects(context.store));
}

const label = (part: string | number, value: Json): Operation => ({
  op: 'add',
  path: `/samples/${part}/annotation`,
  value,
});
const annotations = [undefined, null, 'x', '', 0, false, {}, []];

test('hasAnnotation is true of any but null, from the start', async (context) => {
  const samples = annotations.map((annotation) => (annotation === undefined ? {} : { annotation }));
  await create(context, [...samples, 'annotation', ['annotation'], null]);
  const expected = [false, false, true, true, true, true, true, true, false, false, false];
  const told = async (): Promise<boolean[]> =>
    (await summaryOf(context)).map(({ hasAnnotation }) => hasAnnotation);
  assert.equal(await told(), expected);
  await restart(context);
  assert.equal(await told(), expected);
  await patch(context, label(0, 'x'), label(2, null), { op: 'remove', path: '/samples/3/annotation' });
  assert.equal(await told(), [true, false, false, false, ...expected.slice(4)]);
});

test('a version counts one for each change of the project that touches the sample, wherever in it', async (context) => {
  await create(context, [{ a: { b: [1] } }, {}, {}]);
  assert.equal(await versions(context), [0, 0, 0]);
  assert.equal(await countsKept(context), []);
  await patch(context, label(0, 'x'));
  await patch(context, label(0, 'y'), label(0, 'z'), label(2, 'x'));
  assert.equal(await versions(context), [2, 0, 1]);
  await patch(context, { op: 'add', path: '/samples/0/a/b/0', value: 0 });
  await patch(context, label(0, 'z')); // as it is
  await patch(context, { op: 'add', path: '/name', value: 'n' });
  await patch(context);
  await patch(context, { op: 'replace', path: '/samples/1', value: { c: 1 } });
  assert.equal(await versions(context), [3, 1, 1]);
  await editByYjs(context, (samples) => (samples.get(2) as Y.Map<unknown>).set('d', 1));
  await editByYjs(context, (_, doc) => doc.getMap('notes').set('e', 1));
  await editByYjs(context, (samples) => (samples.get(2) as Y.Map<unknown>).set('d', 1)); // as it is
  assert.equal(await versions(context), [3, 1, 2]);
});

test('it survives that the document is closed, and restarts, and counts on', async (context) => {
  await create(context, [{}, {}, {}]);
  for (const value of ['a', 'b', 'c']) await patch(context, label(1, value));
  await patch(context, label(2, 'a'));
  const before = await summaryOf(context);
  assert.equal(await versions(context), [0, 3, 1]);
  await context.projects.use('s', (project) => project.closeDocument(() => false));
  assert.equal(await summaryOf(context), before);
  await restart(context);
  assert.equal(await summaryOf(context), before);
  await patch(context, label(1, 'd'));
  await restart(context);
  assert.equal(await versions(context), [0, 4, 1]);
  assert.equal(context.events, []);
});

test('it stays with its sample while others come and go, and goes with it', async (context) => {
  await create(context, [{ n: 0 }, { n: 1 }, { n: 2 }]);
  await patch(context, label(0, 'x'), label(1, 'x'));
  await patch(context, label(1, 'y'));
  await patch(context, { op: 'add', path: '/samples/0', value: { n: 3 } });
  assert.equal(await versions(context), [0, 1, 2, 0]);
  const ids = (await summaryOf(context)).map(({ _id }) => _id);
  await patch(context, { op: 'remove', path: '/samples/3' });
  assert.is((await countsKept(context)).length, 2);
  await patch(context, { op: 'remove', path: `/samples/${ids[1]}` });
  assert.equal(await versions(context), [0, 2]);
  assert.equal(
    (await countsKept(context)).map((key) => key.slice(key.indexOf('w') + 1)),
    [ids[2]],
  );
  await editByYjs(context, (samples) => samples.delete(0, samples.length));
  assert.equal(await versions(context), []);
  assert.equal(await countsKept(context), []);
  await patch(context, { op: 'add', path: '/samples/-', value: {} });
  await restart(context);
  assert.equal(await versions(context), [0], 'a new one begins at 0');
});

test('another list has other samples', async (context) => {
  await create(context, [{ a: 1 }, { a: 2 }]);
  await patch(context, label(0, 'x'));
  await editByYjs(context, (_, doc) => {
    doc.getMap('udt').set('samples', Y.Array.from([new Y.Map([['a', 5]])]));
  });
  assert.equal(await versions(context), [0]);
  assert.equal(await countsKept(context), []);
  await patch(context, { op: 'remove', path: '/samples' });
  assert.equal(await summaryOf(context), []);
});

test('a count that is damaged is told, and begins anew', async (context) => {
  await create(context, [{}, {}]);
  await patch(context, label(0, 'x'), label(1, 'x'));
  const [first] = await summaryOf(context);
  await context.projects.close();
  await context.store.reopen();
  await context.store.write([
    { key: keys.sampleChanges(first?._id ?? ''), value: Buffer.from('not a count') },
  ]);
  Object.assign(context, openProjects(context.store));
  assert.equal(await versions(context), [0, 1]);
  assert.is(context.events[0]?.type, 'damage');
});

test('UDT-14 a sample is read by its index or id, with its id', async (context) => {
  await create(context, [{ n: 0, _id: 'own' }, { n: 1 }, 'plain', { n: 3, _id: '5' }]);
  const ids = (await summaryOf(context)).map(({ _id }) => _id);
  const read = (part: string) => context.projects.use('s', (project) => project.udt.readSample(part));
  assert.equal(await read('own'), { n: 0, _id: 'own' });
  assert.equal(await read('0'), { n: 0, _id: 'own' });
  for (const part of ['1', ids[1] ?? '']) assert.equal(await read(part), { _id: ids[1], n: 1 });
  for (const part of ['2', ids[2] ?? '']) assert.is(await read(part), 'plain');
  assert.equal(await read('3'), { n: 3, _id: ids[3] });
  for (const part of ['4', '5', 'none', '-1', '', 's1-1', '99999999999999999999'])
    assert.is(await read(part), undefined, part);
});

test.run();
