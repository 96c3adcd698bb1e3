// The three wires while the disk takes no writes: what is stored can be read, writers are told in plain words that nothing
// was written, and all goes on by itself.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { realEnvironment } from '../../src/model/environment.ts';
import { startFaultyServer, type FaultyServer } from '../support/faulty-server.ts';
import { StreamClient, newEntry, versionsOf } from '../support/stream-client.ts';
import { UdtClient } from '../support/udt-client.ts';
import { until } from '../support/until.ts';
import { RawYjsClient, connectProvider, step2, update } from '../support/yjs-client.ts';

const test = suite<{ server: FaultyServer; udt: UdtClient; clock: { aheadMs: number } }>('disk failure');
/** Changes further apart need no refresh (UDT-8), which would be a version of its own. */
const farMs = 10_000;

test.before.each(async (context) => {
  const clock = { aheadMs: 0 };
  const environment = { ...realEnvironment, now: () => Date.now() + clock.aheadMs };
  context.clock = clock;
  context.server = await startFaultyServer({ writersWaitMs: 30, environment });
  context.udt = await UdtClient.create(context.server.url, { n: 0 });
});
test.after.each(async ({ server }) => {
  server.store.isBroken = false;
  await server.stop();
});

/** From here on nothing can be written, and the time that writers wait is over. */
async function breakDisk({ store, projects }: FaultyServer, udt: UdtClient): Promise<void> {
  store.isBroken = true;
  const reply = await udt.tryPatch({ patch: [{ op: 'add', path: '/lost', value: true }] });
  assert.is(reply.status, 500);
  assert.is(reply.text, 'The outcome is unknown: the store failed');
  await until('writers are refused', async () => {
    try {
      await projects.context.recovery.writing(() => Promise.resolve());
    } catch {
      return true;
    }
    return false;
  });
}

async function repairDisk({ store, projects }: FaultyServer): Promise<void> {
  store.isBroken = false;
  await until('writing resumes', () => projects.writingProblem === null);
}

const sentence =
  'Nothing was written: the disk is full. What is stored can be read, and writing resumes by itself as soon as that is over';

test('UDT-5 polls and reads are answered while the disk fails; a PATCH and a POST get 503 with Retry-After', async ({
  server,
  udt,
  clock,
}) => {
  clock.aheadMs += farMs;
  await udt.patch([{ op: 'replace', path: '/n', value: 1 }]);
  clock.aheadMs += farMs;
  await breakDisk(server, udt);
  for (const since of ['0', '1', '77', '2024-05-17T09:30:00Z'])
    assert.is((await udt.tryDiffs(since)).status, 200);
  assert.equal((await udt.get()).udt_json, { n: 1 });
  const refused = [
    await udt.tryPatch({ patch: [] }),
    await udt.tryPatch({ patch: [{ op: 'add', path: '/m', value: 2 }] }),
    await fetch(`${server.url}/api/session`, { method: 'POST', body: '{"udt":{}}' }).then(async (reply) => ({
      status: reply.status,
      headers: reply.headers,
      text: await reply.text(),
    })),
  ];
  for (const { status, headers, text } of refused) {
    assert.is(status, 503);
    assert.is(headers.get('retry-after'), '5');
    assert.is(headers.get('access-control-allow-origin'), '*');
    assert.is(text, sentence);
  }
  await repairDisk(server);
  assert.equal((await udt.diffs(1)).patches, []);
  assert.is((await udt.patch([{ op: 'replace', path: '/n', value: 2 }])).latestVersion, 2);
});

test('UDT-5 a poll is held while the store is being opened again', async ({ server, udt }) => {
  const { store } = server;
  store.reopenFailures = 2; // it is closed for a while
  store.failNext('is lost');
  const patch = udt.tryPatch({ patch: [] });
  const statuses: number[] = [];
  await until('the store was opened', async () => {
    statuses.push((await udt.tryDiffs('0')).status);
    return store.reopened > 0;
  });
  assert.is((await patch).status, 500);
  assert.ok(statuses.every((status) => status === 200));
});

test('/ws has history and live streams while the disk fails; an upload is answered with `unavailable`', async ({
  server,
  udt,
}) => {
  const client = await StreamClient.connect(server.socketUrl);
  const before = newEntry('p');
  assert.is((await client.upload(before)).type, 'uploaded');
  const live = await client.subscribe('p');
  await breakDisk(server, udt);
  assert.equal(versionsOf(await client.fetch('p')), [before.version_uuid]);
  const refused = newEntry('p');
  const answer = await client.upload(refused);
  assert.equal([answer.type, answer.code, answer.message], ['error', 'unavailable', sentence]);
  await repairDisk(server);
  assert.is((await client.upload(refused)).type, 'uploaded');
  const streamed = await client.waitForObjects(live, 2);
  assert.equal(versionsOf(streamed), [before.version_uuid, refused.version_uuid]);
  assert.equal(
    streamed.map(({ seqno }) => seqno),
    [1, 2],
  );
  await client.close();
});

test('YJS-9 Yjs clients are sent away with 1012, come back and read; one that writes is sent away with 1013', async ({
  server,
  udt,
}) => {
  const doc = new Y.Doc();
  doc.getMap('app').set('k', 1);
  const writer = await RawYjsClient.connect(server.socketUrl, 'y');
  writer.send(update(Y.encodeStateAsUpdate(doc)));
  await writer.waitFor('update');
  await breakDisk(server, udt);
  assert.is((await writer.closed).code, 1012);

  const reader = await RawYjsClient.connect(server.socketUrl, 'y', {
    sendAtOnce: [step2(Y.encodeStateAsUpdate(doc))], // as a provider does that only reads
  });
  await reader.settle();
  assert.equal(reader.doc.getMap('app').toJSON(), { k: 1 });
  assert.is(reader.socket.readyState, reader.socket.OPEN);

  doc.getMap('app').set('k', 2);
  const again = await RawYjsClient.connect(server.socketUrl, 'y');
  again.send(update(Y.encodeStateAsUpdate(doc)));
  const { code, reason } = await again.closed;
  assert.is(code, 1013);
  assert.match(reason, /^Nothing was written: the disk is full/);
  assert.not.ok(
    again.heard.some(({ type }) => type === 'update'),
    'nothing is acknowledged',
  );

  const provider = await connectProvider(server.socketUrl, 'y', doc);
  try {
    await repairDisk(server);
    assert.is((await reader.closed).code, 1012, 'what it saw may be less than what is on disk');
    const check = await RawYjsClient.connect(server.socketUrl, 'y');
    await until('the provider has sent its change by itself', async () => {
      await check.settle();
      return check.doc.getMap('app').get('k') === 2;
    });
    await check.close();
  } finally {
    provider.destroy();
  }
});

test.run();
