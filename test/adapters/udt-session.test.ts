// What UDT's v1 client gets: the shape of every reply and the hash of every state.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/model/json.ts';
import { changesFarApart } from '../support/changes-far-apart.ts';
import { converged } from '../support/converged.ts';
import { startServer, type TestServer } from '../support/server.ts';
import { UdtClient, createSession, plainHash } from '../support/udt-client.ts';
import { connectProvider } from '../support/yjs-client.ts';

const example = {
  interface: { type: 'text_classification', labels: ['a', 'b'] },
  samples: [{ document: 'hi' }, { document: 'yo', annotation: 'a' }],
};
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/;

let server: TestServer;
const shapes = suite('udt-session');
shapes.before(async () => void (server = await startServer({ environment: changesFarApart() })));
shapes.after(() => server.remove());

function keysOf(value: object): string[] {
  return Object.keys(value).sort();
}

shapes('UDT-1 the reply to POST', async () => {
  const reply = await createSession(server.url, { udt: example });
  assert.equal(keysOf(reply), ['short_id', 'url', 'version']);
  assert.match(reply.short_id, /^[A-Za-z0-9][A-Za-z0-9_-]{15,}$/);
  assert.is(reply.version, 0);
  assert.is(reply.url, `${server.url}/api/session/${reply.short_id}`);
  assert.is.not((await createSession(server.url, { udt: example })).short_id, reply.short_id);
});

shapes('UDT-1 the reply to GET of a new session', async () => {
  const { short_id } = await createSession(server.url, { udt: example, userName: 'Ann' });
  const reply = await new UdtClient(server.url, short_id).get();
  assert.equal(keysOf(reply), [
    'created_at',
    'patch',
    'previous_session_state_id',
    'session_state_id',
    'short_id',
    'udt_json',
    'user_name',
    'version',
  ]);
  assert.is(reply.short_id, short_id);
  assert.is(reply.version, 0);
  assert.equal(reply.udt_json, example);
  assert.equal(reply.patch, []);
  assert.is(reply.user_name, 'Ann');
  assert.match(reply.created_at, time);
  assert.type(reply.session_state_id, 'string');
  assert.is(reply.previous_session_state_id, null);
});

shapes('UDT-1 the reply to GET tells the last change', async () => {
  const client = await UdtClient.create(server.url, example);
  const before = await client.get();
  await client.patch([{ op: 'add', path: '/samples/0/annotation', value: 'b' }], 'Bob');
  const after = await client.get();
  assert.equal(keysOf(after), keysOf(before));
  assert.is(after.version, 1);
  assert.is((after.udt_json.samples as JsonObject[])[0]?.annotation, 'b');
  assert.equal(after.patch, [{ op: 'add', path: '/samples/0/annotation', value: 'b' }]);
  assert.is(after.user_name, 'Bob');
  assert.match(after.created_at, time);
  assert.ok(after.created_at >= before.created_at);
  assert.is.not(after.session_state_id, before.session_state_id);
  assert.is(after.previous_session_state_id, before.session_state_id);
});

shapes('UDT-1 the reply to PATCH', async () => {
  const client = await UdtClient.create(server.url, example);
  const reply = await client.patch([{ op: 'replace', path: '/interface/type', value: 'x' }]);
  assert.equal(keysOf(reply), ['hashOfLatestState', 'latestVersion']);
  assert.is(reply.latestVersion, 1);
  assert.is(
    reply.hashOfLatestState,
    plainHash({ ...example, interface: { ...example.interface, type: 'x' } }),
  );
  assert.is((await client.get()).user_name, 'anonymous');
});

shapes('UDT-1 the reply to a poll: one flat list, and one list per version', async () => {
  const client = await UdtClient.create(server.url, example);
  const first = { op: 'add', path: '/samples/0/annotation', value: 'b' } as const;
  const second = { op: 'replace', path: '/interface/type', value: 'x' } as const;
  const third = { op: 'remove', path: '/samples/0/annotation' } as const;
  await client.patch([first], 'Ann');
  await client.patch([second, third], 'Bob');

  const reply = await client.diffs(0);
  assert.equal(keysOf(reply), ['changeLog', 'hashOfLatestState', 'latestVersion', 'patch', 'patches']);
  const [patchOfFirst, patchOfSecond] = reply.patches;
  assert.is(reply.patches.length, 2);
  assert.equal(patchOfFirst, [first]);
  assert.equal(new Set(patchOfSecond?.map(({ path }) => path)), new Set([second.path, third.path]));
  assert.equal(reply.patch, reply.patches.flat());
  assert.equal(reply.changeLog, [
    { userName: 'Ann', op: 'add', path: first.path },
    { userName: 'Bob', op: patchOfSecond?.[0]?.op, path: patchOfSecond?.[0]?.path },
  ]);
  assert.is(reply.latestVersion, 2);
  assert.equal((await client.diffs(1)).patches, [patchOfSecond]);
});

shapes('UDT-1 a poll of the newest version', async () => {
  const client = await UdtClient.create(server.url, example);
  const { latestVersion } = await client.patch([{ op: 'add', path: '/name', value: 'n' }]);
  assert.equal(await client.diffs(latestVersion), {
    patch: [],
    patches: [],
    changeLog: [],
    latestVersion,
    hashOfLatestState: plainHash({ ...example, name: 'n' }),
  });
});

shapes('UDT-1 changeLog leaves out what crashes the client, and empty versions', async () => {
  const client = await UdtClient.create(server.url, { taskOutput: { n: 0, samples: [0] }, samples: [] });
  await client.patch([{ op: 'replace', path: '/taskOutput/n', value: 1 }]);
  const crashing = await client.diffs(0);
  assert.is(crashing.patch.length, 1);
  assert.equal(crashing.changeLog, []);

  await client.patch([{ op: 'replace', path: '/taskOutput/samples/0', value: 1 }], 'Ann');
  await client.patch([], 'Bob');
  await client.patch([{ op: 'add', path: '/samples/-', value: {} }], 'Cid');
  const { patches, changeLog } = await client.diffs(0);
  assert.equal(
    patches.map((patch) => patch.length),
    [1, 1, 0, 1],
  );
  assert.equal(changeLog, [
    { userName: 'Ann', op: 'replace', path: '/taskOutput/samples/0' },
    { userName: 'Cid', op: 'add', path: '/samples/-' },
  ]);
});

shapes('UDT-1 a change by a Yjs client is told like any other', async () => {
  const client = await UdtClient.create(server.url, example);
  const yjs = await connectProvider(server.socketUrl, client.id);
  const other = await connectProvider(server.socketUrl, client.id);
  try {
    yjs.doc.getMap('udt').set('name', 'n');
    await converged([yjs, other]);
    const reply = await client.diffs(0);
    assert.equal(reply.patches, [[{ op: 'add', path: '/name', value: 'n' }]]);
    assert.equal(reply.changeLog, [{ userName: 'anonymous', op: 'add', path: '/name' }]);
    assert.is(reply.hashOfLatestState, plainHash({ ...example, name: 'n' }));
  } finally {
    yjs.destroy();
    other.destroy();
  }
});

shapes('UDT-2 the published examples', async () => {
  const hashOf = async (udt: JsonObject) =>
    (await (await UdtClient.create(server.url, udt)).diffs(0)).hashOfLatestState;
  assert.is(await hashOf({}), 3938);
  assert.is(await hashOf(example), -1835127107);
});

shapes('UDT-2 the hash is that of the state after each change', async () => {
  const client = await UdtClient.create(server.url, { é: 1, B: { b: [1.5, 1e21, -0] }, a: '\u2028"' });
  const changes = [
    [{ op: 'add', path: '/10', value: { z: null, '\u{1f600}': '\u{1f600}', '\uffff': 0 } }],
    [{ op: 'replace', path: '/B/b/0', value: ['x', [], {}] }],
    [{ op: 'remove', path: '/a' }],
    [],
    [{ op: 'replace', path: '', value: { samples: [] } }],
    Array.from({ length: 50 }, (_, i) => ({ op: 'add', path: '/samples/-', value: { i } }) as const),
    [{ op: 'remove', path: '/samples/7' }],
  ] as const;
  for (const [index, change] of changes.entries()) {
    const { latestVersion, hashOfLatestState } = await client.patch(change);
    assert.is(latestVersion, index + 1);
    const { udt_json } = await client.get();
    assert.is(hashOfLatestState, plainHash(udt_json), `after change ${index}`);
    assert.is((await client.diffs(0)).hashOfLatestState, hashOfLatestState);
  }
});

shapes.run();
