// YJS-11: Yjs clients that don't read for a while. The tests look at how much waits for them at the server.

import * as prng from 'lib0/prng';
import type { Socket } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { WebSocket } from 'ws';
import * as Y from 'yjs';
import { MemoryStore } from '../../src/store/memory.ts';
import { editAtRandom } from '../support/random-edits.ts';
import { sameDocument } from '../support/same-document.ts';
import { seededPrng } from '../support/seed.ts';
import { until } from '../support/until.ts';
import { RawYjsClient, awareness, readAwareness, step1, update, updatesOf } from '../support/yjs-client.ts';
import { startYjsRooms, type YjsRooms } from '../support/yjs-rooms.ts';

const test = suite('yjs readers that are behind');

let rooms: YjsRooms;
let store: HeldStore;
test.before.each(async () => {
  store = new HeldStore();
  rooms = await startYjsRooms(store);
});
test.after.each(async () => {
  store.letGo();
  await rooms.end();
});

/** What may wait at the server for one that doesn't read: half of it, and the frame that made it too much. */
const waitingBytesMax = 1024 * 1024;

class HeldStore extends MemoryStore {
  /** How many writes wait. */
  writing = 0;
  private mayWrite: Promise<void> = Promise.resolve();
  letGo = (): void => undefined;

  hold(): void {
    this.mayWrite = new Promise((resolve) => (this.letGo = resolve));
  }

  override async write(batch: Parameters<MemoryStore['write']>[0]): Promise<void> {
    this.writing++;
    await this.mayWrite;
    this.writing--;
    await super.write(batch);
  }
}

class Reader {
  mostWaiting = 0;

  private constructor(
    readonly client: RawYjsClient,
    private readonly serverEnd: WebSocket,
  ) {}

  static async join(room: string): Promise<Reader> {
    const client = await RawYjsClient.connect(rooms.url, room);
    const reader = new Reader(client, rooms.newest());
    await client.settle();
    return reader;
  }

  /** From now on all that is sent to it waits at the server, as if the network were full. */
  stall(): void {
    this.network.cork();
  }

  readOn(): void {
    while (this.network.writableCorked > 0) this.network.uncork();
    this.client.socket.resume();
  }

  /** How many bytes wait for it. */
  measure(): number {
    this.mostWaiting = Math.max(this.mostWaiting, this.serverEnd.bufferedAmount);
    return this.serverEnd.bufferedAmount;
  }

  /** Resolves when it has the same document, deletions too. */
  async catchesUp(doc: Y.Doc): Promise<void> {
    this.readOn();
    const whole = Y.snapshot(doc);
    await this.client.until('the document', () => Y.equalSnapshots(Y.snapshot(this.client.doc), whole));
    sameDocument(this.client.doc, doc);
  }

  private get network(): Socket {
    return Reflect.get(this.serverEnd, '_socket') as Socket;
  }
}

function withUpdates(doc: Y.Doc, change: () => void): Uint8Array[] {
  const updates = updatesOf(doc);
  change();
  return updates;
}

/** Writes to a room, each change when the one before is acknowledged, and measures those who don't read. */
class Author {
  readonly doc = new Y.Doc();
  private readonly updates = updatesOf(this.doc);

  private constructor(readonly client: RawYjsClient) {}

  static async join(room: string): Promise<Author> {
    const client = await RawYjsClient.connect(rooms.url, room);
    await client.settle();
    return new Author(client);
  }

  async write(change: (doc: Y.Doc) => void, ...stalled: readonly Reader[]): Promise<void> {
    this.doc.transact(() => change(this.doc));
    for (const bytes of this.updates.splice(0)) {
      const from = this.client.heard.length;
      this.client.send(update(bytes));
      await this.client.waitFor('update', { from });
    }
    for (const reader of stalled) reader.measure();
  }
}

const list = (doc: Y.Doc): Y.Array<Uint8Array> => doc.getArray('list');
const block = (kib: number): Uint8Array => new Uint8Array(kib * 1024);

/** A reader that is behind by more than is kept for it. */
async function behind(author: Author): Promise<Reader> {
  const reader = await Reader.join('p');
  reader.stall();
  for (let i = 0; i < 12; i++) await author.write((doc) => list(doc).push([block(100)]), reader);
  assert.ok(reader.measure() > 500 * 1024);
  return reader;
}

test('YJS-11 one that does not read costs little, others hear all, and it gets what it lacks bit by bit', async () => {
  const [author, slow, healthy] = [await Author.join('p'), await Reader.join('p'), await Reader.join('p')];
  slow.client.socket.pause();
  let writesLeft = 400; // the network takes some megabytes before anything waits at the server
  for (let i = 0; i < writesLeft; i++) {
    await author.write((doc) => {
      list(doc).push([block(100)]);
      if (i % 3 === 0) list(doc).delete(i % list(doc).length, 1);
      doc.getMap('udt').set(`${i % 7}`, i);
    }, slow);
    if (slow.measure() > 0) writesLeft = Math.min(writesLeft, i + 40);
  }
  await healthy.catchesUp(author.doc);
  assert.ok(slow.mostWaiting > 0, 'it was behind');
  assert.ok(slow.mostWaiting < waitingBytesMax, `${slow.mostWaiting} bytes waited`);
  assert.ok(slow.measure() > 0, 'it still is');
  const heardByNow = slow.client.heard.length;
  await slow.catchesUp(author.doc);
  const sizes = slow.client.heard.slice(heardByNow).map(({ frame }) => frame.length);
  assert.ok(
    Math.max(...sizes) < 512 * 1024,
    `the largest of ${sizes.length} frames has ${Math.max(...sizes)} bytes`,
  );

  const from = slow.client.heard.length;
  await author.write((doc) => doc.getText('t').insert(0, 'live'));
  const { frame } = await slow.client.waitFor('update', { from });
  assert.ok(frame.length < 100, 'it is told as all others are again');
});

test('YJS-11 small updates count with what each of them takes', async () => {
  const [author, slow] = [await Author.join('p'), await Reader.join('p')];
  slow.stall();
  for (let i = 0; i < 3_000; i++) await author.write((doc) => doc.getMap('udt').set('key', i), slow);
  assert.ok(
    slow.mostWaiting > 0 && slow.mostWaiting < 64 * 1024,
    `${slow.mostWaiting} bytes of small frames waited`,
  );
  await slow.catchesUp(author.doc);
});

test('YJS-11 of deletions alone, all are there in the end', async () => {
  const author = await Author.join('p');
  await author.write((doc) => doc.getText('t').insert(0, 'abc'.repeat(1_000)));
  const slow = await behind(author);
  for (let i = 0; i < 700; i++) await author.write((doc) => doc.getText('t').delete(i, 1), slow);
  assert.ok(slow.mostWaiting < waitingBytesMax);
  await slow.catchesUp(author.doc);
});

test('YJS-11 one that stops again in the middle costs as little, and gets the rest behind what it was getting', async () => {
  const author = await Author.join('p');
  const slow = await behind(author);
  for (let i = 0; i < 30; i++) await author.write((doc) => list(doc).push([block(100)]), slow);
  const from = slow.client.heard.length;
  slow.readOn();
  await slow.client.waitFor('update', { from, where: ({ frame }) => frame.length > 50 * 1024 });
  slow.stall();
  for (let i = 0; i < 10; i++) await author.write((doc) => list(doc).push([block(100)]), slow);
  assert.ok(slow.mostWaiting < waitingBytesMax, `${slow.mostWaiting} bytes waited`);
  await slow.catchesUp(author.doc);
});

test('YJS-11 one that is behind and asks for the document gets it when it reads on', async () => {
  const author = await Author.join('p');
  const slow = await behind(author);
  slow.client.send(step1(new Uint8Array([0])));
  await author.client.settle();
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.ok(slow.measure() < waitingBytesMax, `${slow.mostWaiting} bytes waited`);
  const from = slow.client.heard.length;
  slow.readOn();
  const { payload } = await slow.client.waitFor('step-2', { from });
  assert.ok(payload.length > 1024 * 1024);
  await slow.catchesUp(author.doc);
});

test('YJS-7 YJS-11 one that is behind has its own update acknowledged, and not before it is on disk', async () => {
  const author = await Author.join('p');
  const slow = await behind(author);
  const own = new Y.Doc();
  const [words] = withUpdates(own, () => own.getText('own').insert(0, 'mine'));
  store.hold();
  slow.client.send(update(words!));
  await until('it is on its way to the disk', () => store.writing > 0);
  slow.readOn();
  await until('nothing waits for it', () => slow.measure() === 0);
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.is(slow.client.doc.getText('own').toJSON(), '');
  store.letGo();
  await slow.client.until('its own words', () => slow.client.doc.getText('own').toJSON() === 'mine');
});

test('YJS-11 YJS-13 who came and who went meanwhile is told when it reads on', async () => {
  const author = await Author.join('p');
  const leaving = await RawYjsClient.connect(rooms.url, 'p');
  leaving.send(awareness([{ client: 1, clock: 1, state: 'leaves' }]));
  const slow = await behind(author);
  const from = slow.client.heard.length;
  await leaving.close();
  author.client.send(awareness([{ client: 2, clock: 1, state: 'came' }]));
  for (let clock = 1; clock < 3_000; clock++)
    author.client.send(awareness([{ client: 3, clock, state: 'x'.repeat(1_000) }]));
  await author.client.settle();
  slow.measure();
  assert.ok(slow.mostWaiting < waitingBytesMax, `${slow.mostWaiting} bytes waited`);
  await slow.catchesUp(author.doc);
  await slow.client.until('who is here', () => {
    const heard = slow.client.heard.slice(from).filter(({ type }) => type === 'awareness');
    const last = new Map(
      heard.flatMap(readAwareness).map(([client, clock, state]) => [client, { clock, state }]),
    );
    return last.get(1)?.state === null && last.get(2)?.state === 'came' && last.get(3)?.clock === 2_999;
  });
  author.client.send(awareness([{ client: 2, clock: 2, state: 'moved' }]));
  await slow.client.waitFor('awareness', { where: (heard) => readAwareness(heard)[0]?.[2] === 'moved' });
});

test('YJS-11 whoever reads at random and whenever others write, all have the same in the end', async () => {
  const random = seededPrng('slow readers');
  const author = await Author.join('p');
  const readers = [await Reader.join('p'), await Reader.join('p'), await Reader.join('p')];
  for (let step = 0; step < 150; step++) {
    const reader = prng.oneOf(random, readers);
    if (prng.int32(random, 0, 19) === 0) reader.readOn();
    else if (prng.int32(random, 0, 5) === 0) reader.stall();
    await author.write(
      (doc) => {
        editAtRandom(random, doc);
        list(doc).push([block(prng.oneOf(random, [0, 1, 50, 200]))]);
        if (prng.bool(random)) list(doc).delete(prng.int32(random, 0, list(doc).length - 1), 1);
      },
      ...readers,
    );
  }
  console.log(`most that waited: ${readers.map(({ mostWaiting }) => mostWaiting).join(', ')} bytes`);
  for (const reader of readers) {
    assert.ok(reader.mostWaiting < waitingBytesMax, `${reader.mostWaiting} bytes waited`);
    await reader.catchesUp(author.doc);
  }
});

test('YJS-11 the rest is not made for one that is behind and leaves', async () => {
  const author = await Author.join('p');
  const slow = await behind(author);
  slow.client.socket.terminate();
  await slow.client.closed;
  await author.write((doc) => doc.getMap('udt').set('a', 1), slow);
  await until('nothing waits', () => slow.measure() === 0);
});

test.run();
