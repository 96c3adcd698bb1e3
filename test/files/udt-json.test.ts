// UDT files as JSON: what is read, what is refused and how, and that printing gives the same value.

import { deepStrictEqual } from 'node:assert';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { printUdtJson, readUdtJson } from '../../src/files/udt-json.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { oddVocabulary, randomObject } from '../support/random-json.ts';
import { seededPrng } from '../support/seed.ts';

const test = suite('UDT files as JSON');

function print(udt: JsonObject, indent = ''): string {
  return [...printUdtJson(udt, { indent })].join('');
}

test('what is printed is what JSON.stringify prints, in one line or indented, and reads as the same value', () => {
  const random = seededPrng('UDT JSON');
  for (let i = 0; i < 500; i++) {
    const udt = randomObject(random, oddVocabulary, 5);
    assert.is(print(udt), JSON.stringify(udt) + '\n');
    assert.is(print(udt, '  '), JSON.stringify(udt, null, '  ') + '\n');
    deepStrictEqual(readUdtJson(print(udt, '  ')), udt);
  }
});

test('numbers keep their value, -0 too; keys their order', () => {
  const text = '{"b":1e+21,"a":-0,"c":[0.1,5e-324,1.7976931348623157e+308,9007199254740993,-1]}';
  assert.is(print(readUdtJson(text)), text.replace('9007199254740993', '9007199254740992') + '\n');
});

test('a large file is printed in pieces, and says how far it is', () => {
  const samples = Array.from({ length: 3000 }, (_, i) => ({ document: `${i} `.repeat(20) }));
  const told: [number, number][] = [];
  const pieces = [...printUdtJson({ samples }, { onProgress: (...at) => told.push(at) })];
  assert.ok(pieces.length > 3);
  assert.ok(pieces.every((piece) => piece.length < 100_000));
  assert.is(pieces.join(''), JSON.stringify({ samples }) + '\n');
  assert.equal(told.at(-1), [3000, 3000]);
});

test('what is no JSON is refused with its place', () => {
  const cases: readonly [string, RegExp][] = [
    ['', /^is empty$/],
    [' \n', /^is empty$/],
    ['{"a":1,}', /^is not JSON: line 1, column 8: a key in quotation marks/],
    ['{"a":1 "b":2}', /line 1, column 8: a comma/],
    ['{\n  "a" 1\n}', /line 2, column 7: a colon/],
    ['{"a":\n\nyes}', /line 3, column 1: a value/],
    ["{'a':1}", /line 1, column 2/],
    ['{"a":"x\ny"}', /line 1, column 6: a text has no closing quotation mark in its line/],
    ['{"a":"x\ty"}', /line 1, column 6: a text has a control character/],
    ['{"a":"\\x"}', /line 1, column 6: a text has a \\/],
    ['{"a":[1,2}', /line 1, column 10/],
    ['{"a":01}', /line 1, column 7/],
    ['{"a":1} {}', /line 1, column 9: nothing more/],
    ['{"a":1 /* one */}', /line 1, column 8: comments/],
    ['{"a":1', /line 1, column 7: a }/],
    ['{"a":NaN}', /line 1, column 6: a value/],
  ];
  for (const [text, sentence] of cases) {
    assert.throws(
      () => readUdtJson(text),
      (error: Error) => sentence.test(error.message) || assert.unreachable(`${text}: ${error.message}`),
    );
  }
});

test('UDT-22 what is JSON but no UDT file, or none that can be stored, is refused by name', () => {
  const cases: readonly [string, RegExp][] = [
    ['[]', /^should be a JSON object/],
    ['null', /^should be a JSON object/],
    ['"x"', /^should be a JSON object/],
    ['{"a":["\\ud800"]}', /^\/a\/0 has a lone surrogate/],
    ['{"\\udc00":1}', /lone surrogate in its key/],
    ['{"a":{"__proto__":1}}', /^\/a\/__proto__ has the key __proto__/],
    ['{"a":1e400}', /^\/a is a number too large/],
    [`{"a":${'['.repeat(64)}${']'.repeat(64)}}`, /nested deeper than 64/],
    ['['.repeat(3_000_000), /nested deeper than 64/],
  ];
  for (const [text, sentence] of cases) assert.throws(() => readUdtJson(text), sentence);
});

test.run();
