// Random edits of a session by a Yjs client: shared types and plain values, nested, and elements that move. No top-level
// key has a part that the v1 library misreads, so that its patches are exact (UDT-9); keys further down do.

import * as prng from 'lib0/prng';
import * as Y from 'yjs';
import type { Json } from '../../src/model/json.ts';
import { oddVocabulary, plainVocabulary, randomJson } from './random-json.ts';

type Container = Y.Map<unknown> | Y.Array<unknown>;

/** Up to four edits of the root `udt` in one transaction. */
export function editUdtAtRandom(random: prng.PRNG, doc: Y.Doc): void {
  const udt = doc.getMap('udt');
  doc.transact(() => {
    for (let edits = prng.int32(random, 1, 4); edits > 0; edits--) {
      const type = prng.oneOf(random, typesIn(udt));
      if (type instanceof Y.Map)
        editMap(random, type, type === udt ? plainVocabulary.keys : oddVocabulary.keys);
      else if (type instanceof Y.Array) editArray(random, type);
      else editText(random, type);
    }
  });
}

function typesIn(root: Container): (Container | Y.Text)[] {
  const found: (Container | Y.Text)[] = [root];
  for (const type of found) {
    if (type instanceof Y.Text) continue;
    for (const value of type instanceof Y.Map ? type.values() : type.toArray()) {
      if (value instanceof Y.Map || value instanceof Y.Array || value instanceof Y.Text) found.push(value);
    }
  }
  return found;
}

function editMap(random: prng.PRNG, map: Y.Map<unknown>, keys: readonly string[]): void {
  const key = prng.oneOf(random, [...keys]);
  if (map.size > 8 || prng.int32(random, 0, 3) === 0) map.delete(prng.oneOf(random, [key, ...map.keys()]));
  else map.set(key, randomValue(random, 3));
}

function editArray(random: prng.PRNG, array: Y.Array<unknown>): void {
  const index = prng.int32(random, 0, array.length);
  const choice = array.length > 12 ? 0 : prng.int32(random, 0, 4);
  if (index === array.length || choice > 2) {
    array.insert(
      index,
      Array.from({ length: prng.int32(random, 1, 3) }, () => randomValue(random, 2)),
    );
    return;
  }
  if (choice === 0) {
    array.delete(index, prng.int32(random, 1, Math.min(4, array.length - index)));
    return;
  }
  const moved = array.get(index); // Yjs moves nothing: apps delete and insert
  if (holdsHook(moved)) return; // Yjs copies a hook with the very types that are in it, which then are in two places
  const copy = moved instanceof Y.AbstractType ? (moved as Container).clone() : moved;
  array.delete(index, 1);
  array.insert(prng.int32(random, 0, array.length), [copy]);
}

function holdsHook(value: unknown): boolean {
  if (value instanceof Y.XmlHook) return true;
  if (value instanceof Y.Map) return [...value.values()].some(holdsHook);
  if (value instanceof Y.Array || value instanceof Y.XmlFragment) return value.toArray().some(holdsHook);
  return false;
}

function editText(random: prng.PRNG, text: Y.Text): void {
  const index = prng.int32(random, 0, text.length);
  if (prng.bool(random)) text.insert(index, prng.oneOf(random, ['hello', 'ä€', '\u{1d11e}\u{1d11e}']));
  else text.delete(index, prng.int32(random, 0, text.length - index));
}

function randomValue(random: prng.PRNG, depth: number): Json | Container | Y.Text {
  const choice = depth === 0 ? 9 : prng.int32(random, 0, 6);
  const few = () => Array.from({ length: prng.int32(random, 0, 3) }, () => randomValue(random, depth - 1));
  if (choice === 0) return new Y.Text(prng.word(random, 0, 8));
  if (choice <= 2) return Y.Array.from(few() as string[]) as Y.Array<unknown>; // its type is too narrow
  if (choice <= 4)
    return new Y.Map(few().map((value) => [prng.oneOf(random, [...oddVocabulary.keys]), value]));
  return randomJson(random, oddVocabulary, depth);
}
