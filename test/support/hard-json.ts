// Strings, keys and numbers that are easy to write, sort or hash wrongly, and documents made of them.

import * as prng from 'lib0/prng';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { randomJson, randomObject, type Vocabulary } from './random-json.ts';

/** What a document is made of: a few of the hard cases, and some that nobody has thought of. */
export function hardVocabulary(random: prng.PRNG): Vocabulary {
  const few = <T>(count: number, make: () => T): T[] => Array.from({ length: count }, make);
  const anyKey = (): string => (prng.bool(random) ? prng.oneOf(random, hardKeys) : hardString(random, 6));
  return {
    keys: few(14, anyKey),
    plainValues: [
      ...[null, true, false],
      ...few(8, () => prng.oneOf(random, hardNumbers)),
      ...few(6, () => anyNumber(random)),
      ...few(8, () => hardString(random, 40)),
    ],
  };
}

export const hardNumbers = [
  ...[0, -0, 1, -1, 0.1, 0.1 + 0.2, -1.5, 1 / 3, 100, 1e5, 123456.789],
  // Where the notation changes.
  ...[1e20, 123456789012345680000, 999999999999999900000, 1e21, 1.5e21, -1e21, 1e22, 1e100],
  ...[1e-5, 1e-6, 0.0000015, 1e-7, 1.5e-7, -1e-7, 1e-10],
  // The ends of what there is.
  ...[5e-324, -5e-324, 2.2250738585072014e-308, Number.MAX_VALUE, -Number.MAX_VALUE, Number.EPSILON],
  ...[2 ** 31 - 1, 2 ** 31, -(2 ** 31), -(2 ** 31) - 1, 2 ** 32 - 1, 2 ** 32, 2 ** 63, -(2 ** 63)],
  ...[2 ** 53 - 1, 2 ** 53, 2 ** 53 + 2, -(2 ** 53), 2 ** 60 + 2 ** 10],
];

/** Any double. */
function anyNumber(random: prng.PRNG): number {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setUint32(0, prng.uint32(random, 0, 0xffff_ffff));
  bits.setUint32(4, prng.uint32(random, 0, 0xffff_ffff));
  const number = bits.getFloat64(0);
  return Number.isFinite(number) ? number : 1e300;
}

const controls = Array.from({ length: 0x20 }, (_, unit) => String.fromCharCode(unit));

const hardPieces = [
  ...controls,
  ...['"', '\\', '/', "'", '\u007f', '\u0080', '\u009f', '\u00a0', '\u00ad', '\u2028', '\u2029', '\ufeff'],
  ...['\ud7ff', '\ue000', '\ufffd', '\ufffe', '\uffff', '\u{10000}', '\u{1f600}', '\u{10ffff}'],
  ...[
    '\\u0041',
    '\\n',
    '</script>',
    '~0',
    '~1',
    'e\u0301',
    'é',
    'ß',
    '漢',
    'a',
    'B',
    '0',
    ' ',
    ',',
    ':',
    '{',
    ']',
  ],
];

export function hardString(random: prng.PRNG, piecesMax: number): string {
  const piece = (): string => {
    const choice = prng.int32(random, 0, 9);
    if (choice < 7) return prng.oneOf(random, hardPieces);
    if (choice < 9) return String.fromCodePoint(prng.int32(random, 0x20, 0x7e));
    const point = prng.int32(random, 0, 0x10ffff);
    return point >= 0xd800 && point <= 0xdfff ? '\ufffd' : String.fromCodePoint(point);
  };
  return Array.from({ length: prng.int32(random, 0, piecesMax) }, piece).join('');
}

/** Among them neighbours that sort one way by code unit and the other by code point, and some that engines enumerate first. */
const hardKeys = [
  ...['', ' ', '0', '1', '00', '9', '10', '-1', '1e3', '4294967294', '4294967295', '9007199254740993'],
  ...[
    'a',
    'B',
    'aa',
    'a\u0000',
    'A',
    'é',
    'e\u0301',
    '\uffff',
    '\ufb01',
    '\u{10000}',
    '\u{1f600}',
    '\u{1f600}a',
  ],
  ...['length', 'toString', 'hasOwnProperty', 'toJSON', 'then', '"', '\\', 'x/y', '~', '~1', '-', '\u2028'],
];

export interface HardDocument {
  readonly udt: JsonObject;
  readonly vocabulary: Vocabulary;
  /** The keys of its long arrays, if it has any. */
  readonly longKeys: readonly string[];
}

/** One in `longOneIn` has arrays of more than 2,000 elements, among them `samples`. */
export function hardDocument(random: prng.PRNG, longOneIn: number): HardDocument {
  const vocabulary = hardVocabulary(random);
  const udt: Record<string, Json> = {
    samples: Array.from({ length: prng.int32(random, 0, 5) }, () => randomJson(random, vocabulary, 3)),
    ...randomObject(random, vocabulary, 4),
  };
  if (prng.int32(random, 1, 4) === 1)
    udt.deep = nested(
      random,
      vocabulary,
      prng.oneOf(random, [...vocabulary.plainValues]),
      prng.int32(random, 10, 61),
    );
  if (prng.int32(random, 1, longOneIn) > 1) return { udt, vocabulary, longKeys: [] };
  udt.samples = longArray(random, vocabulary);
  if (prng.bool(random)) return { udt, vocabulary, longKeys: ['samples'] };
  udt.more = longArray(random, vocabulary);
  return { udt, vocabulary, longKeys: ['samples', 'more'] };
}

export function longArray(random: prng.PRNG, vocabulary: Vocabulary): Json[] {
  const length = prng.int32(random, 2001, 4500);
  const longer = prng.int32(random, 1, 3);
  return Array.from({ length }, (_, i) => longArrayElement(random, vocabulary, i, longer));
}

export function longArrayElement(random: prng.PRNG, vocabulary: Vocabulary, i: number, levels = 1): Json {
  const choice = prng.int32(random, 0, 9);
  if (choice === 0) return randomJson(random, vocabulary, levels);
  if (choice === 1) return prng.oneOf(random, [...vocabulary.plainValues]);
  return { text: `sample ${i} `.repeat(choice), [prng.oneOf(random, [...vocabulary.keys])]: i / 7 };
}

function nested(random: prng.PRNG, vocabulary: Vocabulary, inner: Json, levels: number): Json {
  let value: Json = inner;
  for (let level = 0; level < levels; level++)
    value = prng.bool(random) ? [value] : { [prng.oneOf(random, [...vocabulary.keys])]: value };
  return value;
}
