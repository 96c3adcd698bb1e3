// Frames of replication, printed and parsed: what goes in comes out, and what a broken peer or network makes of them is refused with a
// coded error, never with another.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../../src/errors.ts';
import type { Frame } from '../../../src/wire/replication/messages.ts';
import { parseFrame } from '../../../src/wire/replication/parse-message.ts';
import { printFrame } from '../../../src/wire/replication/print-message.ts';
import { randomNumber, randomReplicationMessage } from '../../support/random-replication.ts';
import { seededPrng } from '../../support/seed.ts';

const frames = suite('frames of replication');

function randomFrame(gen: prng.PRNG): Frame {
  return { number: randomNumber(gen), message: randomReplicationMessage(gen) };
}

frames('REP-1 a frame that was printed is parsed to the same message', () => {
  const gen = seededPrng('round trip of replication frames');
  const seen = new Set<string>();
  for (let round = 0; round < 2_000; round++) {
    const frame = randomFrame(gen);
    seen.add(frame.message.type);
    assert.equal(parseFrame(printFrame(frame)), frame);
  }
  assert.is(seen.size, 13);
});

frames('REP-1 a frame is read from the middle of other bytes, as sockets give them', () => {
  const gen = seededPrng('replication frames amid other bytes');
  for (let round = 0; round < 200; round++) {
    const frame = randomFrame(gen);
    const bytes = printFrame(frame);
    const before = prng.int32(gen, 1, 20);
    const around = Buffer.concat([new Uint8Array(before), bytes, new Uint8Array(9)]);
    assert.equal(parseFrame(around.subarray(before, before + bytes.length)), frame);
  }
});

frames('REP-5 a frame that is cut anywhere is refused as a bad request', () => {
  const gen = seededPrng('cut replication frames');
  for (let round = 0; round < 200; round++) {
    const bytes = printFrame(randomFrame(gen));
    const end = prng.int32(gen, 0, bytes.length - 1);
    assert.throws(() => parseFrame(bytes.subarray(0, end)), isBadRequest);
  }
});

frames('REP-5 mutated frames are parsed or refused as a bad request, and nothing else', () => {
  const gen = seededPrng('mutated replication frames');
  let refused = 0;
  for (let round = 0; round < 10_000; round++) {
    const bytes = mutated(gen, printFrame(randomFrame(gen)));
    try {
      const frame = parseFrame(bytes);
      assert.equal(parseFrame(printFrame(frame)), frame, 'what was accepted can be said again');
    } catch (error) {
      if (!isBadRequest(error)) throw error;
      refused++;
    }
  }
  assert.ok(refused > 1_000, `only ${refused} were refused`);
});

frames('REP-5 random bytes are parsed or refused as a bad request, and nothing else', () => {
  const gen = seededPrng('random bytes as replication frames');
  for (let round = 0; round < 10_000; round++) {
    const bytes = prng.uint8Array(gen, prng.int32(gen, 0, 64));
    if (bytes.length > 2) bytes[0] = 1;
    if (bytes.length > 2) bytes[1] = prng.int32(gen, 0, 13);
    try {
      parseFrame(bytes);
    } catch (error) {
      if (!isBadRequest(error)) throw error;
    }
  }
});

frames('a sentence that is too long is cut when it is printed, between characters', () => {
  const reason = `${'x'.repeat(1364)}🎬${'y'.repeat(10_000)}`;
  const { message } = parseFrame(
    printFrame({ number: 1, message: { type: 'ended', project: 'p', stream: 1, reason } }),
  );
  assert.is(message.type === 'ended' && message.reason, `${'x'.repeat(1364)}\ufffd`);
});

frames('a number or a length that no frame can hold is not printed', () => {
  for (const bytes of [-1, 0.5, Number.NaN, 2 ** 53])
    assert.throws(() => printFrame({ number: 1, message: { type: 'ack', bytes } }), RangeError);
  const instance = new Uint8Array(15);
  const message = { type: 'hello', protocol: 1, serverId: 1, instance, capabilities: [] } as const;
  assert.throws(() => printFrame({ number: 1, message }), RangeError);
});

function isBadRequest(error: unknown): boolean {
  return error instanceof RejoinError && error.code === 'bad-request';
}

function mutated(gen: prng.PRNG, bytes: Uint8Array): Uint8Array {
  const copy = Uint8Array.from(bytes);
  const at = prng.int32(gen, 0, copy.length - 1);
  switch (prng.int32(gen, 0, 4)) {
    case 0:
      copy[at] = prng.int32(gen, 0, 255);
      return copy;
    case 1:
      copy[at] = (copy[at] ?? 0) ^ (1 << prng.int32(gen, 0, 7));
      return copy;
    case 2:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + 1)]);
    case 3:
      return Buffer.concat([
        copy.subarray(0, at),
        prng.uint8Array(gen, prng.int32(gen, 1, 8)),
        copy.subarray(at),
      ]);
    default:
      return Buffer.concat([copy.subarray(0, at), new Uint8Array(8).fill(255), copy.subarray(at)]);
  }
}

frames.run();
