// The sync protocol of `/yjs`, byte for byte: what is said, in which frames, and what is acknowledged.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { Json } from '../../src/model/json.ts';
import { withServer } from '../support/with-server.ts';
import { RawYjsClient, step1, step2, update, updatesOf } from '../support/yjs-client.ts';

const test = suite('yjs protocol');
const wires = withServer(test);

const join = (room: string): Promise<RawYjsClient> => RawYjsClient.connect(wires.server().socketUrl, room);

/** How much the log holds, as a stream is told. */
async function headOf(room: string): Promise<Json | undefined> {
  const { sync } = await (await wires.connect()).fetchWithSync(room);
  return sync['since'];
}

/** Client 1 writes "a" into the text "t". */
const insertA = [1, 1, 1, 0, 4, 1, 1, 0x74, 1, 0x61, 0];

test('YJS-1 YJS-2 YJS-7 a session, byte for byte', async () => {
  const client = await join(wires.newProject());
  const answerTo = async (frame: readonly number[]): Promise<readonly number[]> => {
    const from = client.heard.length;
    client.send(frame);
    await client.until('an answer', () => client.heard.length > from);
    return [...client.heard[from]!.frame];
  };
  await client.waitFor('step-1');
  assert.equal(await answerTo([0, 0, 1, 0]), [0, 1, 2, 0, 0], 'step 2 of an empty document');
  assert.equal(await answerTo([0, 2, 11, ...insertA]), [0, 2, 11, ...insertA], 'the echo');
  assert.equal(await answerTo([0, 0, 1, 0]), [0, 1, 11, ...insertA], 'step 2');
  assert.equal(await answerTo([0, 0, 3, 1, 1, 1]), [0, 1, 2, 0, 0], 'step 2 for one who has it all');
  assert.equal(await answerTo([0, 1, 2, 0, 0]), [0, 2, 2, 0, 0], 'an empty step 2 is acknowledged');
  const present = [1, 6, 1, 1, 1, 2, 0x7b, 0x7d]; // client 1, clock 1, {}
  assert.equal(await answerTo(present), present, 'the echo of awareness');
  assert.equal(await answerTo([3]), present, 'who is here');
  assert.equal([...client.heard[0]!.frame], [0, 0, 1, 0], 'step 1 of an empty document came first');
  assert.is(client.heard.length, 8, 'one frame for each');
});

test('YJS-2 step 1 says what the server has, and comes before anything else', async () => {
  const room = wires.newProject();
  const first = await join(room);
  first.send([0, 2, 11, ...insertA]);
  await first.waitFor('update');
  const second = await join(room);
  await second.settle();
  assert.equal([...second.heard[0]!.frame], [0, 0, 3, 1, 1, 1]);
  assert.equal(second.typesAfter(0), ['step-1'], 'and nothing about presence when nobody is present');
});

test('YJS-2 step 2 is what the client lacks, no more', async () => {
  const room = wires.newProject();
  const source = new Y.Doc();
  const updates = updatesOf(source);
  source.getText('t').insert(0, 'first');
  const state = Y.encodeStateVector(source);
  source.getText('t').insert(5, ' second');
  const client = await join(room);
  for (const bytes of updates) client.send(update(bytes));
  await client.settle();
  const from = client.heard.length;
  client.send(step1(state));
  const { payload } = await client.waitFor('step-2', { from });
  assert.equal([...payload], [...Y.encodeStateAsUpdate(source, state)]);
});

test('YJS-1 a client may send several messages in a frame; each answer has its own', async () => {
  const client = await join(wires.newProject());
  await client.settle();
  const from = client.heard.length;
  client.send([0, 2, 11, ...insertA, 1, 6, 1, 1, 1, 2, 0x7b, 0x7d, 0, 0, 1, 0]);
  await client.waitFor('step-2', { from });
  const frames = client.heard.slice(from).map(({ type, frame }) => [type, frame.length]);
  assert.equal(
    frames.sort(),
    [
      ['awareness', 8],
      ['step-2', 14],
      ['update', 14],
    ].sort(),
  );
});

test('YJS-1 messages of unknown types and auth are passed over', async () => {
  const client = await join(wires.newProject());
  for (const frame of [[2, 0], [2, 0, 3, 0x61, 0x62, 0x63], [4], [100, 1], [0xff, 0xff, 3, 1, 2, 3]])
    client.send(frame);
  await client.settle();
  assert.equal(client.typesAfter(0), ['step-1']);
});

test('YJS-1 YJS-2 the unmodified provider syncs, edits and hears of edits', async () => {
  const room = wires.newProject();
  const alice = await wires.connectYjs(room);
  alice.doc.getText('t').insert(0, 'hello');
  const bob = await wires.connectYjs(room);
  const raw = await join(room);
  bob.doc.getText('t').insert(5, ' world');
  await raw.until('both edits', () => raw.heard.some(({ type }) => type === 'update'));
  await raw.settle();
  assert.is(raw.doc.getText('t').toJSON(), 'hello world');
});

test('YJS-6 what a client knows already is acknowledged and not logged again', async () => {
  const room = wires.newProject();
  const source = new Y.Doc();
  const [bytes] = withUpdates(source, () => source.getMap('m').set('k', 'v'));
  const [author, other] = [await join(room), await join(room)];
  author.send(update(bytes!));
  await other.waitFor('update');
  const head = await headOf(room);
  assert.is(JSON.stringify(head), JSON.stringify([[wires.server().serverId, 1]]));

  const [authorFrom, otherFrom] = [author.heard.length, other.heard.length];
  author.send(update(bytes!));
  const ack = await author.waitFor('update', { from: authorFrom });
  assert.equal([...ack.payload], [...bytes!], 'a duplicate update comes back as it is');
  author.send(step2(Y.encodeStateAsUpdate(source)));
  author.send(step2(new Uint8Array([0, 0])));
  await author.settle();
  const acks = author.heard.slice(authorFrom).filter(({ type }) => type === 'update');
  assert.equal(
    acks.slice(1).map(({ frame }) => [...frame]),
    [
      [0, 2, 2, 0, 0],
      [0, 2, 2, 0, 0],
    ],
    'a step 2 without news is acknowledged by an empty update',
  );
  await other.settle();
  assert.equal(other.typesAfter(otherFrom), [], 'nobody else hears of it');
  assert.equal(await headOf(room), head, 'and the log is as it was');
});

test('YJS-6 of an update that is new in part, the new part is logged and told', async () => {
  const room = wires.newProject();
  const source = new Y.Doc();
  const updates = withUpdates(source, () => {
    source.getText('t').insert(0, 'known');
    source.getMap('m').set('new', true);
  });
  const [author, other] = [await join(room), await join(room)];
  author.send(update(updates[0]!));
  await other.waitFor('update');
  const from = other.heard.length;
  author.send(step2(Y.encodeStateAsUpdate(source)));
  const told = await other.waitFor('update', { from });
  assert.equal([...told.payload], [...updates[1]!]);
  assert.equal(await headOf(room), [[wires.server().serverId, 2]]);
});

test('YJS-7 the author hears its own update once, as all others do', async () => {
  const room = wires.newProject();
  const source = new Y.Doc();
  const updates = withUpdates(source, () => {
    for (const letter of 'abc') source.getText('t').insert(0, letter);
  });
  const clients = [await join(room), await join(room), await join(room)];
  for (const bytes of updates) clients[0]!.send(update(bytes));
  for (const client of clients) {
    await client.settle();
    await client.until('all updates', () => client.typesAfter(0).length >= 4);
    assert.equal(client.typesAfter(0), ['step-1', 'update', 'update', 'update']);
    const told = client.heard.filter(({ type }) => type === 'update').map(({ payload }) => [...payload]);
    assert.equal(
      told,
      updates.map((bytes) => [...bytes]),
    );
    assert.is(client.doc.getText('t').toJSON(), 'cba');
  }
});

/** The updates of each transaction in `edit`. */
function withUpdates(doc: Y.Doc, edit: () => void): Uint8Array[] {
  const updates = updatesOf(doc);
  edit();
  return updates;
}

test.run();
