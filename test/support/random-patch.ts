// Random JSON Patches that can be applied, and what fast-json-patch makes of them.

import jsonPatch from 'fast-json-patch';
import * as prng from 'lib0/prng';
import { escapeKey, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { oddVocabulary, randomJson } from './random-json.ts';

/** A patch of up to 12 operations on `before`, and the document after it. */
export function randomPatch(random: prng.PRNG, before: JsonObject): { operations: Operation[]; after: Json } {
  const operations: Operation[] = [];
  let after: Json = structuredClone(before);
  for (let tries = 0; tries < 12; tries++) {
    const operation = randomOperation(random, after);
    const next = appliedExactly(after, operation);
    if (typeof next !== 'object' || next === null || Array.isArray(next)) continue;
    after = next;
    operations.push(operation);
  }
  return { operations, after };
}

/** The document after the operation, or undefined when it can't be applied. */
function appliedExactly(document: Json, operation: Operation): Json | undefined {
  if (operation.op === 'move' && operation.path.startsWith(operation.from)) return undefined;
  let next = structuredClone(document);
  try {
    for (const step of checkedSteps(document, operation)) {
      if (step.path === '' && step.op === 'remove') return undefined;
      if (hasOddIndex(next, step.path)) return undefined;
      next = jsonPatch.applyPatch<unknown>(next, structuredClone([step]), true).newDocument as Json;
    }
    return next;
  } catch {
    return undefined;
  }
}

/** fast-json-patch doesn't check where `move` and `copy` lead to, but checks `remove` and `add`. */
function checkedSteps(document: Json, operation: Operation): Operation[] {
  if (operation.op !== 'move' && operation.op !== 'copy') return [operation];
  const value = jsonPatch.getValueByPointer(document, operation.from) as Json;
  const add: Operation = { op: 'add', path: operation.path, value };
  return operation.op === 'copy' ? [add] : [{ op: 'remove', path: operation.from }, add];
}

/** Whether a pointer names an element of an array as RFC 6901 doesn't: fast-json-patch reads nothing, or 00, as 0. */
function hasOddIndex(document: Json, pointer: string): boolean {
  const keys = pointer.split('/');
  return keys.some((key, at) => {
    const isIndex = key === '-' || /^(0|[1-9]\d*)$/.test(key);
    if (at === 0 || isIndex) return false;
    return Array.isArray(jsonPatch.getValueByPointer(document, keys.slice(0, at).join('/')));
  });
}

function randomOperation(random: prng.PRNG, document: Json): Operation {
  const pointers = [...pointersOf(document)];
  const present = () => prng.oneOf(random, pointers);
  const maybeMissing = () =>
    prng.bool(random) ? present() : `${present()}/${escapeKey(prng.oneOf(random, [...oddVocabulary.keys]))}`;
  switch (prng.int32(random, 0, 5)) {
    case 0:
      return { op: 'remove', path: present() };
    case 1:
      return { op: 'replace', path: present(), value: randomJson(random, oddVocabulary, 3) };
    case 2:
      return { op: 'move', from: present(), path: maybeMissing() };
    case 3:
      return { op: 'copy', from: present(), path: maybeMissing() };
    case 4:
      return { op: 'test', path: present(), value: randomJson(random, oddVocabulary, 1) };
    default:
      return { op: 'add', path: maybeMissing(), value: randomJson(random, oddVocabulary, 3) };
  }
}

function* pointersOf(value: Json, pointer = ''): Generator<string> {
  yield pointer;
  if (typeof value !== 'object' || value === null) return;
  for (const [key, part] of Object.entries(value)) yield* pointersOf(part, `${pointer}/${escapeKey(key)}`);
}
