// The model of the UDT clients' patch library, which other tests lean on, does what the published library does: same
// result, or both throw. Rounds: REJOIN_TEST_ROUNDS.

import * as prng from 'lib0/prng';
import applyPublished from 'seamless-immutable-patch';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { oddVocabulary, randomJson, randomObject } from '../support/random-json.ts';
import { seededPrng } from '../support/seed.ts';
import { applyAsV1Client } from '../support/v1-patch-library.ts';

const rounds = Number(process.env['REJOIN_TEST_ROUNDS'] ?? 1) * 2000;
const library = suite('udt-v1-patch-library');

/** The outcome as text; every failure alike. */
function outcomeOf(apply: () => unknown): string {
  try {
    return JSON.stringify(apply());
  } catch {
    return 'thrown';
  }
}

const sorted = (text: string): unknown => (text === 'thrown' ? text : (JSON.parse(text) as unknown));

/** Pointers as the library reads them: into objects and arrays, to what is there or a new key. */
function* pathsOf(value: Json, path = ''): Generator<string> {
  yield path;
  if (isJsonArray(value))
    for (const [index, part] of value.entries()) yield* pathsOf(part, `${path}/${index}`);
  else if (isJsonObject(value)) {
    for (const [key, part] of readable(value)) yield* pathsOf(part, `${path}/${key}`);
    yield `${path}/new`;
  }
}

function* arraysOf(value: Json, path = ''): Generator<string> {
  if (isJsonArray(value)) yield path;
  else if (isJsonObject(value))
    for (const [key, part] of readable(value)) yield* arraysOf(part, `${path}/${key}`);
}

/** Without the members of which the library drops or splits the key: where it then leads to is nowhere the wire names. */
function readable(object: JsonObject): [key: string, value: Json][] {
  return Object.entries(object).filter(([key]) => key !== '' && !key.includes('/'));
}

/** What can come over UDT's wire (UDT-9), and what would go wrong there. */
function randomOperation(random: prng.PRNG, document: JsonObject): Operation {
  const path = prng.oneOf(random, [...pathsOf(document)]);
  const arrays = [...arraysOf(document)];
  const value = randomJson(random, oddVocabulary, 2);
  switch (prng.int32(random, 0, arrays.length > 0 ? 3 : 2)) {
    case 0:
      return { op: 'remove', path };
    case 1:
      return { op: 'add', path, value };
    case 2:
      return { op: 'replace', path, value };
    default:
      return { op: 'add', path: `${prng.oneOf(random, arrays)}/-`, value };
  }
}

library('UDT-9 the model and the published library come to the same', () => {
  const random = seededPrng('udt-v1-patch-library');
  let thrown = 0;
  for (let round = 0; round < rounds; round++) {
    const document = randomObject(random, oddVocabulary, 3);
    const operation = randomOperation(random, document);
    const published = outcomeOf(() => applyPublished(document, [operation]));
    const modelled = outcomeOf(() => applyAsV1Client(document, [operation]));
    if (published === 'thrown') thrown++;
    assert.equal(sorted(modelled), sorted(published), JSON.stringify({ document, operation }));
  }
  assert.ok(thrown < rounds / 2);
});

library.run();
