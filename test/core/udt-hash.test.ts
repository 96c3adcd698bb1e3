// The hash of the UDT wire is that of json-stable-stringify's text, whatever is remembered from earlier views.

import * as prng from 'lib0/prng';
import stringify from 'json-stable-stringify';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UdtHasher } from '../../src/core/udt-hash.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { changedObject, frozen, oddVocabulary, randomJson, randomObject } from '../support/random-json.ts';
import { seededPrng } from '../support/seed.ts';

const hash = suite('udt-hash');

function plainHash(value: Json): number {
  const text = stringify(value) ?? '';
  let result = 0;
  for (let i = 0; i < text.length; i++) result = ((result << 5) - result + text.charCodeAt(i)) | 0;
  return result;
}

hash('UDT-2 the published examples', () => {
  const example = {
    interface: { type: 'text_classification', labels: ['a', 'b'] },
    samples: [{ document: 'hi' }, { document: 'yo', annotation: 'a' }],
  };
  const hasher = new UdtHasher();
  assert.is(hasher.hash({}), 3938);
  assert.is(hasher.hash([]), 2914);
  assert.is(hasher.hash(null), 3392903);
  assert.is(hasher.hash(example), -1835127107);
});

hash('UDT-2 strings, numbers and keys are written as JSON.stringify writes them', () => {
  const strings = [
    '\ud800',
    'x\udc00y',
    '\u{1f600}',
    '\u2028\u2029',
    '"\\/\b\f\n\r\t\u0000\u001f\u007f',
    'ß漢',
  ];
  const numbers = [0, -0, 1e21, 1e-7, 123456789012345680000, 5e-324, 1.7976931348623157e308, -1.5, 0.1 + 0.2];
  for (const value of [...strings, ...numbers, true, false]) {
    assert.is(new UdtHasher().hash(value), plainHash(value), String(value));
    assert.is(new UdtHasher().hash({ [String(value)]: [value] }), plainHash({ [String(value)]: [value] }));
  }
  const keys = { b: 1, a: 2, 10: 3, 9: 4, B: 5, é: 6, '\u{1f600}': 7, '\uffff': 8, '': 9, a1: 10 };
  assert.is(new UdtHasher().hash(keys), plainHash(keys));
});

hash('UDT-2 a fresh hasher agrees with json-stable-stringify on random values', () => {
  const random = seededPrng('udt-hash, values');
  for (let round = 0; round < 3000; round++) {
    const value = randomJson(random, oddVocabulary, 5);
    assert.is(new UdtHasher().hash(value), plainHash(value), JSON.stringify(value));
  }
});

hash('UDT-2 a hasher that remembers agrees after any changes', () => {
  const random = seededPrng('udt-hash, changes');
  const hasher = new UdtHasher();
  let view: JsonObject = { samples: Array.from({ length: 300 }, (_, i) => sample(random, i)), other: 1 };
  for (let round = 0; round < 1000; round++) {
    view = frozen(
      prng.int32(random, 0, 3) === 0 ? changedObject(random, oddVocabulary, view) : changed(random, view),
    );
    assert.is(hasher.hash(view), plainHash(view), `round ${round}`);
  }
});

function sample(random: prng.PRNG, index: number): JsonObject {
  return {
    text: `sample ${index} `.repeat(prng.int32(random, 1, 30)),
    more: randomObject(random, oddVocabulary, 2),
  };
}

function changed(random: prng.PRNG, view: JsonObject): JsonObject {
  const samples = Array.isArray(view.samples) ? (view.samples as Json[]).slice() : [];
  for (let i = prng.int32(random, 1, 3); i > 0; i--) {
    const index = prng.int32(random, 0, samples.length);
    const removed = prng.int32(random, 0, 2);
    const inserted = Array.from({ length: prng.int32(random, 0, 2) }, () => sample(random, index));
    samples.splice(index, removed, ...inserted);
  }
  return { ...view, samples };
}

hash('UDT-19 the hash after one edit of 100,000 samples reads the samples around it only', () => {
  let reads = 0;
  const samples = Array.from({ length: 100_000 }, (_, i) => {
    const text = `this is the text of sample number ${i}`;
    return new Proxy<JsonObject>({ text }, { ownKeys: (target) => (reads++, Object.keys(target)) });
  });
  const hasher = new UdtHasher();
  hasher.hash({ samples });
  assert.is(reads, 100_000);
  for (const edited of [samples.with(50_000, { text: 'changed' }), samples.toSpliced(70_000, 1)]) {
    reads = 0;
    const result = hasher.hash({ samples: edited });
    assert.ok(reads < 2000, `${reads} samples were read`);
    assert.is(result, plainHash({ samples: edited }));
  }
});

hash.run();
