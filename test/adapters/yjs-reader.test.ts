// YJS-11, YJS-7, YJS-3: one Yjs client's reader, on a socket that is full.

import type { Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { Answers } from '../../src/adapters/answers.ts';
import { Outgoing } from '../../src/adapters/outgoing.ts';
import { ToldUpdate } from '../../src/adapters/told-update.ts';
import { YjsReader } from '../../src/adapters/yjs-reader.ts';
import type { Project } from '../../src/core/project.ts';
import { RejoinError } from '../../src/errors.ts';
import { noUpdate } from '../../src/wire/yjs.ts';
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

type Encode = (read: (doc: Y.Doc) => unknown) => Promise<unknown>;

/** A reader whose client doesn't read and has enough waiting. */
function fullReader(encode: Encode): { reader: YjsReader; outgoing: Outgoing; failures: unknown[] } {
  const outgoing = new Outgoing(pair.server);
  const failures: unknown[] = [];
  const reader = new YjsReader({
    project: { encode } as unknown as Project,
    presence: { known: [], print: () => [][Symbol.iterator]() as unknown as Generator<Uint8Array, void> },
    outgoing,
    answers: new Answers(outgoing),
    onFailed: (error) => failures.push(error),
  });
  pair.client.pause();
  outgoing.send(Buffer.alloc(32 * 1024 * 1024)); // more than the network takes
  return { reader, outgoing, failures };
}

const emptyDocument: Encode = (read) => Promise.resolve(read(new Y.Doc()));

test('YJS-7 YJS-11 one that missed nothing but acknowledgements gets one', async () => {
  const { reader } = fullReader(emptyDocument);
  for (let i = 0; i < 1_000; i++) reader.tellUpdate(new ToldUpdate(noUpdate));
  pair.client.resume();
  await until('the acknowledgement', () => heard.length > 1);
  assert.equal([...heard[1]!], [0, 2, 2, 0, 0]);
});

test('YJS-11 what says nothing is not kept for one that has enough to read', async () => {
  const { reader, outgoing } = fullReader(emptyDocument);
  const before = outgoing.unsentBytes;
  for (let i = 0; i < 10; i++) reader.keepAlive(new Uint8Array([1, 1, 0]));
  assert.is(outgoing.unsentBytes, before, 'full');
  reader.tellUpdate(new ToldUpdate(noUpdate));
  await new Promise(setImmediate);
  const behind = outgoing.unsentBytes;
  for (let i = 0; i < 10; i++) reader.keepAlive(new Uint8Array([1, 1, 0]));
  assert.is(outgoing.unsentBytes, behind, 'and behind');
  pair.client.resume();
  await until('what it missed', () => heard.length > 1);
  reader.keepAlive(new Uint8Array([1, 1, 0]));
  await until('it is told as before', () => heard.length === 3);
});

test('YJS-11 a piece is made when the one before has left', async () => {
  const doc = new Y.Doc();
  for (let i = 0; i < 5; i++) doc.getArray('list').push([new Uint8Array(300 * 1024)]);
  const network = Reflect.get(pair.server, '_socket') as Socket;
  let encoded = 0;
  const { reader } = fullReader((read) => {
    if (++encoded === 2) network.cork(); // full again, behind the first piece
    return Promise.resolve(read(doc));
  });
  reader.tellUpdate(new ToldUpdate(Y.encodeStateAsUpdate(doc)));
  pair.client.resume();
  await until('the second piece waits', () => encoded === 2 && pair.server.bufferedAmount > 0);
  await new Promise((resolve) => setTimeout(resolve, 50));
  assert.is(encoded, 2);
  assert.ok(pair.server.bufferedAmount < 400 * 1024, `${pair.server.bufferedAmount} bytes wait`);
  network.uncork();
  await until('all pieces', () => heard.length === 6);
});

test('YJS-11 YJS-9 when what was missed can not be had, the connection is closed for it', async () => {
  const failure = new RejoinError('damaged', 'a hole');
  const { reader, failures } = fullReader(() => Promise.reject(failure));
  for (let i = 0; i < 1_000; i++) reader.tellUpdate(new ToldUpdate(noUpdate));
  pair.client.resume();
  await until('it is told', () => failures.length > 0);
  assert.equal(failures, [failure]);
});

test('YJS-11 a document that was read again meanwhile is begun again', async () => {
  const whole = new Y.Doc();
  whole.getArray('list').push([new Uint8Array(300 * 1024), new Uint8Array(300 * 1024)]);
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(whole));
  let asked = 0;
  const { reader } = fullReader((read) => Promise.resolve(read(asked++ === 0 ? whole : copy)));
  reader.tellUpdate(new ToldUpdate(Y.encodeStateAsUpdate(whole)));
  pair.client.resume();
  await until('three pieces', () => heard.length === 4); // the first one twice
  assert.is(heard[1]!.length, heard[2]!.length);
});

test.run();
