// When things happen on `/yjs`: nothing before the project is loaded, nothing told before it is on disk. The store of
// these tests can be held, in reading and in writing.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { RejoinError } from '../../src/errors.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import type { Range, Write } from '../../src/store/store.ts';
import { until } from '../support/until.ts';
import { RawYjsClient, awareness, readAwareness, step1, update, updatesOf } from '../support/yjs-client.ts';
import { startYjsRooms } from '../support/yjs-rooms.ts';

class HeldStore extends MemoryStore {
  /** How many writes wait. */
  writing = 0;
  isFailing = false;
  private mayRead: Promise<void> = Promise.resolve();
  private mayWrite: Promise<void> = Promise.resolve();
  private letGoOfAll = (): void => undefined;

  holdReads(): void {
    this.mayRead = this.letGone();
  }

  holdWrites(): void {
    this.mayWrite = this.letGone();
  }

  letGo(): void {
    this.letGoOfAll();
  }

  private letGone(): Promise<void> {
    return new Promise((resolve) => (this.letGoOfAll = resolve));
  }

  override async get(key: Uint8Array): Promise<Uint8Array | undefined> {
    await this.mayRead;
    return super.get(key);
  }

  override async *scan(range: Range): ReturnType<MemoryStore['scan']> {
    await this.mayRead;
    yield* super.scan(range);
  }

  override async write(batch: readonly Write[]): Promise<void> {
    this.writing++;
    await this.mayWrite;
    this.writing--;
    if (this.isFailing) throw new RejoinError('outcome-unknown', 'an injected failure');
    await super.write(batch);
  }
}

const test = suite('yjs durability');
const endings: (() => Promise<void>)[] = [];

test.after.each(async () => {
  for (const end of endings.splice(0)) await end();
});

/** The adapter over a store that can be held. */
async function startHeld(disk = new MemoryDisk()): Promise<{ url: string; store: HeldStore }> {
  const store = new HeldStore(disk);
  const rooms = await startYjsRooms(store);
  endings.push(() => {
    store.letGo();
    return rooms.end();
  });
  return { url: rooms.url, store };
}

function edited(text: string): { doc: Y.Doc; bytes: Uint8Array } {
  const doc = new Y.Doc();
  const updates = updatesOf(doc);
  doc.getText('t').insert(0, text);
  return { doc, bytes: updates[0]! };
}

/** Awareness needs no store: when its echo is there, all that went before it and was not held is there too. */
async function hearsItself(client: RawYjsClient, clock: number): Promise<void> {
  client.send(awareness([{ client: 1, clock, state: {} }]));
  await client.waitFor('awareness', { where: (heard) => readAwareness(heard)[0]?.[1] === clock });
}

test('YJS-6 YJS-7 an update is told to nobody, its author included, before it is on disk', async () => {
  const { url, store } = await startHeld();
  const [author, other] = [await RawYjsClient.connect(url, 'p'), await RawYjsClient.connect(url, 'p')];
  await Promise.all([author.settle(), other.settle()]);
  store.holdWrites();
  const { bytes } = edited('careful');
  const from = other.heard.length;
  author.send(update(bytes));
  await until('the update is on its way to the disk', () => store.writing === 1);
  author.send(update(bytes)); // a duplicate of what is not durable is no more acknowledged
  await hearsItself(author, 1);
  await hearsItself(other, 2);
  assert.equal(author.heard.filter(({ type }) => type === 'update').length, 0);
  assert.equal(other.typesAfter(from), ['awareness', 'awareness']);

  store.letGo();
  assert.equal([...(await other.waitFor('update', { from })).payload], [...bytes]);
  await author.settle();
  const told = author.heard.filter(({ type }) => type === 'update').map(({ payload }) => [...payload]);
  assert.equal(told, [[...bytes], [...bytes]], 'its own, and the acknowledgement of the duplicate');
});

test('YJS-6 no state is told before it is on disk: neither step 1 nor step 2', async () => {
  const { url, store } = await startHeld();
  const author = await RawYjsClient.connect(url, 'p');
  await author.settle();
  store.holdWrites();
  const { doc, bytes } = edited('careful');
  const from = author.heard.length;
  author.send(update(bytes));
  await until('the update is on its way to the disk', () => store.writing === 1);
  author.send(step1(new Uint8Array([0])));
  const late = await RawYjsClient.connect(url, 'p');
  await hearsItself(author, 1);
  assert.equal(
    author.heard.slice(from).map(({ type }) => type),
    ['awareness'],
  );
  assert.is(late.heard.length, 0);

  store.letGo();
  assert.equal([...(await late.waitFor('step-1')).payload], [...Y.encodeStateVector(doc)]);
  assert.equal([...(await author.waitFor('step-2', { from })).payload], [...bytes]);
});

test('YJS-6 YJS-9 a write that fails is told to nobody: everybody starts anew', async () => {
  const { url, store } = await startHeld();
  const [author, other] = [await RawYjsClient.connect(url, 'p'), await RawYjsClient.connect(url, 'p')];
  await Promise.all([author.settle(), other.settle()]);
  store.isFailing = true;
  author.send(update(edited('lost').bytes));
  for (const client of [author, other]) {
    assert.is((await client.closed).code, 1012);
    assert.equal(client.typesAfter(0), ['step-1']);
  }

  store.isFailing = false;
  const again = await RawYjsClient.connect(url, 'p');
  again.send(update(edited('kept').bytes));
  await again.waitFor('update');
  await again.settle();
  assert.is(again.doc.getText('t').toJSON(), 'kept');
});

/** A disk with a project "p" that holds a text. */
async function writtenDisk(text: string): Promise<MemoryDisk> {
  const disk = new MemoryDisk();
  const { url } = await startHeld(disk);
  const client = await RawYjsClient.connect(url, 'p');
  client.send(update(edited(text).bytes));
  await client.waitFor('update');
  return disk;
}

test('YJS-4 what a client sends before the project is loaded is answered then, in order', async () => {
  const disk = await writtenDisk('old');
  const { url, store } = await startHeld(disk);
  store.holdReads();
  const { bytes } = edited('new');
  const client = await RawYjsClient.connect(url, 'p', {
    sendAtOnce: [
      step1(new Uint8Array([0])),
      awareness([{ client: 1, clock: 1, state: {} }]),
      update(bytes),
      step1(new Uint8Array([0])),
    ],
  });
  const gone = await RawYjsClient.connect(url, 'p', { sendAtOnce: [update(edited('lost').bytes)] });
  gone.socket.terminate();
  await gone.closed;
  assert.is(client.heard.length, 0);

  store.letGo();
  await client.until('both answers', () => client.heard.filter(({ type }) => type === 'step-2').length === 2);
  assert.is(client.heard[0]!.type, 'step-1', 'the greeting comes first');
  const answers = client.heard.filter(({ type }) => type === 'step-2').map(({ payload }) => textIn(payload));
  assert.is(answers[0], 'old', 'the first question was asked before the edit');
  assert.ok(answers[1]!.includes('old') && answers[1]!.includes('new'), answers[1]);
  assert.equal([...(await client.waitFor('update')).payload], [...bytes]);
  await client.waitFor('awareness');
});

function textIn(bytes: Uint8Array): string {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, bytes);
  return doc.getText('t').toJSON();
}

test('YJS-4 what is sent before the project is loaded waits in the network, not in memory', async () => {
  const disk = await writtenDisk('old');
  const { url, store } = await startHeld(disk);
  const ready = await RawYjsClient.connect(url, 'q');
  await ready.settle();
  store.holdReads();
  const early = await RawYjsClient.connect(url, 'p');
  const auth = new Uint8Array(256 * 1024); // passed over when it is read
  auth[0] = 2;
  for (const client of [early, ready]) for (let i = 0; i < 256; i++) client.send(auth);
  await hearsItself(ready, 1);
  assert.is(ready.socket.bufferedAmount, 0, 'one that is let in is read from');
  assert.ok(early.socket.bufferedAmount > 32 * 1024 * 1024, `${early.socket.bufferedAmount} bytes wait`);

  store.letGo();
  await early.settle();
  assert.is(early.doc.getText('t').toJSON(), 'old');
});

test.run();
