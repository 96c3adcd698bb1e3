// YJS-7's `?ack=1`: how many of a connection's steps 2 and updates are durable, told on the wire. The store of these tests
// holds its writes until the test lets them go.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { RejoinError } from '../../src/errors.ts';
import { MemoryDisk } from '../../src/store/memory.ts';
import { HeldStore, someTurns } from '../support/held-store.ts';
import { until } from '../support/until.ts';
import {
  RawYjsClient,
  awareness,
  openProvider,
  step1,
  step2,
  update,
  updatesOf,
} from '../support/yjs-client.ts';
import { startYjsRooms, type YjsRooms } from '../support/yjs-rooms.ts';

const test = suite('yjs acknowledgements');

let store: HeldStore;
let rooms: YjsRooms;
let clients: RawYjsClient[];
test.before.each(async () => {
  store = new HeldStore(new MemoryDisk());
  store.isHolding = false;
  rooms = await startYjsRooms(store);
  clients = [];
});
test.after.each(async () => {
  letAllGo();
  for (const client of clients) client.socket.terminate();
  await rooms.end();
});

async function join(parameters = '?ack=1'): Promise<RawYjsClient> {
  const client = await RawYjsClient.connect(rooms.url, `p${parameters}`);
  clients.push(client);
  await client.settle();
  return client;
}

function letAllGo(): void {
  store.isHolding = false;
  while (store.waiting.length > 0) store.letGo();
}

/** A document that was typed letter by letter, and the update of each. */
function typed(text: string): { doc: Y.Doc; updates: Uint8Array[] } {
  const doc = new Y.Doc();
  const updates = updatesOf(doc);
  for (let at = 0; at < text.length; at++) doc.getText('t').insert(at, text.charAt(at));
  return { doc, updates };
}

const counts = (client: RawYjsClient): number[] =>
  client.heard.flatMap(({ count }) => (count === null ? [] : [count]));

const untilCounted = (client: RawYjsClient, count: number): Promise<void> =>
  client.until(`the count of ${count}`, () => counts(client).at(-1) === count);

/** All that a client has sent has been heard: its awareness comes back when what came before has been taken. */
async function isHeard(client: RawYjsClient, clock: number): Promise<void> {
  const from = client.heard.length;
  client.send(awareness([{ client: 1, clock, state: { clock } }]));
  await client.waitFor('awareness', { from });
  await someTurns();
}

test('YJS-7 an update is counted when it is on disk, and not before', async () => {
  const client = await join();
  store.isHolding = true;
  client.send(update(typed('a').updates[0]!));
  await until('it is on its way to the disk', () => store.waiting.length > 0);
  await isHeard(client, 1);
  assert.equal(counts(client), []);
  letAllGo();
  await untilCounted(client, 1);
  const { frame } = client.heard.find(({ type }) => type === 'durable')!;
  assert.equal([...frame], [100, 1], 'alone in its frame');
});

test('YJS-7 YJS-6 steps 2 and duplicates count, other messages do not', async () => {
  const client = await join();
  const { doc, updates } = typed('ab');
  client.send(step2(new Uint8Array([0, 0])));
  await untilCounted(client, 1);
  client.send(update(updates[0]!));
  client.send(awareness([{ client: 1, clock: 1, state: {} }]));
  client.send(update(updates[0]!));
  client.send(step1(new Uint8Array([0])));
  client.send([3]);
  await untilCounted(client, 3);
  client.send(step2(Y.encodeStateAsUpdate(doc)));
  await untilCounted(client, 4);
});

test('YJS-7 a duplicate of what is on its way to the disk is not counted ahead of it', async () => {
  const client = await join();
  store.isHolding = true;
  const [bytes] = typed('a').updates;
  client.send(update(bytes!));
  client.send(update(bytes!));
  await until('it is on its way to the disk', () => store.waiting.length > 0);
  await isHeard(client, 1);
  assert.equal(counts(client), []);
  letAllGo();
  await untilCounted(client, 2);
});

test('YJS-7 many that one write makes durable are told in one message', async () => {
  const client = await join();
  store.isHolding = true;
  for (const bytes of typed('abcdefghij').updates) client.send(update(bytes));
  await until('they are on their way', () => store.waiting.length > 0);
  await isHeard(client, 1);
  letAllGo();
  await untilCounted(client, 10);
  assert.ok(counts(client).length <= 3, String(counts(client)));
});

test('YJS-7 each connection has its own count; one that did not ask has none', async () => {
  const asking = await join('?x=2&ack=1');
  const others = [await join(''), await join('?ack=0'), await join('?acks=1')];
  const { updates } = typed('ab');
  for (const client of [asking, ...others]) client.send(update(updates[0]!));
  asking.send(update(updates[1]!));
  await untilCounted(asking, 2);
  for (const other of others) {
    await other.settle();
    await someTurns();
    assert.equal(counts(other), []);
  }
});

test('YJS-7 YJS-8 an update without its base holds the count back until a step 2 has brought both', async () => {
  const client = await join();
  const { doc, updates } = typed('abc');
  const mine = new Y.Doc();
  mine.getMap('m').set('k', 1);
  client.send(update(Y.encodeStateAsUpdate(mine)));
  await untilCounted(client, 1);
  client.send(update(updates[1]!)); // its base was never sent
  await client.waitFor('step-1', { from: 1 });
  client.send(update(Y.encodeStateAsUpdate(mine))); // known, and behind the one that isn't
  await isHeard(client, 1);
  assert.equal(counts(client), [1]);

  store.isHolding = true;
  client.send(step2(Y.encodeStateAsUpdate(doc)));
  await until('it is on its way to the disk', () => store.waiting.length > 0);
  await isHeard(client, 2);
  assert.equal(counts(client), [1]);
  letAllGo();
  await untilCounted(client, 4);
});

test('YJS-7 YJS-8 a step 2 that lacks its base, or came before the update that does, makes nothing durable', async () => {
  const client = await join();
  const { doc, updates } = typed('abcd');
  client.send(step2(updates[0]!));
  client.send(update(updates[2]!));
  client.send(step2(updates[3]!));
  await isHeard(client, 1);
  assert.equal(counts(client), [1]);
  client.send(update(Y.encodeStateAsUpdate(doc)));
  await isHeard(client, 2);
  assert.equal(counts(client), [1], 'an update brings its own content only');
  client.send(step2(new Uint8Array([0, 0])));
  await untilCounted(client, 5);
});

test('YJS-7 YJS-8 what somebody else brought the base of is asked for again', async () => {
  const [author, bringer] = [await join(), await join()];
  const { doc, updates } = typed('ab');
  author.send(update(updates[1]!));
  await author.waitFor('step-1', { from: 1 });
  bringer.send(update(updates[0]!));
  await author.waitFor('update');
  const asks = (): number => author.heard.filter(({ type }) => type === 'step-1').length;
  for (let clock = 1; asks() < 3; clock++) {
    assert.ok(clock < 100, 'it was not asked again within ten seconds');
    author.send(awareness([{ client: 1, clock, state: {} }])); // as a provider does every 15 s
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  assert.equal(counts(author), []);
  author.send(step2(Y.encodeStateAsUpdate(doc)));
  await untilCounted(author, 2);
});

test('YJS-7 YJS-9 a write that fails is not counted', async () => {
  const client = await join();
  store.write = () => Promise.reject(new RejoinError('outcome-unknown', 'an injected failure'));
  client.send(update(typed('a').updates[0]!));
  assert.is((await client.closed).code, 1012);
  assert.equal(counts(client), []);
});

test('YJS-7 a provider that asks goes on as ever', async () => {
  const opened = openProvider(rooms.url, 'p?ack=1');
  try {
    const strange: number[] = [];
    opened.provider.messageHandlers[100] = (_encoder, decoder) => void strange.push(decoder.arr.length);
    await opened.synced();
    opened.doc.getText('t').insert(0, 'x');
    await until('its step 2 and its update are counted', () => strange.length > 0);
    const other = await join('');
    assert.is(other.doc.getText('t').toJSON(), 'x');
  } finally {
    opened.destroy();
  }
});

test.run();
