import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { decodeRecord, encodeRecord, type LogRecord } from '../../src/store/record.ts';

const object = Buffer.from('{"version_uuid":"v1","content":{"camera":"B"}}');
const update = Uint8Array.from([0, 0]);
const whole: LogRecord = {
  serverId: 2 ** 48 - 1,
  seqno: 12,
  groupIndex: 0,
  groupSize: 3,
  timeMs: 1_795_000_000_000,
  origin: { protocol: 'stream', user: 'Zoë' },
  kind: 'entry',
  object,
  update,
};

const test = suite('record');

test('a record comes back as it was written', () => {
  for (const record of [
    whole,
    { ...whole, object: null, kind: 'udt' as const },
    { ...whole, update: null, groupIndex: 2 },
    { ...whole, update: null, object: null, kind: 'session' as const, seqno: 1, timeMs: 0 },
  ]) {
    const { object: readObject, update: readUpdate, ...rest } = decodeRecord(encodeRecord(record));
    const { object: wroteObject, update: wroteUpdate, ...wrote } = record;
    assert.equal(rest, wrote);
    assert.equal(readObject && [...readObject], wroteObject && [...wroteObject]);
    assert.equal(readUpdate && [...readUpdate], wroteUpdate && [...wroteUpdate]);
  }
});

test('every flipped bit and every cut is found', () => {
  const bytes = encodeRecord(whole);
  for (let i = 0; i < bytes.length * 8; i++) {
    const flipped = Uint8Array.from(bytes);
    flipped[i >> 3] = (flipped[i >> 3] ?? 0) ^ (1 << (i & 7));
    assert.is(codeOf(flipped), 'damaged', `bit ${i}`);
  }
  for (let length = 0; length < bytes.length; length++)
    assert.is(codeOf(bytes.subarray(0, length)), 'damaged');
  assert.is(codeOf(Buffer.concat([bytes, Buffer.from([0])])), 'damaged');
});

test('who needs the object alone is not held up by the update, but by everything else that is damaged', () => {
  const bytes = encodeRecord(whole);
  const updateStart = bytes.length - update.length;
  for (let at = 0; at < bytes.length; at++) {
    const flipped = Uint8Array.from(bytes);
    flipped[at] = (flipped[at] ?? 0) ^ 1;
    if (at < updateStart)
      assert.throws(() => decodeRecord(flipped, 'object'), /damaged|decoded/, `byte ${at}`);
    else assert.equal(decodeRecord(flipped, 'object'), { ...decodeRecord(bytes), update: null });
  }
  assert.throws(() => decodeRecord(bytes.subarray(0, -1), 'object'), /decoded/);
});

test('a record stays readable without its update or its object, whose bytes the checksum leaves out', () => {
  const bytes = encodeRecord(whole);
  const head = bytes.length - object.length - update.length;
  const compacted = Buffer.concat([bytes.subarray(0, head), object]);
  compacted[0] = 1; // the object is present, the update is not
  assert.is(decodeRecord(compacted).update, null);
  assert.equal([...(decodeRecord(compacted).object ?? [])], [...object]);
  const erased = Buffer.concat([bytes.subarray(0, head), update]);
  erased[0] = 2;
  assert.is(decodeRecord(erased).object, null);
  assert.equal([...(decodeRecord(erased).update ?? [])], [...update]);
});

function codeOf(bytes: Uint8Array): string {
  try {
    decodeRecord(bytes);
  } catch (error) {
    if (error instanceof RejoinError) return error.code;
    throw error;
  }
  return 'it was read';
}

test.run();
