// Project ids: what is accepted, what is refused by name, and what is printed as a number.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { parseProjectId, printProjectId } from '../../src/model/project-id.ts';

const test = suite('project id');

function refuses(value: unknown, problem: RegExp) {
  assert.throws(
    () => parseProjectId(value, 'project_id'),
    (error: unknown) =>
      error instanceof RejoinError &&
      error.code === 'bad-request' &&
      error.message.startsWith('project_id ') &&
      problem.test(error.message),
    `${String(value).slice(0, 60)} should be refused with ${problem.source}`,
  );
}

test('WS-2 a string is taken as it is', () => {
  for (const id of ['a', '007', 'Film 1/Day 2?#%', '-0', '１', '🎬', '__proto__', 'constructor', ' '])
    assert.is(parseProjectId(id, 'project'), id);
});

test('WS-2 a safe integer is its decimal string', () => {
  assert.is(parseProjectId(7, 'project'), '7');
  assert.is(parseProjectId(-7, 'project'), '-7');
  assert.is(parseProjectId(-0, 'project'), '0');
  assert.is(parseProjectId(2 ** 53 - 1, 'project'), '9007199254740991');
});

test('WS-2 other numbers are refused', () => {
  for (const number of [1.5, 2 ** 53, -(2 ** 53), 1e300, NaN, Infinity, JSON.parse('1e400')])
    refuses(number, /integer of at most 2\^53 - 1, or a string/);
});

test('WS-2 what is neither is refused', () => {
  for (const value of [undefined, null, true, [], ['a'], {}, { toString: 'a' }, 7n, new Uint8Array(1)])
    assert.throws(() => parseProjectId(value, 'project'), /^project must be the id of a project/);
});

test('WS-2 the empty string is refused', () => refuses('', /empty/));

test('WS-2 the limit is 256 bytes of UTF-8, not characters', () => {
  assert.is(parseProjectId('a'.repeat(256), 'project').length, 256);
  assert.is(parseProjectId('é'.repeat(128), 'project').length, 128);
  refuses('a'.repeat(257), /256 bytes/);
  refuses('é'.repeat(129), /256 bytes/);
  refuses('🎬'.repeat(65), /256 bytes/);
  refuses('a'.repeat(20_000_000), /256 bytes/);
});

test('WS-2 control characters are refused: C0, DEL, C1', () => {
  for (const unit of [0, 1, 9, 10, 13, 0x1f, 0x7f, 0x80, 0x9f])
    refuses(`a${String.fromCharCode(unit)}b`, /NUL or another control character/);
  assert.is(parseProjectId('a\u00a0b', 'project'), 'a\u00a0b');
});

test('WS-25 a lone surrogate is refused', () => {
  refuses('a\ud800', /lone surrogate/);
  refuses('\udc00a', /lone surrogate/);
});

test('WS-2 a canonical decimal of a safe integer is printed as a number', () => {
  assert.is(printProjectId('7'), 7);
  assert.is(printProjectId('0'), 0);
  assert.is(printProjectId('-7'), -7);
  assert.is(printProjectId('9007199254740991'), 9007199254740991);
});

test('WS-2 everything else is printed as a string', () => {
  const others = [
    '007',
    '-0',
    '+7',
    '7.0',
    '1e3',
    '0x10',
    ' 7',
    '7 ',
    '',
    '9007199254740992',
    'Infinity',
    'NaN',
    '１',
  ];
  for (const id of others) assert.is(printProjectId(id), id);
});

test.run();
