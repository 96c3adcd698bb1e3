// UDT-15: which `_id` a sample has, and that it keeps it whatever becomes of the others.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Project } from '../../src/core/project.ts';
import { derivedId, isDerivedId, ownIdOf, parseDerivedId } from '../../src/core/sample-ids.ts';
import { isJsonArray, isJsonObject, type Json } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { openProjects } from '../support/memory-projects.ts';
import { seededPrng } from '../support/seed.ts';

const ann = { protocol: 'udt', user: 'ann' } as const;
const test = suite('UDT-15 sample-ids');

test('a derived id says its item', () => {
  for (const item of [
    { client: 0, clock: 0 },
    { client: 4_294_967_295, clock: 17 },
  ]) {
    assert.equal(parseDerivedId(derivedId(item)), item);
    assert.ok(isDerivedId(derivedId(item)));
  }
  for (const id of [
    '',
    's',
    's1',
    's1-',
    's-1',
    'x1-2',
    's1-2 ',
    's1-2-3-4',
    'S1-2',
    '1-2',
    's1.0-2',
    `s${'9'.repeat(17)}-1`,
  ]) {
    assert.is(parseDerivedId(id), undefined, id);
    assert.not.ok(isDerivedId(id));
  }
  assert.ok(isDerivedId('s1-2-3'), 'of an element of a plain array');
  assert.is(parseDerivedId('s1-2-3'), undefined, 'which is no item of its own');
  for (const other of [undefined, null, 1, {}]) assert.not.ok(isDerivedId(other));
});

test('the file’s own, where it can stand in a path', () => {
  for (const id of ['a', 'x1', '-1', '1a', '0x1', 'a.b', '...', 'é', '漢', 's1', 's1-x', 'constructor'])
    assert.is(ownIdOf({ _id: id }), id, id);
});

test('none that a path or URL would read as something else', () => {
  const unusable = [
    '',
    '0',
    '12',
    '-',
    '.',
    '..',
    'a/b',
    'a~b',
    'a?b',
    'a#b',
    'a%b',
    'a\\b',
    'a b',
    '\t',
    '\u0000',
    '\u0085',
  ];
  for (const id of [...unusable, '__proto__', 's12-34', 7, null, true, {}, ['a']])
    assert.is(ownIdOf({ _id: id }), undefined, JSON.stringify(id));
  for (const sample of [undefined, null, 'a', 1, ['_id'], {}]) assert.is(ownIdOf(sample), undefined);
});

async function idsOf(project: Project): Promise<string[]> {
  const { view } = await project.udt.readSummary();
  const { summary } = view;
  const list = isJsonObject(summary) ? summary['samples'] : undefined;
  return isJsonArray(list) ? list.map(idIn) : [];
}

function idIn(entry: Json): string {
  const id = isJsonObject(entry) ? entry['_id'] : undefined;
  assert.type(id, 'string');
  return typeof id === 'string' ? id : '';
}

test('of duplicates the first has it; when it goes, the next', async () => {
  const { projects } = openProjects(new MemoryStore());
  await projects.use('s', async (project) => {
    const samples = [
      { _id: 'a', n: 0 },
      { _id: 'b', n: 1 },
      { _id: 'a', n: 2 },
      { _id: 'a', n: 3 },
      { _id: '7', n: 4 },
    ];
    await project.udt.createSession({ samples }, ann);
    const before = await idsOf(project);
    assert.equal(before.slice(0, 2), ['a', 'b']);
    assert.ok(before.slice(2).every((id) => isDerivedId(id)));
    assert.is(new Set(before).size, 5);
    const remove = (path: string) => project.udt.patch([{ op: 'remove', path }], ann, { dialect: 'v2' });
    await remove('/samples/a');
    assert.equal(await idsOf(project), ['b', 'a', before[3], before[4]]);
    assert.equal(await project.udt.readSample('a'), { _id: 'a', n: 2 });
    await project.udt.patch([{ op: 'replace', path: '/samples/1/_id', value: 'c' }], ann);
    assert.equal(await idsOf(project), ['b', 'c', 'a', before[4]]);
    await project.udt.patch([{ op: 'remove', path: '/samples/1/_id' }], ann);
    assert.equal(await idsOf(project), ['b', before[2], 'a', before[4]]);
    assert.equal((await project.udt.read()).view['samples'], [
      { _id: 'b', n: 1 },
      { n: 2 },
      { _id: 'a', n: 3 },
      { _id: '7', n: 4 },
    ]);
  });
  await projects.close();
});

test('plain values have ids, too, which stay theirs', async () => {
  const { projects } = openProjects(new MemoryStore());
  await projects.use('s', async (project) => {
    await project.udt.createSession({ samples: ['a', 'b', null, ['c'], 5] }, ann);
    const [a, b, , c, five] = await idsOf(project);
    await project.udt.patch([{ op: 'remove', path: '/samples/0' }], ann);
    await project.udt.patch([{ op: 'add', path: '/samples/1', value: 'new' }], ann);
    const ids = await idsOf(project);
    assert.equal([ids[0], ids[3], ids[4]], [b, c, five]);
    assert.not.ok(ids.includes(a ?? ''));
    assert.is(new Set(ids).size, 5);
    await project.udt.patch([{ op: 'remove', path: `/samples/${five}` }], ann, { dialect: 'v2' });
    assert.equal((await project.udt.read()).view['samples'], ['b', 'new', null, ['c']]);
  });
  await projects.close();
});

test('stable over insertions, removals, labels and restarts; none is given again', async () => {
  const random = seededPrng('sample-ids');
  const store = new MemoryStore();
  let { projects, clock } = openProjects(store);
  const fresh = (n: number): Json => (n % 3 === 0 ? { _id: `own${n}`, n } : { n });
  let count = 12;
  await projects.use('s', ({ udt }) =>
    udt.createSession({ samples: Array.from({ length: count }, (_, n) => fresh(n)) }, ann),
  );
  /** n of a sample → its `_id`. */
  const known = new Map<number, string>();
  let gone = new Set<string>();
  for (let step = 0; step < 60; step++) {
    if (step % 20 === 19) {
      await projects.close();
      await store.reopen();
      ({ projects, clock } = openProjects(store));
    }
    clock.nowMs += 10_000;
    await projects.use('s', async (project) => {
      const { view } = await project.udt.read();
      const samples = view['samples'];
      const length = isJsonArray(samples) ? samples.length : 0;
      const index = prng.int32(random, 0, length - 1);
      const operations: Operation[] = [
        { op: 'add', path: `/samples/${prng.int32(random, 0, length)}`, value: fresh(count++) },
      ];
      if (length > 6) operations.push({ op: 'remove', path: `/samples/${prng.int32(random, 0, length)}` });
      if (prng.bool(random))
        operations.unshift({ op: 'add', path: `/samples/${index}/annotation`, value: step });
      await project.udt.patch(operations, ann);
      const ids = await idsOf(project);
      const now = (await project.udt.read()).view['samples'];
      const present = new Set<number>();
      for (const [at, sample] of (isJsonArray(now) ? now : []).entries()) {
        const n = Number(isJsonObject(sample) ? sample['n'] : -1);
        const id = ids[at] ?? '';
        present.add(n);
        assert.is(known.get(n) ?? id, id, `sample ${n} after step ${step}`);
        assert.is(id.startsWith('own'), n % 3 === 0);
        assert.not.ok(gone.has(id), `${id} is of a sample that is gone`);
        known.set(n, id);
        assert.equal(await project.udt.readSample(id), { ...(isJsonObject(sample) && sample), _id: id });
      }
      assert.is(new Set(ids).size, ids.length);
      gone = new Set([...known].filter(([n]) => !present.has(n)).map(([, id]) => id));
      for (const id of gone) assert.is(await project.udt.readSample(id), undefined);
    });
  }
  await projects.close();
});

test.run();
