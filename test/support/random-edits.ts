// Random edits of a Y.Doc, for property tests: every kind of shared type and plain value, nested, also those that JSON
// lacks. The root map `udt` gets most of them.

import * as prng from 'lib0/prng';
import * as Y from 'yjs';

/** Makes up to `editsMax` edits in one transaction. */
export function editAtRandom(random: prng.PRNG, doc: Y.Doc, editsMax = 3): void {
  const edits = prng.int32(random, 1, editsMax);
  doc.transact(() => {
    for (let i = 0; i < edits; i++) {
      const types = typesIn(doc);
      edit(random, prng.oneOf(random, types));
    }
  });
}

/** A document that several clients have edited at the same time, now and then in touch; and all their updates. */
export function randomHistory(random: prng.PRNG, steps: number): { docs: Y.Doc[]; updates: Uint8Array[] } {
  const updates: Uint8Array[] = [];
  const docs = [1, 2, 3].map((client) => {
    const doc = new Y.Doc();
    doc.clientID = client * 1000 + prng.int32(random, 0, 999);
    doc.getMap('udt');
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'sync') updates.push(update);
    });
    return doc;
  });
  for (let step = 0; step < steps; step++) {
    const doc = prng.oneOf(random, docs);
    if (prng.int32(random, 0, 4) > 0) editAtRandom(random, doc);
    else {
      const other = prng.oneOf(random, docs);
      Y.applyUpdate(doc, Y.encodeStateAsUpdate(other, Y.encodeStateVector(doc)), 'sync');
    }
  }
  return { docs, updates };
}

type YType = Y.Map<unknown> | Y.Array<unknown> | Y.Text | Y.XmlFragment;

function typesIn(doc: Y.Doc): YType[] {
  const found: YType[] = [doc.getMap('udt'), doc.getMap('udt'), doc.getText('text'), doc.getArray('list')];
  for (const type of found) {
    if (type instanceof Y.Text) continue;
    const values: unknown[] =
      type instanceof Y.Map ? [...type.values()] : type instanceof Y.Array ? type.toArray() : type.toArray();
    for (const value of values) if (isType(value)) found.push(value);
  }
  return found;
}

function isType(value: unknown): value is YType {
  return [Y.Map, Y.Array, Y.Text, Y.XmlFragment].some((type) => value instanceof type);
}

function edit(random: prng.PRNG, type: YType): void {
  if (type instanceof Y.Map) editMap(random, type);
  else if (type instanceof Y.Array) editArray(random, type);
  else if (type instanceof Y.Text) editText(random, type);
  else editXml(random, type);
}

function editMap(random: prng.PRNG, map: Y.Map<unknown>): void {
  const key = prng.oneOf(random, ['a', 'b', 'c', 'd', '7', 'key with / and ~', '__proto__']);
  if (prng.int32(random, 0, 3) === 0) map.delete(key);
  else map.set(key, randomValue(random, 3));
}

function editArray(random: prng.PRNG, array: Y.Array<unknown>): void {
  const index = prng.int32(random, 0, array.length);
  if (prng.bool(random) || array.length === index) {
    const count = prng.int32(random, 1, 4);
    const values = Array.from({ length: count }, () => randomValue(random, 3));
    // Yjs refuses these as elements, though not inside of one.
    array.insert(
      index,
      values.map((value) => (value === undefined || typeof value === 'bigint' ? [value] : value)),
    );
  } else array.delete(index, prng.int32(random, 1, array.length - index));
}

function editText(random: prng.PRNG, text: Y.Text): void {
  const index = prng.int32(random, 0, text.length);
  const length = prng.int32(random, 0, text.length - index);
  const choice = prng.int32(random, 0, 5);
  if (choice === 0) text.delete(index, length);
  else if (choice === 1) text.format(index, length, { bold: prng.oneOf(random, [true, null]) });
  else if (choice === 2) text.insertEmbed(index, { image: 'x' });
  else text.insert(index, prng.oneOf(random, ['hello', 'ä€', '𝄞𝄞', '\n']));
}

function editXml(random: prng.PRNG, xml: Y.XmlFragment): void {
  const index = prng.int32(random, 0, xml.length);
  const choice = prng.int32(random, 0, 3);
  if (choice === 0 && index < xml.length) xml.delete(index);
  else if (choice === 1) xml.insert(index, [new Y.XmlText('text')]);
  else if (choice === 2 && xml instanceof Y.XmlElement) xml.setAttribute('name', 'value');
  else xml.insert(index, [new Y.XmlElement('p')]);
}

function randomValue(random: prng.PRNG, depth: number): unknown {
  const scalars = [null, true, 0, -1.5, 2 ** 40, NaN, Infinity, 12n, undefined, '', 'text', '𝄞'];
  if (depth === 0) return prng.oneOf(random, scalars);
  const few = () => Array.from({ length: prng.int32(random, 0, 3) }, () => randomValue(random, depth - 1));
  const fewElements = () => few().filter((value) => value !== undefined && typeof value !== 'bigint');
  const fewPlain = () => Array.from({ length: 2 }, () => prng.oneOf(random, scalars));
  switch (prng.int32(random, 0, 9)) {
    case 0:
    case 1:
      return new Y.Map(few().map((value, i) => [`k${i}`, value] as const));
    case 2:
    case 3:
      return Y.Array.from(fewElements() as string[]); // the declared type is too narrow
    case 4:
      return new Y.Text(prng.word(random, 0, 8));
    case 5:
      return new Y.XmlElement('div');
    case 6:
      return { plain: fewPlain(), nested: { deeper: fewPlain() } };
    case 7:
      return [fewPlain(), fewPlain()];
    case 8:
      return prng.oneOf(random, [new Uint8Array([1, 2]), new Y.Doc({ guid: 'sub' }), new Y.XmlHook('hook')]);
    default:
      return prng.oneOf(random, scalars);
  }
}
