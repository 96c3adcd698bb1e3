// Random JSON documents, and random changes of them that share what they don't change, as views do.

import * as prng from 'lib0/prng';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';

export interface Vocabulary {
  readonly keys: readonly string[];
  readonly plainValues: readonly Json[];
}

/** What looks different in JSON Pointers, in property lookups and in sorting. */
export const oddVocabulary: Vocabulary = {
  keys: [
    'a',
    'b',
    'c',
    'samples',
    '0',
    '10',
    '9',
    '-',
    '',
    'x/y',
    '~',
    '~1',
    'B',
    'é',
    '\u{1f600}',
    'length',
  ],
  plainValues: [
    null,
    true,
    false,
    0,
    1,
    -1,
    0.1,
    1e21,
    1e-7,
    -2.5e-300,
    '',
    'a',
    '"\\\n\u0001\u2028',
    'é\u{1f600}',
  ],
};

/** No key that a patch library could misread. */
export const plainVocabulary: Vocabulary = {
  ...oddVocabulary,
  keys: ['a', 'b', 'c', 'd', 'samples', '0', 'é'],
};

export function randomJson(random: prng.PRNG, vocabulary: Vocabulary, depthMax: number): Json {
  const sort = prng.int32(random, 0, 9);
  if (depthMax <= 0 || sort < 4) return oneOf(random, vocabulary.plainValues);
  if (sort < 7) return randomArray(random, vocabulary, depthMax);
  return randomObject(random, vocabulary, depthMax);
}

export function randomObject(random: prng.PRNG, vocabulary: Vocabulary, depthMax: number): JsonObject {
  const object: Record<string, Json> = {};
  for (let i = prng.int32(random, 0, 4); i > 0; i--)
    object[oneOf(random, vocabulary.keys)] = randomJson(random, vocabulary, depthMax - 1);
  return object;
}

function randomArray(random: prng.PRNG, vocabulary: Vocabulary, depthMax: number): Json[] {
  return Array.from({ length: prng.int32(random, 0, 6) }, () => randomJson(random, vocabulary, depthMax - 1));
}

/** The object after a few random changes; it shares the parts that weren't changed. */
export function changedObject(random: prng.PRNG, vocabulary: Vocabulary, object: JsonObject): JsonObject {
  let changed = object;
  for (let i = prng.int32(random, 1, 4); i > 0; i--) changed = withChangedMember(random, vocabulary, changed);
  return changed;
}

function withChangedMember(random: prng.PRNG, vocabulary: Vocabulary, object: JsonObject): JsonObject {
  const keys = Object.keys(object);
  const key = prng.bool(random) && keys.length > 0 ? oneOf(random, keys) : oneOf(random, vocabulary.keys);
  const old = Object.hasOwn(object, key) ? object[key] : undefined;
  if (old !== undefined && prng.int32(random, 0, 4) === 0)
    return Object.fromEntries(Object.entries(object).filter(([name]) => name !== key));
  return { ...object, [key]: changedJson(random, vocabulary, old) };
}

function changedJson(random: prng.PRNG, vocabulary: Vocabulary, value: Json | undefined): Json {
  if (isJsonArray(value)) return changedArray(random, vocabulary, value);
  if (isJsonObject(value)) return withChangedMember(random, vocabulary, value);
  return randomJson(random, vocabulary, 3);
}

function changedArray(random: prng.PRNG, vocabulary: Vocabulary, array: readonly Json[]): Json[] {
  let changed = array.slice();
  for (let i = prng.int32(random, 1, 3); i > 0; i--) {
    const index = prng.int32(random, 0, changed.length);
    const old = changed[index];
    switch (prng.int32(random, 0, 4)) {
      case 0:
        changed.splice(index, prng.int32(random, 1, 2));
        break;
      case 1:
        changed.splice(index, 0, randomJson(random, vocabulary, 2));
        break;
      case 2:
        changed.push(...changed.splice(index, 1)); // a move
        break;
      case 3:
        changed = structuredClone(changed); // as when it was parsed from a request
        break;
      default:
        if (old !== undefined) changed[index] = changedJson(random, vocabulary, old);
    }
  }
  return changed;
}

function oneOf<T>(random: prng.PRNG, choices: readonly T[]): T {
  return choices[prng.int32(random, 0, choices.length - 1)]!;
}

/** The same value, frozen all through: what changes it throws. */
export function frozen<T extends Json>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const part of Object.values(value)) frozen(part);
  }
  return value;
}
