// `Idempotency-Key` on PATCH: a request that is sent again does nothing twice, and is answered as the first was.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { deleteVersionRecord } from '../../src/core/idempotency.ts';
import { unsealVersionRecord } from '../../src/core/version-record.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { changesFarApart } from '../support/changes-far-apart.ts';
import { startFaultyServer, type FaultyServer } from '../support/faulty-server.ts';
import { startProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { UdtClient, call, type HttpReply } from '../support/udt-client.ts';
import { until } from '../support/until.ts';

/** For so long writers wait for a store that comes back: only a failure takes as long. */
const longMs = 60_000;

const test = suite<{ server: FaultyServer; udt: UdtClient }>('udt-idempotency');

test.before.each(async (context) => {
  context.server = await startFaultyServer({ writersWaitMs: longMs, environment: changesFarApart() });
  context.udt = await UdtClient.create(context.server.url, { list: [] });
});
test.after.each(async ({ server }) => {
  server.store.isBroken = false;
  await server.stop();
});

function patchWith({ base, id }: UdtClient, key: string, body: unknown): Promise<HttpReply> {
  return call('PATCH', `${base}/api/session/${id}`, body, { 'Idempotency-Key': key });
}

/** Appends to the list: done twice, it would show. */
function append(value: number): object {
  return { patch: [{ op: 'add', path: '/list/-', value }] };
}

async function listOf(udt: UdtClient): Promise<unknown> {
  return (await udt.get()).udt_json.list;
}

test('the same key with the same body answers what the first answered, also much later', async ({ udt }) => {
  const first = await patchWith(udt, 'key-1', append(1));
  assert.is(first.status, 200);
  await udt.patch([{ op: 'add', path: '/list/-', value: 2 }]);
  const again = await patchWith(udt, 'key-1', append(1));
  assert.is(again.status, 200);
  assert.is(again.text, first.text);
  assert.equal(await listOf(udt), [1, 2]);
  assert.is((await udt.get()).version, 2);
  const other = await patchWith(udt, 'key-2', append(1));
  assert.is((JSON.parse(other.text) as { latestVersion: number }).latestVersion, 3);
  assert.equal(await listOf(udt), [1, 2, 1]);
});

test('a PATCH that changes nothing makes its version once', async ({ udt }) => {
  const first = await patchWith(udt, 'empty', { patch: [] });
  assert.is((await patchWith(udt, 'empty', { patch: [] })).text, first.text);
  assert.is((await udt.get()).version, 1);
});

test('the same key with another body is refused with 409, and nothing is applied', async ({ udt }) => {
  await patchWith(udt, 'k', append(1));
  const { status, text } = await patchWith(udt, 'k', append(2));
  assert.is(status, 409);
  assert.is(text, 'The Idempotency-Key "k" was used for another body: use a new key for a new request');
  const [one, two] = await Promise.all([
    patchWith(udt, 'both', append(3)),
    patchWith(udt, 'both', append(4)),
  ]);
  assert.equal([one.status, two.status].sort(), [200, 409]);
  assert.is(((await listOf(udt)) as unknown[]).length, 2);
});

test('a refused PATCH leaves its key free', async ({ udt }) => {
  const bad = { patch: [{ op: 'replace', path: '/list/7', value: 1 }] };
  assert.is((await patchWith(udt, 'k', bad)).status, 409);
  assert.is((await patchWith(udt, 'k', append(1))).status, 200);
});

test('the keys of one session are not those of another', async ({ server, udt }) => {
  const other = await UdtClient.create(server.url, { list: [] });
  for (const client of [udt, other]) assert.is((await patchWith(client, 'k', append(1))).status, 200);
  for (const client of [udt, other]) assert.equal(await listOf(client), [1]);
});

test('while the first is in flight, others of its key wait and are answered the same', async ({ udt }) => {
  const replies = await Promise.all(Array.from({ length: 8 }, () => patchWith(udt, 'k', append(1))));
  assert.is(new Set(replies.map(({ status, text }) => `${status} ${text}`)).size, 1);
  assert.is(replies[0]?.status, 200);
  assert.equal(await listOf(udt), [1]);
});

test('UDT-20 large bodies are told apart to their last byte', async ({ udt }) => {
  const large = (end: string): object => {
    const values = Array.from({ length: 50_000 }, (_, i) => `value ${i}`);
    return { patch: [{ op: 'add', path: '/list/-', value: [...values, end] }] };
  };
  const first = await patchWith(udt, 'k', large('a'));
  assert.is(first.status, 200);
  assert.is((await patchWith(udt, 'k', large('a'))).text, first.text);
  assert.is((await patchWith(udt, 'k', large('b'))).status, 409);
  assert.is((await udt.get()).version, 1);
});

test('bad keys are refused with 400, and nothing is applied', async ({ udt }) => {
  for (const key of ['', 'two words', 'é', 'x'.repeat(257), 'tab\there', 'a, b']) {
    const { status, text } = await patchWith(udt, key, append(1));
    assert.is(status, 400, key);
    assert.match(text, /^"Idempotency-Key" should have 1 to 256 characters of visible ASCII/);
  }
  assert.is((await patchWith(udt, '~'.repeat(256), append(1))).status, 200);
  assert.is((await patchWith(udt, '"8e03978e-40d5-43dd-bc93-6894a57f9324"', append(2))).status, 200);
  assert.equal(await listOf(udt), [1, 2]);
});

test('UDT-6 a page may send the header: its preflight is told so, others hear the list as it was', async ({
  udt,
}) => {
  const url = `${udt.base}/api/session/${udt.id}`;
  const asked = { 'Access-Control-Request-Headers': 'content-type,idempotency-key' };
  const allowed = async (headers: Record<string, string>): Promise<string> =>
    (await call('OPTIONS', url, undefined, headers)).headers.get('access-control-allow-headers') ?? '';
  assert.is(await allowed(asked), `${await allowed({})},Idempotency-Key`);
});

for (const outcome of ['is lost', 'is stored'] as const) {
  test(`after an unknown outcome that ${outcome}, the retry finds out`, async ({ server, udt }) => {
    server.store.failNext(outcome);
    const first = patchWith(udt, 'k', append(1));
    const beside = patchWith(udt, 'k', append(1));
    assert.is((await first).status, 500);
    assert.ok([200, 500].includes((await beside).status));
    const again = await patchWith(udt, 'k', append(1));
    assert.is(again.status, 200);
    assert.is((JSON.parse(again.text) as { latestVersion: number }).latestVersion, 1);
    assert.equal(await listOf(udt), [1]);
    assert.is((await patchWith(udt, 'k', append(1))).text, again.text);
    // As after a crash between the write and the answer: all that was in memory is gone.
    const restarted = await startFaultyServer({ store: server.store });
    const client = new UdtClient(restarted.url, udt.id);
    assert.is((await patchWith(client, 'k', append(1))).text, again.text);
    assert.equal(await listOf(client), [1]);
    await restarted.stop();
  });
}

test('a request that was answered is answered again while nothing can be written', async (context) => {
  await context.server.stop();
  const server = (context.server = await startFaultyServer({ writersWaitMs: 30 }));
  const udt = await UdtClient.create(server.url, { list: [] });
  const first = await patchWith(udt, 'k', append(1));
  server.store.isBroken = true;
  assert.is((await patchWith(udt, 'lost', append(2))).status, 500);
  assert.is((await patchWith(udt, 'k', append(1))).text, first.text);
  assert.is((await patchWith(udt, 'k', append(2))).status, 409);
  await until('writers are refused', async () => (await patchWith(udt, 'lost', append(2))).status === 503);
});

test('a key goes with the version that it made', async ({ server, udt }) => {
  const { store } = server;
  await patchWith(udt, 'k', append(1));
  const keys = new ProjectKeys(udt.id);
  const key = keys.version(1);
  const record = unsealVersionRecord(key, (await store.get(key)) ?? new Uint8Array());
  assert.is(record.idempotencyKey, 'k');
  await store.write(deleteVersionRecord(keys, key, record));
  assert.is(await store.get(key), undefined);
  assert.is((await patchWith(udt, 'k', append(2))).status, 200, 'it is free again');
});

test('keys outlive a stop and a kill -9', async () => {
  const data = await temporaryFolder();
  let server = await startProcess(data);
  try {
    const { id } = await UdtClient.create(server.url, { list: [] });
    const at = (): UdtClient => new UdtClient(server.url, id);
    const killed = await patchWith(at(), 'killed', append(1));
    await server.kill('SIGKILL');
    server = await startProcess(data);
    const stopped = await patchWith(at(), 'stopped', append(2));
    await server.kill('SIGTERM');
    server = await startProcess(data);
    assert.is((await patchWith(at(), 'killed', append(1))).text, killed.text);
    assert.is((await patchWith(at(), 'stopped', append(2))).text, stopped.text);
    assert.is((await patchWith(at(), 'stopped', append(3))).status, 409);
    assert.equal(await listOf(at()), [1, 2]);
  } finally {
    await server.kill('SIGKILL');
    await removeFolder(data);
  }
});

test.run();
