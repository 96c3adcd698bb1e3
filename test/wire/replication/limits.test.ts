// What a frame of replication may not be: each limit and each rule of docs/replication-protocol.md, with the field that the error
// names.

import * as encoding from 'lib0/encoding';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../../src/errors.ts';
import { replicationLimits } from '../../../src/wire/replication/messages.ts';
import { parseFrame } from '../../../src/wire/replication/parse-message.ts';

const limits = suite('limits of replication frames');

const types = {
  hello: 0,
  refused: 1,
  ack: 2,
  catalogue: 3,
  standing: 4,
  want: 5,
  groups: 6,
  ended: 7,
  fetch: 8,
  fetched: 9,
  snapshot: 10,
  resume: 11,
  part: 12,
};
type Part = number | string | Uint8Array;

/** A frame: numbers as varUints, texts with their length, bytes as they are. */
function frame(type: keyof typeof types, ...parts: readonly Part[]): Uint8Array {
  return bytesOf(1, types[type], ...parts);
}

function bytesOf(...parts: readonly Part[]): Uint8Array {
  const encoder = encoding.createEncoder();
  for (const part of parts)
    if (typeof part === 'number') encoding.writeVarUint(encoder, part);
    else if (typeof part === 'string') encoding.writeVarString(encoder, part);
    else encoding.writeUint8Array(encoder, part);
  return encoding.toUint8Array(encoder);
}

const zeros = (length: number): Uint8Array => new Uint8Array(length);
const tooLarge = Uint8Array.of(0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10); // 2^53
const endless = new Uint8Array(100_000).fill(0x80);

function refused(bytes: Uint8Array, message: string | RegExp): void {
  assert.throws(
    () => parseFrame(bytes),
    (error: unknown) => {
      if (!(error instanceof RejoinError) || error.code !== 'bad-request') return false;
      if (typeof message === 'string') assert.is(error.message, message);
      else assert.match(error.message, message);
      return true;
    },
  );
}

limits('REP-3 frames are numbered from 1', () => {
  refused(bytesOf(0, types.ack, 1), 'frame.number must be an integer from 1 to 2^53 - 1');
  refused(bytesOf(tooLarge, types.ack, 1), 'frame.number must be an integer from 1 to 2^53 - 1');
  refused(endless, 'frame.number must be an integer from 1 to 2^53 - 1');
  refused(zeros(0), 'frame.number is cut off: the frame ends too early');
  refused(endless.subarray(0, 3), 'frame.number is cut off: the frame ends too early');
});

limits('REP-13 an unknown type is refused', () => {
  refused(bytesOf(1, 13), 'frame.type is 13; the highest that is known is 12');
  refused(bytesOf(1, endless), /^frame\.type must be an integer/);
  refused(bytesOf(1), 'frame.type is cut off: the frame ends too early');
});

limits('every message ends where its last field does', () => {
  refused(frame('ack', 1, zeros(3)), 'ack is followed by 3 bytes that belong to no field');
  const hello = frame('hello', 1, 5, zeros(16), 0, zeros(1));
  refused(hello, 'hello is followed by 1 bytes that belong to no field');
});

limits('REP-13 hello', () => {
  refused(frame('hello', 0), 'hello.protocol must be an integer from 1 to 2^53 - 1');
  refused(frame('hello', 1, 0), 'hello.serverId must be an integer from 1 to 2^48 - 1');
  refused(frame('hello', 1, 2 ** 48), 'hello.serverId must be an integer from 1 to 2^48 - 1');
  refused(frame('hello', 1, 1, zeros(15)), 'hello.instance is cut off: the frame ends too early');
  const start = [1, 1, zeros(16)] as const;
  refused(frame('hello', ...start, 65), 'hello.capabilities has 65 elements; at most 64 are allowed');
  refused(frame('hello', ...start, 3, 'a', ''), 'hello.capabilities has 3 elements, but only 3 bytes follow');
  refused(
    frame('hello', ...start, 2, 'a', '', 0),
    'hello.capabilities[1] is 0 bytes long; it must be 1 to 64',
  );
  refused(
    frame('hello', ...start, 1, 'a'.repeat(65)),
    'hello.capabilities[0] is 65 bytes long; it must be 1 to 64',
  );
  const most = Array.from({ length: 64 }, () => 'a'.repeat(64));
  const { message } = parseFrame(frame('hello', ...start, 64, ...most));
  assert.equal(message.type === 'hello' && message.capabilities, most);
});

limits('refused', () => {
  refused(frame('refused', 7, ''), 'refused.reason is 7; the highest that is known is 6');
  refused(frame('refused', 0, 'a'.repeat(4097)), 'refused.message is 4097 bytes long; it must be 0 to 4096');
  refused(frame('refused', 0, 2, Uint8Array.of(0xc3, 0x28)), 'refused.message must be valid UTF-8');
  refused(frame('refused', 0, 9, zeros(3)), 'refused.message is 9 bytes long, but only 3 bytes follow');
});

limits('ack', () => {
  refused(frame('ack', 0), 'ack.bytes must be an integer from 1 to 2^53 - 1');
  refused(frame('ack', tooLarge), 'ack.bytes must be an integer from 1 to 2^53 - 1');
});

limits('the id of a project is UTF-8 of 1 to 256 bytes, as on the other wires', () => {
  const types = [
    ...(['standing', 'want', 'groups', 'ended', 'fetch', 'fetched', 'snapshot', 'resume', 'part'] as const),
  ];
  for (const type of types) {
    refused(frame(type, ''), `${type}.project is 0 bytes long; it must be 1 to 256`);
    refused(frame(type, 'a'.repeat(257)), `${type}.project is 257 bytes long; it must be 1 to 256`);
    refused(frame(type, 1, Uint8Array.of(0xff)), `${type}.project must be valid UTF-8`);
    refused(frame(type, 3, Uint8Array.of(0xed, 0xa0, 0x80)), `${type}.project must be valid UTF-8`); // a lone surrogate
    refused(frame(type, 'a\0b'), `${type}.project must not contain NUL or another control character`);
    refused(frame(type, 5, zeros(2)), `${type}.project is 5 bytes long, but only 2 bytes follow`);
  }
});

limits('REP-2 catalogue', () => {
  refused(frame('catalogue', 1001), 'catalogue.entries has 1001 elements; at most 1000 are allowed');
  refused(frame('catalogue', 2, 'a', zeros(9)), 'catalogue.entries has 2 elements, but only 11 bytes follow');
  const entry = ['a', zeros(8)] as const;
  refused(frame('catalogue', 2, ...entry, 0, zeros(9)), /^catalogue\.entries\[1\]\.project is 0 bytes long/);
  refused(frame('catalogue', 2, ...entry, 'abc', zeros(7)), /^catalogue\.entries\[1\]\.digest is cut off/);
  refused(frame('catalogue', 1, ...entry, 2), 'catalogue.isLast must be an integer from 0 to 1');
  const most = Array.from({ length: 1000 }, () => entry).flat();
  const { message } = parseFrame(frame('catalogue', 1000, ...most, 1));
  assert.is(message.type === 'catalogue' && message.entries.length, 1000);
});

limits('REP-2 standing', () => {
  refused(frame('standing', 'p', 2 ** 31), 'standing.lifecycle must be an integer from 0 to 2^31 - 1');
  refused(frame('standing', 'p', 0, tooLarge), 'standing.deletedMs must be an integer from 0 to 2^53 - 1');
  const start = ['p', 0, 0] as const;
  refused(
    frame('standing', ...start, 65_537),
    'standing.heads has 65537 elements; at most 65536 are allowed',
  );
  refused(
    frame('standing', ...start, 2, zeros(19)),
    'standing.heads has 2 elements, but only 19 bytes follow',
  );
  refused(
    frame('standing', ...start, 1, 0, zeros(9)),
    'standing.heads[0].serverId must be an integer from 1 to 2^48 - 1',
  );
  refused(
    frame('standing', ...start, 1, 1, 0, zeros(8)),
    'standing.heads[0].seqno must be an integer from 1 to 2^53 - 1',
  );
  const rising = [5, 1, zeros(8)] as const;
  for (const second of [4, 5])
    refused(
      frame('standing', ...start, 2, ...rising, second, 1, zeros(8)),
      `standing.heads[1].serverId is ${second} and follows 5: server ids must rise`,
    );
});

limits('REP-2 want', () => {
  refused(frame('want', 'p', 0), 'want.stream must be an integer from 1 to 2^53 - 1');
  const start = ['p', 1] as const;
  refused(frame('want', ...start, 65_537), 'want.vector has 65537 elements; at most 65536 are allowed');
  refused(frame('want', ...start, 3, zeros(5)), 'want.vector has 3 elements, but only 5 bytes follow');
  refused(frame('want', ...start, 1, 1, 0), 'want.vector[0].seqno must be an integer from 1 to 2^53 - 1');
  refused(
    frame('want', ...start, 2, 3, 1, 3, 1),
    'want.vector[1].serverId is 3 and follows 3: server ids must rise',
  );
});

limits('REP-1 groups', () => {
  refused(frame('groups', 'p', 0), 'groups.stream must be an integer from 1 to 2^53 - 1');
  refused(frame('groups', 'p', 1, 2), 'groups.isUnfinished must be an integer from 0 to 1');
  const start = ['p', 1, 0] as const;
  refused(frame('groups', ...start, 0), 'groups.records must hold at least one record');
  const { records } = replicationLimits;
  refused(frame('groups', ...start, records + 1), /^groups\.records has 1048577 elements; at most 1048576/);
  refused(
    frame('groups', ...start, records, zeros(100)),
    /^groups\.records has 1048576 elements, but only 100 bytes/,
  );
  refused(frame('groups', ...start, 1, 0, 0), /^groups\.records\[0\] is 0 bytes long; it must be 1 to /);
  refused(
    frame('groups', ...start, 2, 'ab', 9, zeros(3)),
    'groups.records[1] is 9 bytes long, but only 3 bytes follow',
  );
  refused(frame('groups', ...start, 1, 2 ** 40, 0), /^groups\.records\[0\] is 1099511627776 bytes long/);
});

limits('REP-7 snapshot', () => {
  refused(frame('snapshot', 'p', 0), 'snapshot.stream must be an integer from 1 to 2^53 - 1');
  refused(frame('snapshot', 'p', 1, 2), 'snapshot.isFirst must be an integer from 0 to 1');
  refused(frame('snapshot', 'p', 1, 1, 2), 'snapshot.isLast must be an integer from 0 to 1');
  const start = ['p', 1, 1, 0] as const;
  refused(
    frame('snapshot', ...start, 2, 3, 1, 3, 1),
    'snapshot.covers[1].serverId is 3 and follows 3: server ids must rise',
  );
  refused(
    frame('snapshot', ...start, 0, 9, zeros(3)),
    'snapshot.piece is 9 bytes long, but only 3 bytes follow',
  );
  refused(
    frame('snapshot', ...start, 0, 0, 2, 'ab', 9, zeros(3)),
    'snapshot.records[1] is 9 bytes long, but only 3 bytes follow',
  );
  const { message } = parseFrame(frame('snapshot', ...start, 0, 0, 0));
  assert.is(message.type === 'snapshot' && message.piece.length + message.records.length, 0);
});

limits('REP-7 part', () => {
  refused(frame('part', 'p', 0), 'part.stream must be an integer from 1 to 2^53 - 1');
  refused(frame('part', 'p', 1, zeros(15)), 'part.name is cut off: the frame ends too early');
  refused(frame('part', 'p', 1, zeros(16), 2), 'part.isFirst must be an integer from 0 to 1');
  refused(
    frame('part', 'p', 1, zeros(16), 1, 0, 0, 9, zeros(3)),
    'part.piece is 9 bytes long, but only 3 bytes follow',
  );
});

limits('REP-7 resume', () => {
  refused(frame('resume', 'p', 0), 'resume.stream must be an integer from 1 to 2^53 - 1');
  refused(
    frame('resume', 'p', 1, 2, 3, 1, 3, 1),
    'resume.vector[1].serverId is 3 and follows 3: server ids must rise',
  );
  refused(frame('resume', 'p', 1, 0, zeros(15)), 'resume.kept.name is cut off: the frame ends too early');
  refused(
    frame('resume', 'p', 1, 0, zeros(16), tooLarge),
    'resume.kept.pieces must be an integer from 0 to 2^53 - 1',
  );
  refused(
    frame('resume', 'p', 1, 0, zeros(16), 0, 1, 3, 0),
    'resume.kept.vector[0].seqno must be an integer from 1 to 2^53 - 1',
  );
  refused(
    frame('resume', 'p', 1, 0, zeros(16), 0, 0, 0),
    'resume is followed by 1 bytes that belong to no field',
  );
});

limits('ended', () => {
  refused(frame('ended', 'p', 0, 'a'), 'ended.stream must be an integer from 1 to 2^53 - 1');
  refused(frame('ended', 'p', 1, 'a'.repeat(4097)), 'ended.reason is 4097 bytes long; it must be 0 to 4096');
});

limits('fetch and fetched', () => {
  refused(frame('fetch', 'p', 0), 'fetch.serverId must be an integer from 1 to 2^48 - 1');
  refused(frame('fetch', 'p', 1, 0), 'fetch.first must be an integer from 1 to 2^53 - 1');
  refused(frame('fetch', 'p', 1, 5, 4), 'fetch.last must be an integer from 5 to 2^53 - 1');
  refused(frame('fetched', 'p', 0), 'fetched.serverId must be an integer from 1 to 2^48 - 1');
  refused(frame('fetched', 'p', 1, 1, 'ab'), 'fetched.isLast is cut off: the frame ends too early');
  const { message } = parseFrame(frame('fetched', 'p', 1, 0, 1));
  assert.equal(message, { type: 'fetched', project: 'p', serverId: 1, records: [], isLast: true });
});

limits('a frame that is longer than any may be is refused unread', () => {
  const bytes = new Uint8Array(replicationLimits.frameBytes + 1); // zeros, which take no memory until they are touched
  refused(bytes, 'frame is 1073741825 bytes long; at most 1073741824 are allowed');
});

limits.run();
