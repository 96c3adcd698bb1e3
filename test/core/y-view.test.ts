// The view reads anything that a Yjs client can store, and follows transactions without losing identity or a change.

import * as encoding from 'lib0/encoding';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Path } from '../../src/core/edits.ts';
import { checkUpdate } from '../../src/core/update-check.ts';
import type { Oddity } from '../../src/core/y-value.ts';
import { valueIn } from '../../src/core/json-pointer.ts';
import { JsonView, type ViewChange } from '../../src/core/y-view.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';
import { randomHistory } from '../support/random-edits.ts';
import { testSeed } from '../support/seed.ts';

const reading = suite('y-view reading');

reading('containers read as objects and arrays, text and XML as their string', () => {
  const { root, value } = viewed();
  root.set('map', new Y.Map([['k', yArray(['a', { b: [1] }])]]));
  root.set('text', formatted('bold text'));
  root.set('xml', element('P', [new Y.XmlText('x')]));
  assert.equal(value(), {
    map: { k: ['a', { b: [1] }] },
    text: 'bold text',
    xml: '<p lang="en">x</p>',
  });
});

reading('UDT-22 what JSON lacks reads as null, as text or as absent', () => {
  const { root, value } = viewed();
  const odd = [NaN, Infinity, -Infinity, new Uint8Array([1]), new Date(0), 12n];
  for (const [i, oddity] of odd.entries()) root.set(`m${i}`, oddity);
  root.set('absent', undefined);
  root.set('plain', [...odd, undefined, { kept: 1, absent: undefined }]);
  root.set('elements', yArray([...odd.slice(0, 4), [undefined], 'last']));
  root.set('doc', new Y.Doc());
  root.set('hook', new Y.XmlHook('hook'));
  assert.equal(value(), {
    m0: null,
    m1: null,
    m2: null,
    m3: null,
    m4: null,
    m5: '12',
    plain: [null, null, null, null, null, '12', null, { kept: 1 }],
    elements: [null, null, null, null, [null], 'last'],
    doc: null,
    hook: null,
  });
});

reading('UDT-22 an undefined element reads as null and keeps its place', () => {
  const { doc, value } = viewed();
  // Yjs refuses to insert undefined; other clients' updates can hold it.
  Y.applyUpdate(doc, itemIn('udt', 'list', 7, Uint8Array.of(0)));
  Y.applyUpdate(doc, elements(1, 8, Uint8Array.of(3, 127, 125, 1, 127)));
  assert.equal(value(), { list: [null, 1, null] });
});

reading('UDT-22 a key __proto__ is absent and counted, wherever it is', () => {
  const { doc, root, oddities, value } = viewed();
  root.set('__proto__', { polluted: true });
  root.set('json', [JSON.parse('{"__proto__": {"polluted": true}, "k": 1}')]);
  const encoded = encoding.encode((encoder) => {
    for (const number of [1, 118, 1]) encoding.writeVarUint(encoder, number);
    encoding.writeVarString(encoder, '__proto__');
    encoding.writeAny(encoder, { polluted: true });
  });
  Y.applyUpdate(doc, itemIn('udt', 'any', 8, encoded));
  assert.equal(value(), { json: [{ k: 1 }], any: {} });
  assert.is(Reflect.get(isObject(value()['any']), 'polluted'), undefined);
  assert.ok(oddities.every((oddity) => oddity === 'proto-key'));
  assert.ok(new Set(oddities).size === 1 && oddities.length >= 3);
});

reading('UDT-22 a lone surrogate in old JSON content reads as the replacement character', () => {
  const { doc, value } = viewed();
  const text = JSON.stringify({ 'k\ud800': '\udc00' });
  const encoded = encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, 1);
    encoding.writeVarString(encoder, text);
  });
  Y.applyUpdate(doc, itemIn('udt', 'json', 2, encoded));
  assert.equal(value(), { json: { 'k\ufffd': '\ufffd' } });
});

reading('UDT-22 what is nested deeper than 500 levels reads as null and is counted', () => {
  const { root, oddities, value } = viewed();
  root.set('plain', nested(498, [[]]));
  root.set('types', nestedTypes(499));
  const outermost = root.get('types') as Y.Map<unknown>;
  innermostOf(outermost).set('too deep', new Y.Map([['k', 1]]));
  innermostOf(outermost).set('text', new Y.Text('a text is no level'));
  const read = value();
  assert.equal(oddities.slice(-2), ['too-deep', 'too-deep']);
  assert.is(depthOf(read['plain'] ?? null), 499);
  assert.equal(innermostValue(read['types'] ?? null), { 'too deep': null, text: 'a text is no level' });
});

reading('UDT-22 values of any depth are read without an exception', () => {
  const { doc, root, value } = viewed();
  root.set('plain', nested(100_000, 1));
  doc.transact(() => {
    let xml = root.set('xml', new Y.XmlElement('x'));
    let map = root.set('types', new Y.Map<unknown>());
    for (let i = 0; i < 3000; i++) {
      const child = new Y.XmlElement('x');
      xml.insert(0, [child]);
      xml = child;
      const inner = new Y.Map<unknown>();
      map.set('k', inner);
      map = inner;
    }
  });
  assert.is(value()['xml'], null);
  assert.is(depthOf(value()['plain'] ?? null), 499);
});

reading('UDT-22 XML that Yjs cannot print reads as null and is counted', () => {
  const { root, oddities, value } = viewed();
  const xml = root.set('xml', new Y.XmlElement('p'));
  xml.setAttribute('odd', { toString: 1 } as unknown as string); // as another client's update can
  assert.equal(value(), { xml: null });
  assert.equal(oddities, ['unreadable-xml']);
});

reading('UDT-22 nothing in random documents, damaged or not, makes the view throw', () => {
  const random = prng.create(testSeed('view of damaged documents'));
  for (let round = 0; round < 30; round++) {
    const { docs, updates } = randomHistory(random, 25);
    const doc = new Y.Doc();
    doc.getMap('udt');
    Y.applyUpdate(doc, Y.encodeStateAsUpdate(prng.oneOf(random, docs)));
    for (let i = 0; i < 50; i++) {
      const update = Uint8Array.from(prng.oneOf(random, updates));
      update[prng.int32(random, 0, update.length - 1)] = prng.int32(random, 0, 255);
      try {
        if (checkUpdate(doc, update).type === 'fits') Y.applyUpdate(doc, update);
      } catch {
        continue; // undecodable
      }
    }
    isPlainJson(JsonView.of(doc.getMap('udt')).read());
  }
});

const following = suite('y-view following');

following('what a transaction did not change stays the same value', () => {
  const { doc, root, value, last } = viewed();
  root.set('plain', { a: [1] });
  root.set('samples', yArray([new Y.Map([['k', 1]]), new Y.Map([['k', 2]]), { p: 1 }]));
  root.set('other', new Y.Map([['o', new Y.Map()]]));
  const before = value();
  doc.transact(() => (root.get('samples') as Y.Array<Y.Map<unknown>>).get(1).set('k', 3));
  const after = value();
  assert.equal(last()?.dirty, [['samples', 1]]);
  assert.equal(last()?.places[0]?.before, { k: 2 });
  assert.equal(last()?.places[0]?.after, { k: 3 });
  assert.equal(before['samples'], [{ k: 1 }, { k: 2 }, { p: 1 }]);
  assert.equal(after['samples'], [{ k: 1 }, { k: 3 }, { p: 1 }]);
  for (const key of ['plain', 'other']) assert.is(after[key], before[key]);
  for (const i of [0, 2]) assert.is(isArray(after['samples'])[i], isArray(before['samples'])[i]);
});

following('plain values stay the same when their own container changes around them', () => {
  const { root, value } = viewed();
  const list = root.set('list', yArray([{ a: 1 }, { b: NaN }]));
  const before = isArray(value()['list']);
  list.insert(1, ['new']);
  const after = isArray(value()['list']);
  assert.equal(after, [{ a: 1 }, 'new', { b: null }]);
  assert.is(after[0], before[0]);
  assert.is(after[2], before[1]);
});

following('two topmost containers are dirty when a region moves and a label is renamed', () => {
  const { doc, root, last } = viewed();
  const region = new Y.Map([['x', 1]]);
  const samples = yArray(
    [0, 1, 2, 3].map((i) => new Y.Map([['annotation', i === 3 ? region : null]] as [string, unknown][])),
  );
  const labels = yArray(['a', 'b']);
  root.set('samples', samples);
  root.set('interface', new Y.Map([['labels', labels]]));
  doc.transact(() => {
    region.set('x', 2);
    labels.delete(0);
    labels.insert(0, ['c']);
  });
  assert.equal(sorted(last()?.dirty), [
    ['interface', 'labels'],
    ['samples', 3, 'annotation'],
  ]);
});

following('paths hold after the transaction, and lead to the topmost of nested changes', () => {
  const { doc, root, last } = viewed();
  const [inner, text] = [new Y.Map<unknown>(), new Y.Text('t')];
  const list = yArray(['a', 'b', new Y.Map([['inner', inner]]), text]);
  root.set('outer', new Y.Map([['list', list]]));
  doc.transact(() => {
    list.delete(0);
    inner.set('k', 1);
  });
  assert.equal(last()?.dirty, [['outer', 'list']]);
  doc.transact(() => {
    inner.set('k', 2);
    text.insert(0, 'x');
  });
  assert.equal(sorted(last()?.dirty), [
    ['outer', 'list', 1, 'inner'],
    ['outer', 'list', 2],
  ]);
});

following('a change anywhere in an XML tree is one of the tree', () => {
  const { root, value, last } = viewed();
  const [text, child] = [new Y.XmlText('x'), new Y.XmlElement('b')];
  root.set('list', yArray(['a', element('p', [child])]));
  child.insert(0, [text]);
  text.insert(1, 'y');
  assert.equal(last()?.dirty, [['list', 1]]);
  assert.equal(value(), { list: ['a', '<p lang="en"><b>xy</b></p>'] });
});

following('what has no place in the view is no change of it', () => {
  const { doc, root, last } = viewed();
  const hidden = root.set('__proto__', new Y.Map<unknown>());
  const deleted = root.set('deleted', new Y.Map<unknown>());
  const seen = last();
  hidden.set('k', 1);
  doc.getMap('other').set('k', 1);
  assert.is(last(), seen);
  doc.transact(() => {
    deleted.set('k', 1);
    root.delete('deleted');
  });
  assert.equal(last()?.dirty, [[]]);
});

following(
  'an array without a place is none either in a document that was read in parts (seed 541105503)',
  async () => {
    const root = new Y.Doc().getMap<unknown>('udt');
    const hidden = root.set('__proto__', yArray([1]));
    const view = await JsonView.load(
      root,
      () => undefined,
      () => Promise.resolve(),
    );
    const changes: (ViewChange | null)[] = [];
    root.doc?.on('afterTransaction', (transaction: Y.Transaction) => changes.push(view.refresh(transaction)));
    hidden.push([2]);
    assert.equal(changes, [null]);
  },
);

following('elements of arrays are found without Yjs, as of the last transaction', () => {
  const { root, view } = viewed();
  const list = root.set('list', yArray(['a', 'b', new Y.Map()]));
  list.delete(0);
  assert.is(view.elementAt(list, 0), 'b');
  assert.is(view.elementAt(list, 1), list.get(1));
  assert.is(view.elementAt(list, 2), undefined);
});

following(
  'a view that followed random transactions equals a fresh one, and differs at the dirty paths only',
  () => {
    const random = prng.create(testSeed('following view'));
    for (let round = 0; round < 60; round++) {
      const { updates } = randomHistory(random, 40);
      const { doc, root, value, last } = viewed();
      for (const update of updates) {
        const [before, seen] = [value(), last()];
        if (checkUpdate(doc, update).type === 'fits') Y.applyUpdate(doc, update);
        assert.equal(value(), JsonView.of(root).read());
        const change = last();
        if (change === seen) assert.equal(value(), before);
        else if (change) assertChangesAreDirty(change);
      }
    }
  },
);

following('one label among 100,000 samples is followed without reading them', () => {
  const doc = new Y.Doc();
  const root = doc.getMap<unknown>('udt');
  const samples = root.set('samples', new Y.Array<unknown>());
  samples.insert(
    0,
    Array.from({ length: 100_000 }, (_, i) => new Y.Map<unknown>([['document', `text ${i}`]])),
  );
  const view = JsonView.of(root);
  let spentMs = 0;
  doc.on('afterTransaction', (transaction: Y.Transaction) => {
    const start = performance.now();
    assert.equal(view.refresh(transaction)?.length, 1);
    spentMs += performance.now() - start;
  });
  for (let i = 0; i < 20; i++) (view.elementAt(samples, 50_000 + i) as Y.Map<unknown>).set('annotation', i);
  console.log(`follows a label in ${(spentMs / 20).toFixed(3)} ms`);
  assert.equal(isArray(view.read()['samples'])[50_019], { document: 'text 50019', annotation: 19 });
});

interface Viewed {
  readonly doc: Y.Doc;
  readonly root: Y.Map<unknown>;
  readonly view: JsonView;
  readonly oddities: Oddity[];
  readonly value: () => JsonObject;
  readonly last: () => Followed | undefined;
}

/** What a view said of a transaction, and what it was before and after it. */
interface Followed {
  readonly before: JsonObject;
  readonly after: JsonObject;
  readonly dirty: readonly Path[];
  readonly places: ViewChange;
}

function viewed(): Viewed {
  const doc = new Y.Doc();
  doc.clientID = 1;
  const root = doc.getMap<unknown>('udt');
  const oddities: Oddity[] = [];
  const view = JsonView.of(root, (oddity) => oddities.push(oddity));
  let last: Followed | undefined;
  doc.on('afterTransaction', (transaction: Y.Transaction) => {
    const before = view.copy();
    const places = view.refresh(transaction);
    if (places) last = { before, after: view.copy(), dirty: places.map(({ path }) => path), places };
  });
  return { doc, root, view, oddities, value: () => view.copy(), last: () => last };
}

/** The update of client 2 that sets a key of a root to an item of a content kind (Yjs's number for it). */
function itemIn(rootName: string, key: string, kind: number, content: Uint8Array): Uint8Array {
  return encoding.encode((encoder) => {
    for (const number of [1, 1, 2, 0, kind | 0x20, 1]) encoding.writeVarUint(encoder, number);
    encoding.writeVarString(encoder, rootName);
    encoding.writeVarString(encoder, key);
    encoding.writeUint8Array(encoder, content);
    encoding.writeVarUint(encoder, 0);
  });
}

/** The update of client 2 that puts content into the type that its first item is. */
function elements(clock: number, kind: number, content: Uint8Array): Uint8Array {
  return Uint8Array.of(1, 1, 2, clock, kind, 0, 2, 0, ...content, 0);
}

/** What changed lies below a dirty path, and no dirty path below another. */
function assertChangesAreDirty({ before, after, dirty, places }: Followed): void {
  for (const place of places) {
    assert.equal(place.after, valueIn(after, place.path));
    if (place.path.length === 0) assert.equal(place.before, before);
  }
  const keys = dirty.map((path) => JSON.stringify(path).slice(0, -1));
  for (const [i, key] of keys.entries())
    for (const [j, other] of keys.entries())
      assert.ok(i === j || key === '[' || !(other + ',').startsWith(key + ','), keys.join(' '));
  assert.not(keys.includes('[') && keys.length > 1);
  assertEqualBut(before, after, [], new Set(keys));
}

function assertEqualBut(
  before: Json | undefined,
  after: Json | undefined,
  path: Path,
  dirty: Set<string>,
): void {
  if (before === after || dirty.has(JSON.stringify(path).slice(0, -1))) return;
  if (isJsonArray(before) && isJsonArray(after)) {
    assert.is(before.length, after.length);
    for (const i of before.keys()) assertEqualBut(before[i], after[i], [...path, i], dirty);
  } else {
    const keys = Object.keys(isObject(before));
    assert.equal(Object.keys(isObject(after)), keys);
    for (const key of keys)
      assertEqualBut(isObject(before)[key], isObject(after)[key], [...path, key], dirty);
  }
}

function isPlainJson(value: Json): void {
  assert.equal(JSON.parse(JSON.stringify(value)), value);
}

function isObject(value: Json | undefined): JsonObject {
  assert.ok(isJsonObject(value), `${JSON.stringify(value)} is no object`);
  return isJsonObject(value) ? value : {};
}

function isArray(value: Json | undefined): readonly Json[] {
  assert.ok(isJsonArray(value), `${JSON.stringify(value)} is no array`);
  return isJsonArray(value) ? value : [];
}

function sorted(paths: readonly Path[] | undefined): Path[] {
  return [...(paths ?? [])].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

function yArray(elements: unknown[]): Y.Array<unknown> {
  const array = new Y.Array<unknown>();
  array.push(elements);
  return array;
}

function formatted(text: string): Y.Text {
  const type = new Y.Text(text);
  type.format(0, 4, { bold: true });
  type.insertEmbed(0, { image: 'x' });
  return type;
}

function element(name: string, children: (Y.XmlElement | Y.XmlText)[]): Y.XmlElement {
  const xml = new Y.XmlElement(name);
  xml.setAttribute('lang', 'en');
  xml.insert(0, children);
  return xml;
}

function nested(levels: number, core: unknown): unknown {
  let value = core;
  for (let i = 0; i < levels; i++) value = [value];
  return value;
}

function nestedTypes(levels: number): Y.Map<unknown> {
  let value = new Y.Map<unknown>();
  for (let i = 1; i < levels; i++) value = new Y.Map<unknown>([['k', value]]);
  return value;
}

function innermostOf(map: Y.Map<unknown>): Y.Map<unknown> {
  let innermost = map;
  for (let next = map.get('k'); next instanceof Y.Map; next = innermost.get('k')) innermost = next;
  return innermost;
}

function innermostValue(value: Json): Json {
  let innermost = value;
  while (isJsonObject(innermost) && innermost['k'] !== undefined) innermost = innermost['k'];
  return innermost;
}

function depthOf(value: Json): number {
  let depth = 0;
  for (let inner: Json | undefined = value; isJsonArray(inner); inner = inner[0]) depth++;
  return depth;
}

reading.run();
following.run();
