// Times: every spelling ends in the one that is stored, or is refused; the machine's time zone plays no part.

import { execFileSync } from 'node:child_process';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { parseTime, printTime } from '../../src/model/time.ts';

const test = suite('time');

const spellings: [sent: string, stored: string][] = [
  ['2024-05-17T09:30:00.123Z', '2024-05-17T09:30:00.123Z'],
  ['2024-05-17T09:30:00Z', '2024-05-17T09:30:00.000Z'],
  ['2024-05-17T09:30Z', '2024-05-17T09:30:00.000Z'],
  ['2024-05-17t09:30:00z', '2024-05-17T09:30:00.000Z'],
  ['2024-05-17', '2024-05-17T00:00:00.000Z'],
  // Cut, not rounded, before 1970 too.
  ['2024-05-17T09:30:00.1Z', '2024-05-17T09:30:00.100Z'],
  ['2024-05-17T09:30:00,5Z', '2024-05-17T09:30:00.500Z'],
  ['2024-05-17T23:59:59.999999Z', '2024-05-17T23:59:59.999Z'],
  ['2024-05-17T09:30:00.0009', '2024-05-17T09:30:00.000Z'],
  ['1969-12-31T23:59:59.9999Z', '1969-12-31T23:59:59.999Z'],
  [`2024-05-17T09:30:00.${'9'.repeat(100_000)}Z`, '2024-05-17T09:30:00.999Z'],
  // Without a zone it is UTC, also where a space stands for the T.
  ['2024-05-17T09:30:00.123', '2024-05-17T09:30:00.123Z'],
  ['2024-05-17 09:30:00.123456', '2024-05-17T09:30:00.123Z'],
  ['2024-05-17 09:30', '2024-05-17T09:30:00.000Z'],
  // Offsets.
  ['2024-05-17T09:30:00+02:00', '2024-05-17T07:30:00.000Z'],
  ['2024-05-17T09:30:00-0330', '2024-05-17T13:00:00.000Z'],
  ['2024-05-17 09:30:00.5+00', '2024-05-17T09:30:00.500Z'],
  ['2024-05-17 09:30:00 -0700', '2024-05-17T16:30:00.000Z'],
  ['2024-01-01T00:30:00+01:00', '2023-12-31T23:30:00.000Z'],
  ['2024-02-28T23:30:00-01:00', '2024-02-29T00:30:00.000Z'],
  ['2024-05-17T00:00:00-00:00', '2024-05-17T00:00:00.000Z'],
  // Years that JavaScript is odd about.
  ['0000-01-01', '0000-01-01T00:00:00.000Z'],
  ['0000-02-29', '0000-02-29T00:00:00.000Z'],
  ['0099-06-01T12:00Z', '0099-06-01T12:00:00.000Z'],
  ['9999-12-31T23:59:59.9999Z', '9999-12-31T23:59:59.999Z'],
  ['2000-02-29', '2000-02-29T00:00:00.000Z'],
];

test('WS-17 every spelling is stored as YYYY-MM-DDTHH:MM:SS.mmmZ', () => {
  for (const [sent, stored] of spellings) assert.is(parseTime(sent, 'authortime'), stored, sent.slice(0, 60));
});

test('WS-17 what was stored is read as itself', () => {
  for (const [, stored] of spellings) assert.is(parseTime(stored, 'authortime'), stored);
});

const refused = [
  '',
  'now',
  'yesterday',
  '1715938200000',
  '2024',
  '2024-05',
  '2024-5-7',
  '24-05-17',
  '2024/05/17',
  '17.05.2024',
  '2024-05-17T',
  '2024-05-17T09',
  '2024-05-17T9:30',
  '2024-05-17T09:30:00.',
  '2024-05-17T09:30:00.Z',
  '2024-05-17T09:30:00ZZ',
  '2024-05-17T09:30:00+',
  '2024-05-17T09:30:00+2',
  '2024-05-17T09:30:00 UTC',
  '2024-05-17  09:30:00',
  '2024-05-17Z',
  ' 2024-05-17',
  '2024-05-17\n',
  '2024-05-17T09:30:00Z\0',
  '２０２４-05-17',
  '-2024-05-17',
  '+002024-05-17T00:00:00Z',
  '12024-05-17',
  'Fri May 17 2024 09:30:00 GMT+0200',
  // Days and times that don't exist.
  '2024-00-10',
  '2024-13-10',
  '2024-05-00',
  '2024-05-32',
  '2024-04-31',
  '2024-02-30',
  '2023-02-29',
  '1900-02-29',
  '2024-05-17T24:00:00Z',
  '2024-05-17T25:00:00Z',
  '2024-05-17T09:60:00Z',
  '2024-05-17T09:30:60Z',
  '2024-05-17T09:30:00+24:00',
  '2024-05-17T09:30:00+01:60',
  // Years that don't fit.
  '0000-01-01T00:00:00+00:01',
  '9999-12-31T23:59:59-00:01',
];

test('WS-17 what is no time is refused by name', () => {
  for (const text of refused)
    assert.throws(
      () => parseTime(text, 'objects[0].authortime'),
      (error: unknown) =>
        error instanceof RejoinError &&
        error.code === 'bad-request' &&
        /^objects\[0\]\.authortime must .*2024-05-17T09:30:00\.000Z$/.test(error.message),
      text,
    );
});

test("WS-17 the machine's time zone plays no part", () => {
  const script = `import { parseTime } from './src/model/time.ts';
    console.log(parseTime('2024-03-31 02:30', 'f'), parseTime('2024-03-31', 'f'));`;
  for (const zone of ['Pacific/Kiritimati', 'America/St_Johns', 'Europe/Berlin']) {
    const printed = execFileSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '--eval', script],
      { env: { ...process.env, TZ: zone }, encoding: 'utf8', cwd: new URL('../..', import.meta.url) },
    );
    assert.is(printed.trim(), '2024-03-31T02:30:00.000Z 2024-03-31T00:00:00.000Z', zone);
  }
});

test('WS-17 a clock is printed alike', () => {
  assert.is(printTime(0), '1970-01-01T00:00:00.000Z');
  assert.is(printTime(1715938200123.9), '2024-05-17T09:30:00.123Z');
  assert.is(printTime(-0.5), '1969-12-31T23:59:59.999Z');
  assert.is(printTime(-62167219200000), '0000-01-01T00:00:00.000Z');
  assert.is(printTime(253402300799999), '9999-12-31T23:59:59.999Z');
});

test('WS-17 a clock outside the years 0000 to 9999 is a defect', () => {
  for (const epochMs of [-62167219200001, 253402300800000, NaN, Infinity, -Infinity])
    assert.throws(
      () => printTime(epochMs),
      (error: unknown) => error instanceof RejoinError && error.code === 'internal',
    );
});

test('WS-17 printed times sort as strings', () => {
  const epochs = [-62167219200000, -1, 0, 1, 999, 1000, 1715938200123, 253402300799999];
  const printed = epochs.map(printTime);
  assert.equal([...printed].sort(), printed);
});

test.run();
