// UDT-1: `changeLog`, who did what: users of UDT by the name that they patch under, users of Yjs editors by the name in
// their awareness.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { changeLogOf } from '../../src/wire/udt-change-log.ts';
import { changesFarApart } from '../support/changes-far-apart.ts';
import { startServer } from '../support/server.ts';
import { UdtClient, call } from '../support/udt-client.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';
import {
  RawYjsClient,
  awareness,
  openProvider,
  update,
  updatesOf,
  type TestProvider,
} from '../support/yjs-client.ts';

const test = suite('udt-change-log');
const { server, connectYjs, atEnd } = withServer(test, { environment: changesFarApart() });

const newSession = (): Promise<UdtClient> => UdtClient.create(server().url, { samples: [] });

const changeLogSince = async (client: UdtClient, version: number) => (await client.diffs(version)).changeLog;

/** Makes a change and waits for its version. @returns the name that the change log has for it. */
async function nameFor(client: UdtClient, change: () => void): Promise<unknown> {
  const { latestVersion } = await client.diffs(-1);
  change();
  await until('the change has a version', async () => (await client.diffs(-1)).latestVersion > latestVersion);
  const { changeLog, patches } = await client.diffs(latestVersion);
  assert.is(patches.length, 1);
  assert.is(changeLog.length, 1);
  return (changeLog[0] as { userName: unknown }).userName;
}

/** Sets a member of the document under this name, which is the value too. */
const set =
  ({ doc }: TestProvider, key: string): (() => void) =>
  () =>
    doc.getMap('udt').set(key, key);

/** The update that removes a member. */
function removalOf(doc: Y.Doc, key: string): Uint8Array {
  const updates = updatesOf(doc);
  doc.getMap('udt').delete(key);
  return updates[0]!;
}

test('UDT-1 a PATCH goes under the name that it gives, or none', async () => {
  const client = await newSession();
  const patch = [{ op: 'add', path: '/samples/-', value: 1 }];
  const sent = [{ userName: 'Ann' }, {}, { userName: '' }, { userName: null }, { userName: 'x'.repeat(256) }];
  for (const names of sent) assert.is((await client.tryPatch({ patch, ...names })).status, 200);
  const { op, path } = { op: 'add', path: '/samples/-' };
  const expected = ['Ann', 'anonymous', 'anonymous', 'anonymous', 'x'.repeat(256)];
  assert.equal(
    await changeLogSince(client, 0),
    expected.map((userName) => ({ userName, op, path })),
    'several versions in one poll, in their order',
  );
  assert.equal(await changeLogSince(client, 4), [{ userName: 'x'.repeat(256), op, path }]);
  for (const userName of ['x'.repeat(257), 7, {}])
    assert.is((await client.tryPatch({ patch, userName })).status, 400);
});

test('UDT-1 an empty PATCH and one that changes nothing are versions without an element', async () => {
  const client = await newSession();
  await client.patch([], 'Ann');
  await client.patch([{ op: 'replace', path: '/samples', value: [] }], 'Bob');
  assert.equal(await changeLogSince(client, 0), []);
  await client.patch([{ op: 'add', path: '/name', value: 'n' }], 'Cid');
  const { patches, changeLog } = await client.diffs(0);
  assert.is(patches.length, 3);
  assert.equal(changeLog, [{ userName: 'Cid', op: 'add', path: '/name' }]);
});

test('UDT-1 a version is told by its first operation, whatever the client sent', async () => {
  const client = await newSession();
  const sent = [
    { op: 'test', path: '/samples', value: [] },
    { op: 'add', path: '/a', value: 1 },
    { op: 'move', from: '/a', path: '/b' },
  ] as const;
  await client.patch(sent, 'Ann');
  const { patches, changeLog } = await client.diffs(0);
  assert.equal(changeLog, [{ userName: 'Ann', op: 'add', path: '/b' }]);
  assert.equal(patches, [[{ op: 'add', path: '/b', value: 1 }]]);
});

test('UDT-9 where the patch replaces everything for the sake of the v1 client, the change itself is told', async () => {
  const client = await newSession();
  await client.patch([{ op: 'add', path: '/a', value: 1 }], 'Ann');
  await client.patch([{ op: 'remove', path: '/a' }], 'Bob');
  await client.patch([{ op: 'add', path: '/', value: { b: 1 } }], 'Cid');
  await client.patch([{ op: 'add', path: '//b', value: 2 }], 'Dan');
  const { patches, changeLog } = await client.diffs(1);
  assert.equal(
    patches.map(([first]) => first?.path),
    ['', '', ''],
  );
  assert.equal(changeLog, [
    { userName: 'Bob', op: 'remove', path: '/a' },
    { userName: 'Cid', op: 'replace', path: '/' },
    { userName: 'Dan', op: 'replace', path: '/' },
  ]);
});

test('UDT-1 what crashes the v1 client is left out: it reads a sample from a path of taskOutput', () => {
  const told = (path: string): boolean =>
    changeLogOf([{ user: 'a', patch: [{ op: 'remove', path }], edits: [{ type: 'unset', path: [] }] }])
      .length > 0;
  for (const path of [
    '/taskOutput',
    '/taskOutput/',
    '/taskOutput/0',
    '/taskOutput/samples',
    '/taskOutputs/x',
  ])
    assert.not(told(path), path);
  for (const path of ['/taskOutput/samples/0', '/samples/0', '/samples', '/interface', '/a/taskOutput'])
    assert.ok(told(path), path);
});

test('UDT-10 nobody has made the operations of a rebuild', async () => {
  const client = await newSession();
  await client.patch([{ op: 'add', path: '/name', value: 'n' }], 'Ann');
  for (const since of [-1, 99, '2020-01-01']) {
    const { patch, changeLog } = await client.diffs(since);
    assert.ok(patch.length > 0);
    assert.equal(changeLog, []);
  }
});

test('UDT-1 the change log outlives the server', async () => {
  const own = await startServer();
  const client = await UdtClient.create(own.url, {});
  await client.patch([{ op: 'add', path: '/a', value: 1 }], 'Ann');
  const yjs = openProvider(own.socketUrl, client.id);
  try {
    await yjs.synced();
    yjs.provider.awareness.setLocalStateField('user', { name: 'Ada' });
    yjs.doc.getMap('udt').set('b', 1);
    await until('both are there', async () => (await client.diffs(0)).latestVersion === 2);
  } finally {
    yjs.destroy();
    await own.stop();
  }
  const again = await startServer({ data: own.data });
  try {
    const { changeLog } = await new UdtClient(again.url, client.id).diffs(0);
    assert.equal(changeLog, [
      { userName: 'Ann', op: 'add', path: '/a' },
      { userName: 'Ada', op: 'add', path: '/b' },
    ]);
    assert.is((await new UdtClient(again.url, client.id).get()).user_name, 'Ada');
  } finally {
    await again.remove();
  }
});

test('UDT-1 a Yjs user goes under the name in awareness, as it is at the moment of the change', async () => {
  const client = await newSession();
  const ada = await connectYjs(client.id);
  const { awareness: own } = ada.provider;
  assert.is(await nameFor(client, set(ada, 'a')), 'anonymous', 'before it has said a name');
  own.setLocalStateField('user', { name: 'Ada', color: '#30bced' });
  assert.is(await nameFor(client, set(ada, 'b')), 'Ada');
  own.setLocalStateField('cursor', { anchor: 1, head: 2 });
  assert.is(await nameFor(client, set(ada, 'c')), 'Ada');
  own.setLocalStateField('user', { name: 'Countess', color: '#30bced' });
  assert.is(await nameFor(client, set(ada, 'd')), 'Countess', 'after it has changed its name');
  own.setLocalState({ user: 'Lovelace' });
  assert.is(await nameFor(client, set(ada, 'e')), 'Lovelace');
  own.setLocalState({ name: 'A. L.' });
  assert.is(await nameFor(client, set(ada, 'f')), 'A. L.');
  own.setLocalState({ user: { name: { first: 'Ada' } } });
  assert.is(await nameFor(client, set(ada, 'g')), 'anonymous', 'no name that it can be read as');
  own.setLocalState({ user: { name: 'Ada' } });
  assert.is(
    await nameFor(client, () => ada.doc.getMap('udt').delete('a')),
    'Ada',
    'a removal has no author of its own',
  );
  own.setLocalState(null);
  assert.is(await nameFor(client, set(ada, 'h')), 'anonymous', 'after it has left');
});

test('UDT-1 nobody goes under the name of another in the room', async () => {
  const client = await newSession();
  const ada = await connectYjs(client.id);
  ada.provider.awareness.setLocalStateField('user', { name: 'Ada' });
  const other = await connectYjs(client.id);
  await until('the other knows Ada', () => other.provider.awareness.getStates().size > 1);
  other.provider.awareness.setLocalState(null);
  assert.is(await nameFor(client, set(ada, 'a')), 'Ada');
  assert.is(await nameFor(client, set(other, 'b')), 'anonymous');
  other.provider.awareness.setLocalState({ user: { name: 'Bob' } });
  assert.is(await nameFor(client, set(other, 'c')), 'Bob');
  assert.is(await nameFor(client, set(ada, 'd')), 'Ada');
  await client.patch([{ op: 'add', path: '/e', value: 1 }]);
  const names = (await changeLogSince(client, 0)).map(
    (element) => (element as { userName: string }).userName,
  );
  assert.equal(names, ['Ada', 'anonymous', 'Bob', 'Ada', 'anonymous']);
});

test('UDT-1 a name in another room, or that of a client that is gone, does not count', async () => {
  const [client, elsewhere] = [await newSession(), await newSession()];
  const [ada, adaElsewhere] = [await connectYjs(client.id), await connectYjs(elsewhere.id)];
  adaElsewhere.provider.awareness.setLocalStateField('user', { name: 'Ada' });
  assert.is(await nameFor(elsewhere, set(adaElsewhere, 'a')), 'Ada');
  assert.is(await nameFor(client, set(ada, 'a')), 'anonymous');
  const gone = openProvider(server().socketUrl, client.id);
  await gone.synced();
  gone.provider.awareness.setLocalStateField('user', { name: 'Gone' });
  await until('Gone is here', () => ada.provider.awareness.getStates().has(gone.doc.clientID));
  gone.destroy();
  await until('Gone is gone', () => !ada.provider.awareness.getStates().has(gone.doc.clientID));
  assert.is(await nameFor(client, set(ada, 'b')), 'anonymous');
});

test('UDT-1 a name is cut to its limit, and has one line', async () => {
  const client = await newSession();
  const ada = await connectYjs(client.id);
  ada.provider.awareness.setLocalStateField('user', { name: `Ada\n\u0007${'x'.repeat(100_000)}` });
  assert.is(await nameFor(client, set(ada, 'a')), `Ada ${'x'.repeat(252)}`);
});

test('UDT-1 tabs of one browser that speak through each other keep their names', async () => {
  const client = await newSession();
  const [first, second] = [await connectYjs(client.id), await connectYjs(client.id)];
  const [firstId, secondId] = [first.doc.clientID, second.doc.clientID];
  first.provider.awareness.setLocalState({ user: { name: 'First' } });
  assert.is(await nameFor(client, set(first, 'a')), 'First');
  // One connection speaks for both: that of a browser tab which hears of the other before the server does.
  const tab = await RawYjsClient.connect(server().socketUrl, client.id);
  atEnd(() => tab.socket.terminate());
  tab.send(awareness([{ client: secondId, clock: 50, state: { user: { name: 'Second' } } }]));
  tab.send(awareness([{ client: firstId, clock: 50, state: { user: { name: 'First, renamed' } } }]));
  await tab.until(
    'both are told',
    () => tab.typesAfter(0).filter((type) => type === 'awareness').length >= 2,
  );
  assert.is(await nameFor(client, set(first, 'b')), 'First, renamed');
  assert.is(await nameFor(client, set(second, 'c')), 'Second');
  const copy = new Y.Doc();
  copy.clientID = secondId;
  Y.applyUpdate(copy, Y.encodeStateAsUpdate(second.doc));
  const [updates] = [updatesOf(copy), copy.getMap('udt').set('d', 'd')];
  const bytes = updates[0]!;
  assert.is(await nameFor(client, () => tab.send(update(bytes))), 'Second', 'sent by whomever');
  assert.is(
    await nameFor(client, () => tab.send(update(removalOf(copy, 'd')))),
    'Second',
    'whom it brought first',
  );
});

test('UDT-1 who makes a session is named until somebody changes it', async () => {
  const made = await call('POST', `${server().url}/api/session`, { udt: {}, userName: 'Ann' });
  const { short_id } = JSON.parse(made.text) as { short_id: string };
  const client = new UdtClient(server().url, short_id);
  assert.is((await client.get()).user_name, 'Ann');
  assert.equal((await client.diffs(0)).changeLog, []);
  const ada = await connectYjs(short_id);
  ada.provider.awareness.setLocalStateField('user', { name: 'Ada' });
  assert.is(await nameFor(client, set(ada, 'a')), 'Ada');
  assert.is((await client.get()).user_name, 'Ada');
});

test.run();
