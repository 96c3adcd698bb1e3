// A client that writes under the server's own Yjs clientIDs: two writers under one would make documents diverge, so the
// server takes new ones and everything goes on.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { startServer } from '../support/server.ts';
import { StreamClient, newEntry, versionsOf } from '../support/stream-client.ts';
import { UdtClient } from '../support/udt-client.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';
import { RawYjsClient, update } from '../support/yjs-client.ts';

const test = suite('yjs foreign ids');
const wires = withServer(test);

/** What a client makes that takes this clientID, on top of the document. */
function writtenUnder(clientID: number, doc: Y.Doc, edit: (doc: Y.Doc) => void): Uint8Array {
  const copy = new Y.Doc();
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(doc));
  copy.clientID = clientID;
  const before = Y.encodeStateVector(copy);
  edit(copy);
  return Y.encodeStateAsUpdate(copy, before);
}

const clientsOf = (doc: Y.Doc): number[] => [...Y.decodeStateVector(Y.encodeStateVector(doc)).keys()];

for (const victim of ['edits', 'uploads'] as const)
  test(`the server goes on when a client writes under its clientID for ${victim}`, async () => {
    const { url, socketUrl } = wires.server();
    const session = await UdtClient.create(url, { interface: { type: 'x' }, samples: [{ document: 'one' }] });
    const attacker = await RawYjsClient.connect(socketUrl, session.id);
    await attacker.settle();
    const [edits] = clientsOf(attacker.doc);
    const stream = await wires.connect();
    const entries = [newEntry(session.id), newEntry(session.id), newEntry(session.id)];
    assert.is((await stream.upload(entries[0]!))['type'], 'uploaded');
    await attacker.settle();
    const uploads = clientsOf(attacker.doc).find((client) => client !== edits);
    const provider = await wires.connectYjs(session.id);

    const stolen = victim === 'edits' ? edits! : uploads!;
    const hostile = writtenUnder(stolen, attacker.doc, (doc) => doc.getMap('mine').set('k', [1, 2, 3]));
    attacker.send(update(hostile));
    await attacker.until('the hostile edit', () => attacker.doc.getMap('mine').has('k'));

    const { version } = await session.get();
    const patched = await session.patch([{ op: 'replace', path: '/samples/0/document', value: 'two' }]);
    assert.is(patched.latestVersion, version + 1);
    assert.is((await stream.upload(entries[1]!))['type'], 'uploaded');
    provider.doc.getMap('theirs').set('k', 1);

    // A second try, under the ids that the server has now.
    await attacker.settle();
    for (const client of clientsOf(attacker.doc).filter((client) => client !== provider.doc.clientID))
      attacker.send(
        update(writtenUnder(client, attacker.doc, (doc) => doc.getMap('mine').set(`k${client}`, 1))),
      );
    await attacker.settle();
    await session.patch([{ op: 'add', path: '/samples/-', value: { document: 'three' } }]);
    assert.is((await stream.upload(entries[2]!))['type'], 'uploaded');

    const wanted = { interface: { type: 'x' }, samples: [{ document: 'two' }, { document: 'three' }] };
    assert.equal((await session.get()).udt_json, wanted);
    const newcomer = await wires.connectYjs(session.id);
    await attacker.settle();
    for (const doc of [provider.doc, attacker.doc, newcomer.doc]) {
      await until('all documents are equal', () =>
        Y.equalSnapshots(Y.snapshot(doc), Y.snapshot(newcomer.doc)),
      );
      assert.equal(doc.getMap('udt').toJSON(), wanted);
      assert.is(doc.getMap('entries').size, 3);
      assert.is(doc.store.pendingStructs, null);
    }
    assert.equal(
      versionsOf(await stream.fetch(session.id)),
      entries.map(({ version_uuid }) => version_uuid),
    );
  });

test('what was written under a stolen clientID is still there after a restart, and the new ids are kept', async () => {
  const first = await startServer();
  const session = await UdtClient.create(first.url, { n: 0 });
  const attacker = await RawYjsClient.connect(first.socketUrl, session.id);
  await attacker.settle();
  const [edits] = clientsOf(attacker.doc);
  const hostile = writtenUnder(edits!, attacker.doc, (doc) => doc.getMap('udt').set('stolen', true));
  attacker.send(update(hostile));
  await attacker.waitFor('update');
  await session.patch([{ op: 'replace', path: '/n', value: 1 }]);
  await attacker.settle();
  const clientsBefore = clientsOf(attacker.doc).sort();
  await first.stop();

  const second = await startServer({ data: first.data });
  try {
    const again = new UdtClient(second.url, session.id);
    await again.patch([{ op: 'replace', path: '/n', value: 2 }]);
    assert.equal((await again.get()).udt_json, { n: 2, stolen: true });
    const client = await RawYjsClient.connect(second.socketUrl, session.id);
    await client.settle();
    assert.equal(clientsOf(client.doc).sort(), clientsBefore, 'no more clientIDs than before');
    assert.is(clientsBefore.length, 2);
    const stream = await StreamClient.connect(second.socketUrl);
    assert.is((await stream.upload(newEntry(session.id)))['type'], 'uploaded');
    await client.until('the entry', () => client.doc.getMap('entries').size === 1);
  } finally {
    await second.remove();
  }
});

test.run();
