// What a client gets whose version is no use here, or that names a time instead of one.
// Runs in a process of its own, since it sets the time zone.

import jsonPatch from 'fast-json-patch';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { UdtClient, call, plainHash, type Differences } from '../support/udt-client.ts';
import { applyAsV1Client } from '../support/v1-patch-library.ts';

// A time without an offset is UTC, wherever the server stands.
process.env.TZ = 'Asia/Tokyo';

/** The server's clock: it stands still unless a test moves it. */
let nowMs = Date.parse('2024-05-17T09:30:00.000Z');

const environment = { ...realEnvironment, now: () => nowMs };

/** Behind it no version comes that refreshes screens (UDT-8): the change before it was too long ago. */
const later = (): void => void (nowMs += 10_000);

let server: TestServer;
const rebuilds = suite('udt-rebuild');
rebuilds.before(async () => {
  server = await startServer({ environment });
});
rebuilds.after(() => server.remove());

const useless = {
  'of another epoch': 3 * 2 ** 32 + 1,
  'of another epoch, unborn': 2 ** 52,
  'from the future': 1000,
  'from the future by one': 3,
  'the largest there is': Number.MAX_SAFE_INTEGER,
  'before the first': -1,
  'beyond a double': '9'.repeat(20),
};

/** Checks that the patch makes this state out of stale ones, under both libraries. */
function checkRebuild(differences: Differences, state: JsonObject, stale: readonly JsonObject[]): void {
  assert.ok(differences.patch.length > 0, 'never empty');
  assert.equal(differences.patches.flat(), differences.patch);
  assert.ok(Array.isArray(differences.changeLog));
  assert.is(differences.hashOfLatestState, plainHash(state));
  for (const before of stale) {
    const patch = [...differences.patch];
    // Like upstream, `replace` may name a top-level key that isn't there: nothing is validated.
    const { newDocument } = jsonPatch.applyPatch<Json>(structuredClone(before), structuredClone(patch));
    assert.equal(newDocument, state, `RFC 6902 on ${JSON.stringify(before)}: ${JSON.stringify(patch)}`);
    assert.equal(
      applyAsV1Client(before, patch),
      state,
      `v1 on ${JSON.stringify(before)}: ${JSON.stringify(patch)}`,
    );
  }
}

rebuilds('UDT-10 a useless version is answered with a patch that makes the whole state', async () => {
  const first = { interface: { type: 't', labels: ['a'] }, samples: [{ document: 'hi' }], name: 'n' };
  const client = await UdtClient.create(server.url, first);
  later();
  await client.patch([{ op: 'add', path: '/samples/0/annotation', value: 'a' }]);
  const second = (await client.get()).udt_json;
  later();
  await client.patch([{ op: 'add', path: '/samples/-', value: { document: 'yo' } }]);
  const { udt_json: state, version } = await client.get();
  assert.is(version, 2);
  for (const since of Object.values(useless)) {
    const differences = await client.diffs(since);
    assert.is(differences.latestVersion, version);
    checkRebuild(differences, state, [first, second, state, {}, { samples: [1, 2, 3], interface: null }]);
  }
});

rebuilds('UDT-10 top-level keys that are gone are gone after it', async () => {
  const first = { samples: [], gone: 1, alsoGone: { x: [1] } };
  const client = await UdtClient.create(server.url, first);
  await client.patch([{ op: 'add', path: '/cameAndWent', value: 1 }]);
  const second = (await client.get()).udt_json;
  await client.patch([
    { op: 'remove', path: '/gone' },
    { op: 'remove', path: '/alsoGone' },
  ]);
  const third = (await client.get()).udt_json;
  await client.patch([{ op: 'remove', path: '/cameAndWent' }]);
  const states = [first, second, third, { samples: [] }, {}];
  const check = async (): Promise<void> => {
    for (const since of [1000, useless['of another epoch'], useless['the largest there is']])
      checkRebuild(await new UdtClient(server.url, client.id).diffs(since), { samples: [] }, states);
  };
  await check();
  await server.stop();
  server = await startServer({ data: server.data, environment });
  await check();
});

rebuilds('UDT-10 keys that the v1 library would not find are rebuilt too', async () => {
  const udt = { samples: [1], '': 1, 'a/b': 2, 'c~d': 3 };
  const client = await UdtClient.create(server.url, udt);
  for (const since of Object.values(useless)) {
    checkRebuild(await client.diffs(since), udt, [{}, { samples: [], '': 0, 'a/b': 0 }]);
  }
});

rebuilds('UDT-10 an empty session is rebuilt too', async () => {
  const client = await UdtClient.create(server.url, {});
  for (const since of Object.values(useless)) checkRebuild(await client.diffs(since), {}, [{}]);
  const emptied = await UdtClient.create(server.url, { samples: [1] });
  await emptied.patch([{ op: 'replace', path: '', value: {} }]);
  for (const since of Object.values(useless)) {
    checkRebuild(await emptied.diffs(since), {}, [{}, { samples: [1] }]);
  }
});

rebuilds('UDT-1 a time as since: what was accepted after it', async () => {
  const at = (time: string) => (nowMs = Date.parse(`2024-05-17T${time}Z`));
  at('10:00:00.000');
  const client = await UdtClient.create(server.url, { n: 0 });
  const step = (value: number) => client.patch([{ op: 'replace', path: '/n', value }]);
  at('10:00:10.000');
  await step(1);
  at('10:00:20.500');
  await step(2);
  assert.is((await client.get()).created_at, '2024-05-17T10:00:20.500Z');
  const values = async (since: string) =>
    (await client.diffs(since)).patch.map((operation) => 'value' in operation && operation.value);

  assert.equal(await values('2024-05-17T10:00:00.000Z'), [1, 2]);
  assert.equal(await values('2024-05-17T10:00:09.999Z'), [1, 2]);
  assert.equal(await values('2024-05-17T10:00:10.000Z'), [2]);
  assert.equal(await values('2024-05-17T10:00:20Z'), [2]);
  assert.equal(await values('2024-05-17T10:00:20'), [2]);
  assert.equal(await values('2024-05-17T12:00:20+02:00'), [2]);
  assert.equal(await values('2024-05-17T10:00:20.500Z'), []);
  assert.equal(await values('2030-01-01'), []);
  const { patch, latestVersion } = await client.diffs('2024-05-17T10:00:20Z');
  assert.equal(patch, [{ op: 'replace', path: '/n', value: 2 }]);
  assert.is(latestVersion, 2);
});

rebuilds('UDT-10 a time before the session is answered with a rebuild', async () => {
  nowMs = Date.parse('2024-05-18T10:00:00.000Z');
  const client = await UdtClient.create(server.url, { samples: [1], gone: 1 });
  checkRebuild(await client.diffs('2024-05-18T09:59:59Z'), { samples: [1], gone: 1 }, [{}, { samples: [] }]);
  await client.patch([{ op: 'remove', path: '/gone' }]);
  checkRebuild(await client.diffs('2020-01-01'), { samples: [1] }, [{}, { samples: [], gone: 0 }]);
});

rebuilds('UDT-1 times of versions never go back with the clock', async () => {
  nowMs = Date.parse('2024-05-19T10:00:00.000Z');
  const client = await UdtClient.create(server.url, { n: 0 });
  nowMs += 10_000;
  await client.patch([{ op: 'replace', path: '/n', value: 1 }]);
  nowMs -= 5_000;
  await client.patch([{ op: 'replace', path: '/n', value: 2 }]);
  assert.is((await client.get()).created_at, '2024-05-19T10:00:10.000Z');
  assert.is((await client.diffs('2024-05-19T10:00:07Z')).patches.length, 2);
  assert.is((await client.diffs('2024-05-19T10:00:10Z')).patches.length, 0);
});

rebuilds('UDT-1 any other since is refused', async () => {
  const client = await UdtClient.create(server.url, {});
  for (const since of ['', 'x', '1.5', '1e3', '0x1', 'NaN', ' 1', '9'.repeat(41)]) {
    const { status, text } = await client.tryDiffs(since);
    assert.is(status, 400, since);
    assert.is(text, '"since" should be a version (an integer) or an ISO date');
  }
  for (const since of ['2024-99-99', '2024-02-30', '2024-05-17T25:00', '2024-']) {
    const { status, text } = await client.tryDiffs(since);
    assert.is(status, 400, since);
    assert.match(text, /^"since" must be .*, such as/);
  }
  assert.is((await call('GET', `${server.url}/api/session/${client.id}/diffs`)).status, 400);
});

rebuilds.run();
