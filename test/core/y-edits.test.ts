// Edits planned on the JSON view do to the shared types what they do to the view.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { applyEdits, type Edit, type Path } from '../../src/core/edits.ts';
import { applyEditsToY, toYValue } from '../../src/core/y-edits.ts';
import { JsonView } from '../../src/core/y-view.ts';
import { RejoinError } from '../../src/errors.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';
import { randomHistory } from '../support/random-edits.ts';
import { oddVocabulary, randomJson } from '../support/random-json.ts';
import { testSeed } from '../support/seed.ts';

const edits = suite('y-edits');

edits('objects become Y.Map, arrays Y.Array, anything else stays as it is', () => {
  const { root, apply, value } = edited();
  const set = { a: [{ b: null }], n: -1.5, text: '', empty: {}, none: [] };
  apply({ type: 'set', path: [], key: 'k', value: set });
  assert.equal(value(), { k: set });
  const map = root.get('k') as Y.Map<unknown>;
  assert.instance(map, Y.Map);
  assert.instance(map.get('empty'), Y.Map);
  assert.instance(map.get('none'), Y.Array);
  assert.instance((map.get('a') as Y.Array<unknown>).get(0), Y.Map);
});

edits('members are set and removed, arrays spliced, each edit on what the last one left', () => {
  const { apply, value } = edited();
  apply(
    { type: 'set', path: [], key: 'samples', value: [] },
    { type: 'splice', path: ['samples'], index: 0, remove: 0, insert: [{ i: 0 }, { i: 1 }, { i: 2 }] },
    { type: 'splice', path: ['samples'], index: 1, remove: 1, insert: ['x', 'y'] },
    { type: 'set', path: ['samples', 3], key: 'label', value: 'l' },
    { type: 'unset', path: ['samples', 0], key: 'i' },
    { type: 'set', path: [], key: 'gone', value: 1 },
    { type: 'unset', path: [], key: 'gone' },
  );
  assert.equal(value(), { samples: [{}, 'x', 'y', { i: 2, label: 'l' }] });
});

edits('an array of any length is built, and a splice is one insertion', () => {
  const { root, apply, value } = edited();
  const long = Array.from({ length: 150_000 }, (_, i) => i);
  apply({ type: 'set', path: [], key: 'long', value: long });
  assert.equal(value()['long'], long);
  const array = root.get('long') as Y.Array<unknown>;
  let insertions = 0;
  const insert = array.insert.bind(array);
  array.insert = (index, elements) => {
    insertions++;
    insert(index, elements);
  };
  const samples = Array.from({ length: 50_000 }, (_, i) => ({ i }));
  apply({ type: 'splice', path: ['long'], index: 5, remove: 149_990, insert: samples });
  assert.is(insertions, 1);
  assert.equal(value()['long'], [0, 1, 2, 3, 4, ...samples, 149_995, 149_996, 149_997, 149_998, 149_999]);
});

edits('UDT-22 a plain value that a path enters becomes shared types that read the same', () => {
  const { root, apply, value } = edited();
  root.set('plain', { list: [{ k: NaN }, undefined, 12n], other: { deep: [1] } });
  root.set('samples', toYValue(['a', 'b']));
  (root.get('samples') as Y.Array<unknown>).insert(1, [{ p: 1 }, [2]]);
  apply(
    { type: 'set', path: ['plain', 'list', 0], key: 'set', value: true },
    { type: 'set', path: ['samples', 1], key: 'q', value: [] },
    { type: 'splice', path: ['samples', 2], index: 1, remove: 0, insert: [3] },
  );
  assert.equal(value(), {
    plain: { list: [{ k: null, set: true }, null, '12'], other: { deep: [1] } },
    samples: ['a', { p: 1, q: [] }, [2, 3], 'b'],
  });
  const plain = root.get('plain') as Y.Map<unknown>;
  assert.instance(plain.get('other'), Y.Map);
  assert.instance((root.get('samples') as Y.Array<unknown>).get(2), Y.Array);
});

edits('UDT-22 a plain value of any depth can be entered, as far down as the view shows it', () => {
  const { root, apply, value } = edited();
  let nested: unknown = { k: 1 };
  for (let i = 0; i < 5000; i++) nested = [nested];
  root.set('deep', nested);
  const path = ['deep', ...Array.from({ length: 400 }, () => 0)];
  const before = value();
  const edit: Edit = { type: 'splice', path, index: 0, remove: 0, insert: ['here'] };
  apply(edit);
  assert.equal(value(), applyEdits(before, [edit]));
});

edits('an edit that does not fit the document is an internal error', () => {
  const { root, apply } = edited();
  root.set('array', toYValue([1]));
  root.set('text', new Y.Text('t'));
  const misfits: Edit[] = [
    { type: 'set', path: ['array'], key: 'k', value: 1 },
    { type: 'set', path: ['array', 0], key: 'k', value: 1 },
    { type: 'set', path: ['array', 7], key: 'k', value: 1 },
    { type: 'set', path: ['text'], key: 'k', value: 1 },
    { type: 'set', path: [0], key: 'k', value: 1 },
    { type: 'unset', path: [], key: 'absent' },
    { type: 'splice', path: [], index: 0, remove: 0, insert: [] },
    { type: 'splice', path: ['array'], index: 1, remove: 1, insert: [] },
    { type: 'splice', path: ['array'], index: 2, remove: 0, insert: [1] },
  ];
  for (const misfit of misfits) {
    assert.throws(
      () => apply(misfit),
      (thrown: unknown) => thrown instanceof RejoinError && thrown.code === 'internal',
    );
  }
});

edits('random edits of random documents do what they do to the view, here and at others', () => {
  const random = prng.create(testSeed('edits of shared types'));
  for (let round = 0; round < 60; round++) {
    const { docs } = randomHistory(random, 25);
    const { doc, root, view, apply, value } = edited();
    const other = new Y.Doc();
    const otherRoot = other.getMap<unknown>('udt');
    doc.on('update', (update: Uint8Array) => Y.applyUpdate(other, update));
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(prng.oneOf(random, docs)));
    for (let i = 0; i < 10; i++) {
      const planned: Edit[] = [];
      let expected = value();
      for (let j = prng.int32(random, 1, 5); j > 0; j--) {
        const edit = randomEdit(random, expected);
        planned.push(edit);
        expected = applyEdits(expected, [edit]);
      }
      apply(...planned);
      assert.equal(value(), expected);
      assert.equal(JsonView.of(root).read(), expected);
      assert.equal(JsonView.of(otherRoot).read(), expected);
      for (const array of arraysIn(root))
        assert.equal(
          array.toArray().map((_, index) => view.elementAt(array, index)),
          array.toArray(),
        );
    }
  }
});

interface Edited {
  readonly doc: Y.Doc;
  readonly root: Y.Map<unknown>;
  readonly view: JsonView;
  readonly apply: (...some: Edit[]) => void;
  readonly value: () => JsonObject;
}

function edited(): Edited {
  const doc = new Y.Doc();
  const root = doc.getMap<unknown>('udt');
  const view = JsonView.of(root);
  doc.on('afterTransaction', (transaction: Y.Transaction) => view.refresh(transaction));
  const apply = (...some: Edit[]) => {
    doc.transact(() => {
      applyEditsToY(root, some, view);
    });
  };
  return { doc, root, view, apply, value: () => view.read() };
}

function randomEdit(random: prng.PRNG, view: JsonObject): Edit {
  const { path, container } = prng.oneOf(random, containersIn(view));
  const value = () => randomJson(random, oddVocabulary, 3);
  if (isJsonArray(container)) {
    const index = prng.int32(random, 0, container.length);
    const remove = prng.int32(random, 0, container.length - index);
    const insert = Array.from({ length: prng.int32(random, 0, 3) }, value);
    return { type: 'splice', path, index, remove, insert };
  }
  const keys = Object.keys(container);
  if (keys.length > 0 && prng.int32(random, 0, 3) === 0)
    return { type: 'unset', path, key: prng.oneOf(random, keys) };
  return { type: 'set', path, key: prng.oneOf(random, [...keys, 'new', '0', '']), value: value() };
}

interface Found {
  readonly path: Path;
  readonly container: JsonObject | readonly Json[];
}

function containersIn(view: JsonObject): Found[] {
  const found: Found[] = [{ path: [], container: view }];
  for (const { path, container } of found) {
    const members: [string | number, Json][] = isJsonArray(container)
      ? [...container.entries()]
      : Object.entries(container);
    for (const [key, member] of members)
      if (isJsonArray(member) || isJsonObject(member))
        found.push({ path: [...path, key], container: member });
  }
  return found;
}

function arraysIn(root: Y.Map<unknown>): Y.Array<unknown>[] {
  const found: unknown[] = [root];
  for (const type of found) {
    if (type instanceof Y.XmlHook) continue;
    if (type instanceof Y.Map) for (const [key, value] of type) if (key !== '__proto__') found.push(value);
    if (type instanceof Y.Array) found.push(...(type.toArray() as unknown[]));
  }
  return found.filter((type): type is Y.Array<unknown> => type instanceof Y.Array);
}

edits.run();
