// UDT's CSV form: exact round trips through ours, and between ours and UDT's own library in both directions.

import { deepStrictEqual } from 'node:assert';
import { readFileSync, readdirSync } from 'node:fs';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { printUdtCsv } from '../../src/files/print-udt-csv.ts';
import { readUdtCsv } from '../../src/files/read-udt-csv.ts';
import { parseJson, type Json, type JsonObject } from '../../src/model/json.ts';
import { oddVocabulary, randomJson, randomObject, type Vocabulary } from '../support/random-json.ts';
import { seededPrng } from '../support/seed.ts';
import { printAsUdt, readAsUdt } from '../support/udt-csv.ts';

const test = suite('UDT files as CSV');

function print(udt: JsonObject): string {
  return [...printUdtCsv(udt)].join('');
}

const sampleFolder = new URL('../../data/samples/', import.meta.url);
const realFiles = readdirSync(sampleFolder)
  .filter((name) => name.endsWith('.udt.json'))
  .map((name) => parseJson(readFileSync(new URL(name, sampleFolder), 'utf8')) as JsonObject);

/** Texts that a reader of CSV or JSON could take for something else. */
const trickyVocabulary: Vocabulary = {
  keys: [
    ...oddVocabulary.keys,
    'a.b',
    '.',
    '*',
    '[0]',
    ' x',
    'x ',
    'constructor',
    '007',
    'a"b',
    'path',
    'x\ny',
    'ä b',
  ],
  plainValues: [
    ...oddVocabulary.plainValues,
    ...[
      'null',
      'true',
      '12',
      '1e5',
      '-0',
      '"',
      '""',
      '"x"',
      '{}',
      '[1]',
      '{"a":1',
      ' 1',
      '1 ',
      '12345678901234567890',
    ],
    ...[
      'a,b',
      'a;b',
      'a|b',
      'a\tb',
      'x\ny',
      'x\r\ny',
      '\r',
      '\ufeffx',
      '\u0000',
      '=1+1',
      ' ',
      '\t',
      'samples.0',
      '-',
    ],
    ...[-0, 12345678901234567000, 5e-324],
  ],
};

/** Fields, labels and documents as UDT has them, without what its own library loses. */
const tameVocabulary: Vocabulary = {
  keys: ['document', 'annotation', 'label', 'x', 'y', 'brush'],
  plainValues: [
    true,
    false,
    0,
    1,
    -1.5,
    1e21,
    'a',
    'hello, world',
    'say "hi"',
    'two\nlines',
    'é\u{1f600}',
    'a;b|c',
  ],
};

function randomUdt(random: prng.PRNG, vocabulary: Vocabulary, depth: number): JsonObject {
  const count = prng.int32(random, 0, 6);
  const samples = Array.from({ length: count }, () => randomObject(random, vocabulary, depth));
  return { ...randomObject(random, vocabulary, depth), interface: { type: 'text_classification' }, samples };
}

test('every project survives the way through CSV, whatever its keys and texts are', () => {
  const random = seededPrng('UDT CSV round trip');
  for (let i = 0; i < 2000; i++) {
    const udt = prng.bool(random)
      ? randomUdt(random, trickyVocabulary, 4)
      : randomObject(
          random,
          { ...trickyVocabulary, keys: [...trickyVocabulary.keys, 'samples', 'samples'] },
          5,
        );
    deepStrictEqual(readUdtCsv(print(udt)), udt);
  }
});

test('what can be a sample can be one in CSV', () => {
  const random = seededPrng('odd samples');
  for (let i = 0; i < 300; i++) {
    const samples = Array.from({ length: 4 }, (): Json => randomJson(random, trickyVocabulary, 3));
    deepStrictEqual(readUdtCsv(print({ samples })), { samples });
  }
  for (const udt of [{}, { samples: [] }, { samples: {} }, { samples: null }, { samples: 'x' }, { '': 1 }])
    deepStrictEqual(readUdtCsv(print(udt)), udt);
});

test('the real files survive it, and their CSV is what a person expects', () => {
  assert.is(realFiles.length, 3);
  for (const udt of realFiles) deepStrictEqual(readUdtCsv(print(udt)), udt);
  const entry = {
    interface: { type: 'data_entry' },
    samples: [
      { imageUrl: 'http://a/1.png', annotation: { name: 'Ann', age: 7 } },
      { imageUrl: 'http://a/2.png' },
    ],
  };
  assert.is(
    print(entry),
    [
      'path,.,imageUrl,annotation.name,annotation.age',
      'interface,"{""type"":""data_entry""}",,,',
      'samples.0,,http://a/1.png,Ann,7',
      'samples.1,,http://a/2.png,,',
    ].join('\r\n'),
  );
});

test("UDT's own library reads what we print", () => {
  for (const udt of realFiles) deepStrictEqual(readAsUdt(print(udt)), udt);
  const random = seededPrng('CSV read by UDT');
  for (let i = 0; i < 500; i++) {
    const udt = randomUdt(random, tameVocabulary, 4);
    deepStrictEqual(readAsUdt(print(udt)), udt);
  }
  // and what it would take for something else if we printed it as it does
  const tricky = {
    interface: {},
    samples: [{ document: '12' }, { document: 'null' }, { document: '' }, { 'a.b': '[1]' }],
  };
  deepStrictEqual(readAsUdt(print(tricky)), tricky);
});

test("we read what UDT's own library prints as UDT does", () => {
  const random = seededPrng('CSV printed by UDT');
  for (let i = 0; i < 500; i++) {
    const csv = printAsUdt(randomUdt(random, tameVocabulary, 4));
    if (csv.includes('samples.0')) deepStrictEqual(readUdtCsv(csv), readAsUdt(csv));
  }
  for (const { interface: shown, samples } of realFiles)
    deepStrictEqual(readUdtCsv(printAsUdt({ interface: shown!, samples: samples! })), {
      interface: shown,
      samples,
    });
});

test('too many columns become fewer, and nothing is lost', () => {
  const nested = {
    samples: [{ a: Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i])), b: 1 }],
  };
  assert.match(print(nested), /^path,\.,a,b\r\n/);
  deepStrictEqual(readUdtCsv(print(nested)), nested);
  const wide = { samples: [Object.fromEntries(Array.from({ length: 300 }, (_, i) => [`k${i}`, i]))] };
  assert.match(print(wide), /^path,\.\r\n/);
  deepStrictEqual(readUdtCsv(print(wide)), wide);
});

test('the published examples of the form', () => {
  const csv = [
    'path,.,imageUrl,annotation,annotation.0.regionType,annotation.0.centerX',
    'interface,"{""type"":""image_segmentation"",""labels"":[""valid""]}",,,,',
    'samples.0,,https://a.example/1.jpg,,bounding-box,0.29',
    'samples.1,,https://a.example/2.jpg,null,,',
  ].join('\n');
  assert.equal(readUdtCsv(csv), {
    interface: { type: 'image_segmentation', labels: ['valid'] },
    samples: [
      { imageUrl: 'https://a.example/1.jpg', annotation: [{ regionType: 'bounding-box', centerX: 0.29 }] },
      { imageUrl: 'https://a.example/2.jpg', annotation: null },
    ],
  });
  const stars = 'path,document,annotation\nsamples.*,"first",\nsamples.*,second,good\n';
  assert.equal(readUdtCsv(stars), {
    samples: [{ document: 'first' }, { document: 'second', annotation: 'good' }],
  });
  const friends = [
    'path,.,name,dogs.*,dogs.*',
    'myName,John,,,',
    'friends.*,,Stacy,Rufus,',
    'friends.*,,Paul,Mr. Fluffs,Whimpers',
    'friends.*.cats.0,Tom,,,',
  ].join('\r\n');
  const read = readUdtCsv(friends);
  assert.equal(read, {
    myName: 'John',
    friends: [
      { name: 'Stacy', dogs: ['Rufus'] },
      { name: 'Paul', dogs: ['Mr. Fluffs', 'Whimpers'], cats: ['Tom'] },
    ],
  });
  assert.equal(readAsUdt(friends), read);
});

test('a table without paths is a list of samples, with the names that UDT knows; spreadsheets may separate as they like', () => {
  const expected = { interface: {}, samples: [{ document: 'hi, you', label: 'a' }, { document: 'yo' }] };
  assert.equal(readUdtCsv('Text,label\n"hi, you",a\nyo,\n'), expected);
  assert.equal(readUdtCsv('text;label\r\nhi, you;a\r\nyo;\r\n;\r\n\r\n'), expected);
  assert.equal(readUdtCsv('text\tlabel\nhi, you\ta\nyo\t\n'), expected);
  assert.equal(readUdtCsv('path;.;document\ninterface;{};\nsamples.0;;a,b,c\n'), {
    interface: {},
    samples: [{ document: 'a,b,c' }],
  });
  assert.equal(readUdtCsv('image url\nhttp://a/1.png\n'), {
    interface: {},
    samples: [{ imageUrl: 'http://a/1.png' }],
  });
  assert.equal(readUdtCsv('text,document\na,b\n').samples, [{ text: 'a', document: 'b' }]);
});

test('rows may come in any order, a gap is null, and long digits stay text', () => {
  assert.equal(readUdtCsv('path,document\nsamples.2,c\nsamples.0,a\n'), {
    samples: [{ document: 'a' }, null, { document: 'c' }],
  });
  assert.equal(readUdtCsv('path,id\nsamples[0],12345678901234567890\n"samples[""1""]",007\n'), {
    samples: [{ id: '12345678901234567890' }, { id: '007' }],
  });
});

test('what is wrong is refused with its line and what would be right', () => {
  const cases: readonly [string, RegExp][] = [
    ['', /^is empty$/],
    ['path,document\nsamples.0,"a\nb', /^line 2: a cell begins with a quotation mark that is never closed/],
    [
      'path,document\nsamples.0,"a" b\n',
      /^line 2: a cell in quotation marks has one inside, which should be doubled/,
    ],
    ['path,document\nsamples.0,"a\nb"\n,x\n', /^line 4: the first cell should say which part .* samples\.0/],
    [
      'path,document\r\nsamples.0,"a\r\nb"\r\nsamples.1,x,y\r\n',
      /^line 4: there are more cells than the header has: 1/,
    ],
    ['path,a..b\nsamples.0,x\n', /^line 1: the path "a\.\.b" should be such as/],
    ['path,a\nsamples[,x\n', /^line 2: the path "samples\["/],
    ['path,a\nsamples.*.b.*,x\n', /^line 2: the path .* more than one \*/],
    ['path,__proto__.x\nsamples.0,1\n', /^line 1: .*__proto__/],
    ['path,x\n"a[""__proto__""]",1\n', /^line 2: .*__proto__/],
    ['path,.\na,"{""__proto__"":1}"\n', /^line 2: a cell is wrong: \/__proto__ has the key __proto__/],
    [
      'path,a,a.b\nsamples.0,text,1\n',
      /^line 2: samples\.0\.a\.b can't be set, because samples\.0\.a is "text"/,
    ],
    ['path,a\nsamples.0,1\nsamples.x,1\n', /^line 3: samples\.x\.a has x where a list has a number/],
    ['path,a\nsamples.99999999,1\n', /^line 2: samples\.99999999\.a leaves most of its list empty/],
    ['path,.\n.,[]\n', /^line 2: the whole file .* should be an object/],
    ['path,.\na,1\n.,{}\n', /^line 3: the whole file .* before its parts/],
    ['path,.\na,"""\\ud800"""\n', /^line 2: a cell is wrong: the root has a lone surrogate/],
    ['path,.\na,1e400\n', /^line 2: a cell is wrong: the root is a number too large/],
    [',text\n0,a\n', /^line 1: column 1 has no name: give it one, or remove it/],
    ['path (column first),a\n', /swap lines and columns/],
    [`path,.\n${'a.'.repeat(70)}b,1\n`, /nested deeper than 64/],
  ];
  for (const [csv, sentence] of cases) {
    assert.throws(
      () => readUdtCsv(csv),
      (error: Error) => sentence.test(error.message) || assert.unreachable(`${csv}: ${error.message}`),
    );
  }
});

test('gaps cost no more than the file is long', () => {
  const rows = Array.from({ length: 200 }, (_, i) => `a${i}.1300,1`);
  assert.throws(() => readUdtCsv(['path,.', ...rows].join('\n')), /lists have too many gaps/);
});

test.run();
