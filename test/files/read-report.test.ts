// Reports in both forms: what is read of them, and that what is wrong is named by its place.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { messageOf } from '../../src/errors.ts';
import { readReportCsv, readReportJson, type Report } from '../../src/files/read-report.ts';

const test = suite('reading reports');

function told({ columns, rows }: Report): unknown {
  return { columns, rows: rows.map(({ place, fields }) => [place, Object.fromEntries(fields)]) };
}

function refusal(read: () => Report): string {
  try {
    read();
    return 'it was read';
  } catch (error) {
    return messageOf(error);
  }
}

test('CSV: a row is named by the line in which it begins, blank lines and missing cells are fine', () => {
  const text = 'clip_id,note,take\r\n11b,"two\r\nlines",3\r\n\r\n,,\r\n12,short\r\n"1,3",é,\r\n';
  assert.equal(told(readReportCsv(text)), {
    columns: ['clip_id', 'note', 'take'],
    rows: [
      ['line 2', { clip_id: '11b', note: 'two\r\nlines', take: '3' }],
      ['line 6', { clip_id: '12', note: 'short', take: '' }],
      ['line 7', { clip_id: '1,3', note: 'é', take: '' }],
    ],
  });
  assert.equal(told(readReportCsv('a;b\n1;2\n\n3;4')), {
    columns: ['a', 'b'],
    rows: [
      ['line 2', { a: '1', b: '2' }],
      ['line 4', { a: '3', b: '4' }],
    ],
  });
  assert.equal(told(readReportCsv('clip\n11b\n')), {
    columns: ['clip'],
    rows: [['line 2', { clip: '11b' }]],
  });
  assert.equal(readReportCsv('clip,take\n').rows, []);
});

test('JSON: numbers and booleans become strings, null is nothing, columns are those of all rows', () => {
  const text = '[{"clip_id":"11b","take":3,"ok":true,"none":null},{"scene":-1.5,"clip_id":""}]';
  assert.equal(told(readReportJson(text)), {
    columns: ['clip_id', 'take', 'ok', 'scene'],
    rows: [
      ['/0', { clip_id: '11b', take: '3', ok: 'true' }],
      ['/1', { scene: '-1.5', clip_id: '' }],
    ],
  });
  assert.equal(readReportJson('[]').rows, []);
});

test('what is wrong is named by line or path, with what would be right', () => {
  const csv: readonly [string, RegExp][] = [
    [' \n', /^is empty$/],
    ['a,b\n1,2\n1,2,3\n', /^line 3: there are more cells than the header has: 2$/],
    ['a,b\n"x\ny",2\n1,2,3\n', /^line 4: there are more cells/],
    ['a,b\n1,"2\n', /^line 2: a cell begins with a quotation mark that is never closed$/],
    ['a,,b\n1,2,3\n', /^line 1: column 2 has no name/],
    ['a,b,a\n1,2,3\n', /^line 1: columns 1 and 3 are both named "a"/],
    ['a,__proto__\n1,2\n', /^line 1: column 2 can't be named __proto__$/],
  ];
  for (const [text, sentence] of csv)
    assert.match(
      refusal(() => readReportCsv(text)),
      sentence,
    );
  const json: readonly [string, RegExp][] = [
    ['', /^is empty$/],
    ['{"a": 1,\n "b": }', /^is not JSON: line 2, column 7: a value is expected/],
    ['{"clip_id":"11b"}', /^should be a JSON list of rows/],
    ['[{"a":"1"},["b"]]', /^has at \/1 no row/],
    ['[{"a":"1"},null]', /^has at \/1 no row/],
    ['[{"a":"1"},{"b":{"c":1}}]', /^has at \/1\/b an object: a field should be/],
    ['[{"a\\/~b":["1"]}]', /^has at \/0\/a~1~0b a list: a field should be/],
    ['[{"a":12345678901234567890}]', /^has at \/0\/a a number whose last digits would be lost/],
    ['[{"a":"\\ud800"}]', /\/0\/a has a lone surrogate/],
  ];
  for (const [text, sentence] of json)
    assert.match(
      refusal(() => readReportJson(text)),
      sentence,
    );
});

test.run();
