// JSON that is parsed in pieces: the same values and the same errors as JSON that is parsed at once, whatever it is and
// wherever it is cut.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { isDeeperThan, jsonDepthMax, parseJson, type Json } from '../../src/model/json.ts';
import { parseLargeJson } from '../../src/model/large-json.ts';
import { oddVocabulary, randomJson } from '../support/random-json.ts';
import { seededPrng } from '../support/seed.ts';

const test = suite('large json');

const atOnce = (): Promise<void> => Promise.resolve();

/** The value with the order of its keys, and -0 told from 0; or the message of the error. */
async function outcomeOf(parse: () => Json | Promise<Json>): Promise<string> {
  try {
    const value = await parse();
    return JSON.stringify(value, (_key, part: unknown) => (Object.is(part, -0) ? '-0' : part));
  } catch (error) {
    assert.instance(error, RejoinError, String(error));
    return `${(error as RejoinError).code}: ${(error as RejoinError).message}`;
  }
}

/** What a body was answered with before there were pieces. */
function parseWhole(bytes: Uint8Array): Json {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new RejoinError('bad-request', 'The body is not valid UTF-8');
  }
  // Small JSON is told where it is too deep; what is parsed in pieces is never small.
  if (isDeeperThan(text, jsonDepthMax))
    throw new RejoinError('bad-request', `The JSON is nested deeper than ${jsonDepthMax} levels`);
  return parseJson(text);
}

function chunksOf(bytes: Uint8Array, random: prng.PRNG): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  const most = prng.oneOf(random, [1, 5, 60, bytes.length + 1]);
  for (let at = 0; at < bytes.length;) {
    const length = prng.int32(random, most === 1 ? 1 : 0, most);
    chunks.push(bytes.slice(at, at + length));
    at += length;
  }
  return chunks;
}

async function sameAsWhole(bytes: Uint8Array, random: prng.PRNG): Promise<string> {
  const expected = await outcomeOf(() => parseWhole(bytes));
  for (const pieceBytes of [1, 2, prng.int32(random, 3, 12), prng.int32(random, 13, 100)]) {
    const limits = { wholeBytesMax: 0, pieceBytes };
    const outcome = await outcomeOf(() => parseLargeJson(chunksOf(bytes, random), atOnce, limits));
    assert.is(outcome, expected, `${pieceBytes}: ${JSON.stringify(Buffer.from(bytes).toString('latin1'))}`);
  }
  return expected;
}

const utf8 = (text: string): Uint8Array => Buffer.from(text, 'utf8');

test('UDT-20 what is odd is parsed in pieces as it is at once', async () => {
  const random = seededPrng('odd JSON in pieces');
  const odd = [
    ...[
      '',
      ' ',
      '1',
      ' "a" ',
      'nul',
      'null',
      '[]',
      '{}',
      '[ ]',
      '{ }',
      ' [ ] x',
      '[1]2',
      '1 2',
      '1,2',
      '[1],2',
      ',',
    ],
    ...[
      '[1,]',
      '[,1]',
      '[,]',
      '[1,,2]',
      '[1 2]',
      '[[1][2]]',
      '[[1],[2]]',
      '[[1,2] 3]',
      '[1 [2,3]]',
      '[-[1,2]]',
      '[[1,2]-]',
    ],
    ...[
      '{"a":1,}',
      '{,}',
      '{"a"}',
      '{"a":}',
      '{"a":-[1,2]}',
      '{"a" [1,2]}',
      '{"a":[1,2] "b":1}',
      '{[1,2]}',
      '{"a":[1,2],}',
    ],
    ...[
      '{"a":[1,2],,"b":1}',
      '{"a":1 "b":[1,2]}',
      '{"a":{"a":1,"b":2}:3}',
      '[1:2]',
      '["a":[1,2]]',
      '{"a","b"}',
    ],
    ...[
      '[1}',
      '{"a":1]',
      '[[1,2}',
      '[1,2',
      '[[1,2]',
      ']',
      '}[',
      ']]]]]',
      '[1,2]]',
      '["a',
      '["a\\',
      '["a\\"]',
      '"\\',
      '"\n"',
      '["\t",1]',
    ],
    ...['{"a":1,"b":[1,2],"a":[3,4],"b":2,"1":{"x":1,"x":2},"0":3,"a":5}', '{"a":[1,2,{"a":1,"a":2}],"a":0}'],
    ...[
      '{"__proto__":1}',
      '{"a":1,"__proto__":{"b":1,"c":2}}',
      '{"__proto__":[1,2],"__proto__":[3,4]}',
      '[{"toString":1,"a":2},3]',
    ],
    ...[
      '[1e999]',
      '[1,2,-1e999,"\\ud800"]',
      '{"a":1e999,"a":1}',
      '{"a":[1,1e999],"a":1}',
      '{"b":"\\ud800","1":1e999}',
      '[0,-0,1E5,1.50]',
    ],
    ...[
      '"\\ud83d\\ude00"',
      '["\\ud83d","\\ude00"]',
      '{"\\ud800":1}',
      '["😀é","\u2028\u0000"]',
      '["\\u005b\\"],[",[],"}{"]',
      '[01]',
      '[.5]',
    ],
    ...[
      '\ufeff[1,2]',
      '\ufeff\ufeff[1,2]',
      '\ufeff',
      ' \ufeff[1]',
      '[\ufeff1,2]',
      '["\ufeff","\ufeffa"]',
      '\r\n\t [ 1 ,\n2 ]\r\n',
      '\v[1]',
    ],
    ...[
      '[[[[[[[1,2],3],4],5],6],7],8]',
      '[1,[2,[3,[4,[5,[6]]]]]]',
      '{"a":{"b":{"c":{"d":[1,{"e":2,"f":3}]}}}}',
    ],
    ...[
      '['.repeat(64) + ']'.repeat(64),
      '['.repeat(65) + ']'.repeat(65),
      '['.repeat(65),
      '[1,' + '{"a":'.repeat(70),
      ']' + '['.repeat(65),
      ']' + '['.repeat(66),
    ],
    ...['[1,,' + '['.repeat(80), '["' + '['.repeat(80) + '",1]', '"\\"' + '['.repeat(80) + '"', '[1e999,,1]'],
  ];
  for (const text of odd) await sameAsWhole(utf8(text), random);
  const bad = [
    [0xff],
    [0x80],
    [0x5b, 0xc3, 0x5d],
    [0xc3],
    [0xed, 0xa0, 0x80],
    [0xef, 0xbb],
    [0xef, 0xbb, 0x5b, 0x5d],
    [0xc0, 0x80],
  ];
  for (const bytes of bad)
    for (const before of ['', '[1,2,', '[1,,', '"', '["a",', '['.repeat(70)])
      for (const after of ['', ']', '"', ',1]', 'é]'])
        await sameAsWhole(Buffer.concat([utf8(before), Uint8Array.from(bytes), utf8(after)]), random);
});

/** JSON with white space where it may be, and keys that come again. */
function printOddly(value: Json, random: prng.PRNG): string {
  const space = (): string => prng.oneOf(random, ['', '', '', ' ', '\n', '\t ', '\r\n  ']);
  const spaced = (text: string): string => space() + text + space();
  if (typeof value !== 'object' || value === null) return spaced(JSON.stringify(value));
  if (Array.isArray(value))
    return spaced(
      `[${value.length === 0 ? space() : value.map((part: Json) => printOddly(part, random)).join(',')}]`,
    );
  const members = Object.entries(value).flatMap(([key, part]) => {
    const member = (of: Json): string => `${spaced(JSON.stringify(key))}:${printOddly(of, random)}`;
    const isAgain = prng.int32(random, 0, 5) === 0;
    return isAgain ? [member(randomJson(random, oddVocabulary, 2)), member(part)] : [member(part)];
  });
  return spaced(`{${members.length === 0 ? space() : members.join(',')}}`);
}

/** What may stand anywhere in JSON, and must not. */
const fragments = [
  '',
  '[',
  ']',
  '{',
  '}',
  ',',
  ':',
  '"',
  '\\',
  '1',
  '-',
  ' ',
  'e999',
  '"\\ud800"',
  '"__proto__":',
  '\u00ff',
  '\u0000',
  'null',
  ',,',
];

test('UDT-20 random JSON is parsed in pieces as it is at once, also where bytes of it were changed', async () => {
  const random = seededPrng('random JSON in pieces');
  const count = { values: 0, errors: 0 };
  for (let i = 0; i < 1_500; i++) {
    let bytes = utf8(printOddly(randomJson(random, oddVocabulary, 5), random));
    await sameAsWhole(bytes, random);
    for (let changes = 0; changes < 3; changes++) {
      const at = prng.int32(random, 0, bytes.length);
      const fragment = Buffer.from(prng.oneOf(random, fragments), 'latin1');
      bytes = Buffer.concat([bytes.subarray(0, at), fragment, bytes.subarray(at + prng.int32(random, 0, 2))]);
      const outcome = await sameAsWhole(bytes, random);
      if (outcome.startsWith('bad-request')) count.errors++;
      else count.values++;
    }
  }
  assert.ok(count.errors > 500 && count.values > 200, JSON.stringify(count));
});

test('UDT-20 the usual limits: large files come in many slices, small ones in none', async () => {
  let breaths = 0;
  const breathe = (): Promise<void> => {
    breaths++;
    return Promise.resolve();
  };
  const sample = { document: 'The text of a sample: "é😀"', annotation: [1, { labels: ['a', 'b'] }, null] };
  const file = {
    name: 'large',
    samples: Array.from({ length: 50_000 }, (_, i) => ({ ...sample, _id: `s${i}` })),
  };
  const bytes = utf8(JSON.stringify(file, null, 1));
  assert.equal(await parseLargeJson(bytes, breathe), file);
  assert.ok(breaths >= bytes.length / (128 * 1024), String(breaths));
  const members = Object.fromEntries(file.samples.map((value) => [value._id, value]));
  assert.equal(await parseLargeJson(utf8(JSON.stringify(members)), breathe), members);
  breaths = 0;
  assert.equal(
    await parseLargeJson(utf8(JSON.stringify(file.samples.slice(0, 1_000))), breathe),
    file.samples.slice(0, 1_000),
  );
  assert.is(breaths, 0);
  const bad = JSON.stringify(file).replace('"s49999"', '"\\ud800"');
  const message = 'bad-request: /samples/49999/_id has a lone surrogate: text must be valid Unicode';
  assert.is(await outcomeOf(() => parseLargeJson(utf8(bad), breathe)), message);
  assert.ok(breaths > bad.length / (128 * 1024) + 4, `${breaths}: the check takes slices of its own`);
});

test.run();
