// One frame of each type of replication, byte by byte as docs/replication-protocol.md has it: other releases send and
// expect just these.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReplicationMessage } from '../../../src/wire/replication/messages.ts';
import { parseFrame } from '../../../src/wire/replication/parse-message.ts';
import { printFrame } from '../../../src/wire/replication/print-message.ts';

const golden = suite('golden frames of replication');

interface Case {
  readonly message: ReplicationMessage;
  /** Field by field. */
  readonly hex: readonly string[];
}

const cases: readonly Case[] = [
  {
    message: {
      type: 'hello',
      protocol: 1,
      serverId: 1,
      instance: counted(0x10, 16),
      capabilities: ['fetch', 'é'],
    },
    hex: ['01', '00', '01', '01', '101112131415161718191a1b1c1d1e1f', '02', '05', '6665746368', '02', 'c3a9'],
  },
  {
    message: { type: 'refused', reason: 'twin', message: 'Zwölf' },
    hex: ['02', '01', '03', '06', '5a77c3b66c66'],
  },
  { message: { type: 'ack', bytes: 300 }, hex: ['03', '02', 'ac02'] },
  {
    message: {
      type: 'catalogue',
      entries: [
        { project: 'p1', digest: counted(0x20, 8) },
        { project: 'ü', digest: counted(0x30, 8) },
      ],
      isLast: true,
    },
    hex: ['04', '03', '02', '02', '7031', '2021222324252627', '02', 'c3bc', '3031323334353637', '01'],
  },
  {
    message: {
      type: 'standing',
      project: 'p1',
      standing: {
        lifecycle: 1,
        deletedMs: 1_700_000_000_000,
        heads: [
          { serverId: 1, seqno: 128, checksum: counted(0x40, 8) },
          { serverId: 2 ** 48 - 1, seqno: 2 ** 53 - 1, checksum: counted(0x50, 8) },
        ],
      },
    },
    hex: [
      ...['05', '04', '02', '7031', '01', '80d095ffbc31', '02'],
      ...['01', '8001', '4041424344454647'],
      ...['ffffffffffff3f', 'ffffffffffffff0f', '5051525354555657'],
    ],
  },
  {
    message: {
      type: 'want',
      project: 'p1',
      stream: 2,
      vector: new Map([
        [1, 128],
        [3, 9],
      ]),
    },
    hex: ['06', '05', '02', '7031', '02', '02', '01', '8001', '03', '09'],
  },
  {
    message: {
      type: 'groups',
      project: 'p1',
      stream: 2,
      isUnfinished: false,
      records: [counted(0x60, 3), counted(0x70, 1)],
    },
    hex: ['07', '06', '02', '7031', '02', '00', '02', '03', '606162', '01', '70'],
  },
  {
    message: { type: 'ended', project: 'p1', stream: 2, reason: 'damaged' },
    hex: ['08', '07', '02', '7031', '02', '07', '64616d61676564'],
  },
  {
    message: { type: 'fetch', project: 'p1', serverId: 7, first: 2, last: 300 },
    hex: ['09', '08', '02', '7031', '07', '02', 'ac02'],
  },
  {
    message: { type: 'fetched', project: 'p1', serverId: 7, records: [counted(0x60, 3)], isLast: true },
    hex: ['0a', '09', '02', '7031', '07', '01', '03', '606162', '01'],
  },
  {
    message: {
      type: 'snapshot',
      project: 'p1',
      stream: 2,
      isFirst: true,
      isLast: false,
      covers: new Map([
        [1, 128],
        [3, 9],
      ]),
      piece: counted(0x80, 2),
      records: [counted(0x60, 3)],
    },
    hex: [
      '0b',
      '0a',
      '02',
      '7031',
      '02',
      '01',
      '00',
      '02',
      '01',
      '8001',
      '03',
      '09',
      '02',
      '8081',
      '01',
      '03',
      '606162',
    ],
  },
  {
    message: {
      type: 'resume',
      project: 'p1',
      stream: 2,
      vector: new Map([[1, 128]]),
      kept: { name: counted(0x90, 16), pieces: 300, vector: new Map([[3, 9]]) },
    },
    hex: [
      ...['0c', '0b', '02', '7031', '02', '01', '01', '8001'],
      ...['909192939495969798999a9b9c9d9e9f', 'ac02', '01', '03', '09'],
    ],
  },
  {
    message: {
      type: 'part',
      project: 'p1',
      stream: 2,
      name: counted(0x90, 16),
      isFirst: false,
      isLast: true,
      covers: new Map([[3, 9]]),
      piece: new Uint8Array(),
      records: [counted(0x60, 3)],
    },
    hex: [
      ...['0d', '0c', '02', '7031', '02', '909192939495969798999a9b9c9d9e9f'],
      ...['00', '01', '01', '03', '09', '00', '01', '03', '606162'],
    ],
  },
];

golden('REP-1 every type of message is printed as it always was', () => {
  for (const [index, { message, hex }] of cases.entries())
    assert.is(Buffer.from(printFrame({ number: index + 1, message })).toString('hex'), hex.join(''));
});

golden('REP-1 every type of message is read as it always was', () => {
  for (const [index, { message, hex }] of cases.entries())
    assert.equal(parseFrame(Buffer.from(hex.join(''), 'hex')), { number: index + 1, message });
});

golden('REP-1 every reason of a refusal keeps its number', () => {
  const reasons = ['internal', 'malformed', 'protocol', 'twin', 'self', 'busy', 'stopping'] as const;
  for (const [number, reason] of reasons.entries())
    assert.equal(parseFrame(Uint8Array.of(1, 1, number, 0)).message, {
      type: 'refused',
      reason,
      message: '',
    });
});

golden(
  'REP-2 a vector is printed in the order of the server ids, without those that are known up to 0',
  () => {
    const vector = new Map([
      [3, 9],
      [2, 0],
      [1, 128],
    ]);
    const bytes = printFrame({ number: 6, message: { type: 'want', project: 'p1', stream: 2, vector } });
    assert.is(Buffer.from(bytes).toString('hex'), cases[5]?.hex.join(''));
  },
);

golden('REP-13 the hello of a newer version is read, whatever follows in it', () => {
  const hex = ['01', '00', '02', '05', '00'.repeat(16), '01', '01', '61', 'ffffffff'];
  assert.equal(parseFrame(Buffer.from(hex.join(''), 'hex')).message, {
    type: 'hello',
    protocol: 2,
    serverId: 5,
    instance: new Uint8Array(16),
    capabilities: ['a'],
  });
});

/** So many bytes that count from the first. */
function counted(first: number, length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => first + index);
}

golden.run();
