// YJS-11, YJS-7, YJS-3: one Yjs client's reader, on a socket that is full.

import type { Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Answers } from '../../src/adapters/answers.ts';
import { Outgoing } from '../../src/adapters/outgoing.ts';
import { YjsReader } from '../../src/adapters/yjs-reader.ts';
import { Feed } from '../../src/core/feed.ts';
import { RejoinError } from '../../src/errors.ts';
import type { Change } from '../../src/store/change.ts';
import { noUpdate, readFrame, writeUpdate } from '../../src/wire/yjs.ts';
import { socketPair, type SocketPair } from '../support/socket-pair.ts';
import { until } from '../support/until.ts';

const test = suite('yjs reader');

let pair: SocketPair;
let heard: Buffer[];
test.before.each(async () => {
  pair = await socketPair();
  heard = [];
  pair.client.on('message', (data: Buffer) => heard.push(data));
});
test.after.each(() => pair.end());

/** A reader at position 0 of a log, whose client doesn't read and has enough waiting. */
function fullReader(log: FakeLog): { reader: YjsReader; outgoing: Outgoing; failures: unknown[] } {
  const outgoing = new Outgoing(pair.server);
  const failures: unknown[] = [];
  const reader = new YjsReader(
    {
      follow: (position) => log.follow(position),
      presence: { known: [], print: () => [][Symbol.iterator]() as unknown as Generator<Uint8Array, void> },
      outgoing,
      answers: new Answers(outgoing),
      onFailed: (error) => failures.push(error),
    },
    0,
  );
  pair.client.pause();
  outgoing.send(Buffer.alloc(32 * 1024 * 1024)); // more than the network takes
  return { reader, outgoing, failures };
}

/** A log that is durable as soon as something is added. */
class FakeLog {
  readonly changes: Change[] = [];
  pagesRead = 0;
  failure: RejoinError | null = null;

  /** @returns what tells of it. */
  add(update: Uint8Array | null): { frame: Uint8Array; position: number } {
    const position = this.changes.length + 1;
    const origin = { protocol: 'yjs', user: 'anonymous' } as const;
    const place = { position, serverId: 9, seqno: position, groupIndex: 0, groupSize: 1, timeMs: 0 };
    this.changes.push({ ...place, origin, kind: 'update', object: null, update });
    return { frame: writeUpdate(update ?? noUpdate), position };
  }

  follow(position: number): Feed {
    const source = {
      shownPosition: this.changes.length,
      shownVector: new Map<number, number>(),
      ready: () => (this.failure ? Promise.reject(this.failure) : Promise.resolve()),
      recentAfter: (after: number) => {
        this.pagesRead++;
        return this.changes.slice(after, after + 1);
      },
      readStored: unused,
      positionOf: unused,
      onMoved: () => () => undefined,
    };
    Object.defineProperty(source, 'shownPosition', { get: () => this.changes.length });
    return Feed.behind(source, position);
  }
}

function unused(): never {
  throw new Error('the reader has no use for it');
}

const acknowledgement = { frame: writeUpdate(noUpdate), position: null };

test('YJS-7 YJS-11 one that missed nothing but acknowledgements gets one', async () => {
  const { reader } = fullReader(new FakeLog());
  for (let i = 0; i < 1_000; i++) reader.tellUpdate(acknowledgement);
  pair.client.resume();
  await until('the acknowledgement', () => heard.length > 1);
  assert.equal([...heard[1]!], [0, 2, 2, 0, 0]);
});

test('YJS-7 YJS-11 one that is behind is told the last number of durable messages, once, behind what it missed', async () => {
  const log = new FakeLog();
  const { reader, outgoing } = fullReader(log);
  const before = outgoing.unsentBytes;
  for (let count = 1; count <= 1_000; count++) reader.tellDurable(count);
  assert.is(outgoing.unsentBytes, before);
  reader.tellUpdate(log.add(new Uint8Array([7, 7])));
  pair.client.resume();
  await until('the number', () => heard.length > 2);
  assert.equal([...heard[1]!], [0, 2, 2, 7, 7]);
  assert.equal([...heard[2]!], [100, 232, 7]);
  reader.tellDurable(1_001);
  await until('it is told as before', () => heard.length === 4);
  assert.equal([...heard[3]!], [100, 233, 7]);
});

test('YJS-11 what says nothing is not kept for one that has enough to read', async () => {
  const { reader, outgoing } = fullReader(new FakeLog());
  const before = outgoing.unsentBytes;
  for (let i = 0; i < 10; i++) reader.keepAlive(new Uint8Array([1, 1, 0]));
  assert.is(outgoing.unsentBytes, before, 'full');
  reader.tellUpdate(acknowledgement);
  await new Promise(setImmediate);
  const behind = outgoing.unsentBytes;
  for (let i = 0; i < 10; i++) reader.keepAlive(new Uint8Array([1, 1, 0]));
  assert.is(outgoing.unsentBytes, behind, 'and behind');
  pair.client.resume();
  await until('what it missed', () => heard.length > 1);
  reader.keepAlive(new Uint8Array([1, 1, 0]));
  await until('it is told as before', () => heard.length === 3);
});

test('YJS-11 of much it missed, each update is read from the log when the one before has left, in the order of the log', async () => {
  const log = new FakeLog();
  const network = Reflect.get(pair.server, '_socket') as Socket;
  const { reader } = fullReader(log);
  for (let i = 1; i <= 6; i++) reader.tellUpdate(log.add(new Uint8Array(600 * 1024).fill(i)));
  const page = log.follow.bind(log);
  log.follow = (position) => {
    network.cork(); // full again, behind the first update
    return page(position);
  };
  pair.client.resume();
  await until('the first update waits', () => pair.server.bufferedAmount > 0 && log.pagesRead > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(log.pagesRead, 1);
  reader.tellUpdate(log.add(new Uint8Array(10).fill(7))); // what comes meanwhile is in the log as well
  network.uncork();
  await until('all of them', () => heard.length === 9);
  assert.equal(heard.slice(1, 8).map(firstByteOf), [1, 2, 3, 4, 5, 6, 7]);
  assert.equal([...heard[8]!], [0, 2, 2, 0, 0]);
  reader.tellUpdate(log.add(new Uint8Array(10).fill(8)));
  await until('it is told as before', () => heard.length === 10);
});

test('YJS-11 YJS-9 when what was missed can not be had, the connection is closed for it', async () => {
  const log = new FakeLog();
  log.failure = new RejoinError('damaged', 'a hole');
  const { reader, failures } = fullReader(log);
  for (let i = 0; i < 3; i++) reader.tellUpdate(log.add(new Uint8Array(200 * 1024)));
  pair.client.resume();
  await until('it is told', () => failures.length > 0);
  assert.equal(failures, [log.failure]);
});

test('YJS-11 YJS-9 what was compacted meanwhile is had by coming back', async () => {
  const log = new FakeLog();
  const { reader, failures } = fullReader(log);
  for (let i = 0; i < 3; i++) reader.tellUpdate(log.add(new Uint8Array(200 * 1024)));
  log.changes[1] = { ...log.changes[1]!, update: null };
  pair.client.resume();
  await until('it is told', () => failures.length > 0);
  assert.is((failures[0] as RejoinError).code, 'unavailable');
});

function firstByteOf(frame: Buffer): number | undefined {
  const [message] = readFrame(frame);
  return message?.type === 'update' ? message.update[0] : undefined;
}

test.run();
