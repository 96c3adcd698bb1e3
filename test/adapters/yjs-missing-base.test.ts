// An update that builds on something the server lacks (YJS-8): nothing of it is taken, its sender is asked for the rest,
// and nobody else hears of it.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { realEnvironment } from '../../src/model/environment.ts';
import { metric } from '../support/metrics.ts';
import { startServer } from '../support/server.ts';
import { withServer } from '../support/with-server.ts';
import { RawYjsClient, step2, update, updatesOf } from '../support/yjs-client.ts';

const test = suite('yjs missing base');
const wires = withServer(test);

const join = async (room: string): Promise<RawYjsClient> => {
  const client = await RawYjsClient.connect(wires.server().socketUrl, room);
  await client.settle();
  return client;
};

/** A document that was typed letter by letter, and the update of each. */
function typed(text: string): { doc: Y.Doc; updates: Uint8Array[] } {
  const doc = new Y.Doc();
  const updates = updatesOf(doc);
  for (let at = 0; at < text.length; at++) doc.getText('t').insert(at, text.charAt(at));
  return { doc, updates };
}

const asks = (client: RawYjsClient): number =>
  client.heard.filter(({ type }) => type === 'step-1').length - 1;

test('YJS-8 of an update without its base nothing is applied, logged, told or acknowledged', async () => {
  const room = wires.newProject();
  const [author, other] = [await join(room), await join(room)];
  const { doc, updates } = typed('ab');
  author.send(update(updates[1]!));
  const asked = await author.waitFor('step-1', { from: 1 });
  assert.equal([...asked.payload], [0], 'it is asked for what the server lacks');
  await Promise.all([author.settle(), other.settle()]);
  assert.equal(author.typesAfter(0), ['step-1', 'step-1']);
  assert.equal(other.typesAfter(0), ['step-1']);
  const late = await join(room);
  assert.equal([...late.heard.at(-1)!.frame], [0, 1, 2, 0, 0], 'nothing is kept that others could be sent');
  const { sync } = await (await wires.connect()).fetchWithSync(room);
  assert.equal(sync['since'], []);

  author.send(step2(Y.encodeStateAsUpdate(doc))); // as a provider answers
  await other.waitFor('update');
  await other.settle();
  assert.is(other.doc.getText('t').toJSON(), 'ab');
});

test('YJS-8 an update that has its base in part is not taken in part', async () => {
  const room = wires.newProject();
  const [author, other] = [await join(room), await join(room)];
  const { updates } = typed('abc');
  const holed = Y.mergeUpdates([updates[0]!, updates[2]!]);
  author.send(update(holed));
  await author.waitFor('step-1', { from: 1 });
  await other.settle();
  assert.equal(other.typesAfter(0), ['step-1']);
  assert.equal([...other.doc.share.keys()], []);
});

test('YJS-8 deletions of what is missing are asked for too', async () => {
  const room = wires.newProject();
  const [author, other] = [await join(room), await join(room)];
  author.send(update(new Uint8Array([0, 1, 9, 1, 0, 3]))); // client 9, from 0, 3 items
  await author.waitFor('step-1', { from: 1 });
  await Promise.all([author.settle(), other.settle()]);
  assert.equal(author.typesAfter(0), ['step-1', 'step-1']);
  assert.equal(other.typesAfter(0), ['step-1']);

  const { doc, updates } = typed('abc');
  author.send(update(Y.mergeUpdates(updates)));
  await other.waitFor('update');
  doc.getText('t').delete(0, 2);
  author.send(update(updates[3]!));
  await other.until('the deletion', () => other.doc.getText('t').toJSON() === 'c');
  assert.is(asks(author), 1);
});

test('YJS-8 a provider that has pending changes of its own goes on working', async () => {
  const room = wires.newProject();
  const { updates } = typed('ab');
  const provider = await wires.connectYjs(room);
  const other = await join(room);
  Y.applyUpdate(provider.doc, updates[1]!); // it lacks "a" itself: every step 2 of its will say "b"
  provider.doc.getMap('m').set('mine', 1);
  assert.ok(provider.doc.store.pendingStructs);
  await other.until('its edit', () => other.doc.getMap('m').get('mine') === 1);
  const bringer = await join(room);
  bringer.send(update(updates[0]!));
  await other.until('the base', () => other.doc.getText('t').toJSON().startsWith('a'));
});

test('YJS-8 the server asks once for the same ranges, and at once for others', async () => {
  const room = wires.newProject();
  const author = await join(room);
  const { updates } = typed('abcd');
  for (let i = 0; i < 5; i++) author.send(update(updates[1]!));
  author.send(step2(updates[1]!));
  await author.settle();
  assert.is(asks(author), 1);
  author.send(update(updates[3]!)); // lacks more
  await author.settle();
  assert.is(asks(author), 2);
  const other = await join(room);
  other.send(update(updates[1]!));
  await other.settle();
  assert.is(asks(other), 1, 'another connection is asked as well');
});

test('YJS-8 the server asks again for the same ranges after a pause, then a longer one', async () => {
  const stepMs = 250;
  let nowMs = Date.now();
  const server = await startServer({ environment: { ...realEnvironment, now: () => nowMs } });
  try {
    const author = await RawYjsClient.connect(server.socketUrl, 'room');
    await author.settle();
    const { updates } = typed('ab');
    const pauses: number[] = [];
    const sentAgain = async (): Promise<number> => {
      author.send(update(updates[1]!));
      await author.settle();
      return asks(author);
    };
    assert.is(await sentAgain(), 1);
    for (let asked = 1; asked < 4; asked++) {
      let pauseMs = 0;
      while ((await sentAgain()) === asked && pauseMs < 60_000) {
        nowMs += stepMs;
        pauseMs += stepMs;
      }
      pauses.push(pauseMs);
    }
    assert.ok(pauses[0]! >= 2 * stepMs && pauses[1]! > pauses[0]! && pauses[2]! > pauses[1]!, String(pauses));

    const counted = await metric(server.url, 'rejoin_events_total', { type: 'update-without-base' });
    assert.ok(counted > 4, 'each is counted');
  } finally {
    await server.remove();
  }
});

test.run();
