// What v2 clients are told of samples when more than one thing happens to them at a time, or something that the file doesn't show.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { JsonObject } from '../../src/model/json.ts';
import type { Operation } from '../../src/model/json-patch.ts';
import { UdtClient, call } from '../support/udt-client.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';

const summary = suite('udt-summary');
const { server, connectYjs } = withServer(summary);

interface Summary extends JsonObject {
  readonly summaryVersion: number;
  readonly summary: { readonly samples: readonly { readonly _id: string }[] };
}

async function getAs<T>(url: string): Promise<T> {
  return JSON.parse((await call('GET', url)).text) as T;
}

const urlOf = (client: UdtClient): string => `${server().url}/v2/api/session/${client.id}`;
const read = (client: UdtClient): Promise<Summary> => getAs<Summary>(urlOf(client));
const idsOf = async (client: UdtClient): Promise<string[]> =>
  (await read(client)).summary.samples.map(({ _id }) => _id);
const polled = async (client: UdtClient, since: number): Promise<readonly Operation[]> =>
  (await getAs<{ patch: Operation[] }>(`${urlOf(client)}/diffs?since=${since}`)).patch;

for (const [name, other] of [
  ['another sample is added', { op: 'add', path: '/samples/-', value: {} }],
  ['one before it is removed', { op: 'remove', path: '/samples/0' }],
  ['a setting is changed', { op: 'add', path: '/name', value: 'n' }],
] satisfies [string, Operation][])
  summary(`UDT-15 an _id that is changed while ${name}`, async () => {
    const client = await UdtClient.create(server().url, { samples: [{}, { _id: 'old' }] });
    await client.patch([{ op: 'replace', path: '/samples/1/_id', value: 'new' }, other]);
    assert.ok((await idsOf(client)).includes('new'));
    assert.is((await call('GET', `${urlOf(client)}/sample/new`)).status, 200);
    assert.is((await call('GET', `${urlOf(client)}/sample/old`)).status, 404);
    assert.ok(JSON.stringify(await polled(client, 0)).includes('"new"'));
  });

summary('UDT-15 an _id that is a text, and is typed into', async () => {
  const client = await UdtClient.create(server().url, { samples: [{}] });
  const { doc } = await connectYjs(client.id);
  const id = new Y.Text('old');
  (doc.getMap('udt').get('samples') as Y.Array<Y.Map<unknown>>).get(0).set('_id', id);
  await until('it is there', async () => (await idsOf(client))[0] === 'old');
  id.insert(3, 'er');
  await until('it is another', async () => (await idsOf(client))[0] === 'older');
  assert.is((await call('GET', `${urlOf(client)}/sample/old`)).status, 404);
});

summary('UDT-15 UDT-17 a sample that a Yjs client replaces by an equal one has another _id', async () => {
  const client = await UdtClient.create(server().url, { samples: [{ document: 'a' }] });
  const [before] = await idsOf(client);
  const { doc } = await connectYjs(client.id);
  const samples = doc.getMap('udt').get('samples') as Y.Array<Y.Map<unknown>>;
  doc.transact(() => {
    samples.delete(0);
    samples.insert(0, [new Y.Map([['document', 'a']])]);
  });
  await until('it has another', async () => (await idsOf(client))[0] !== before);
  const { summaryVersion } = await read(client);
  assert.is(summaryVersion, 1);
  assert.ok(JSON.stringify(await polled(client, 0)).includes(`"${(await idsOf(client))[0]}"`));
  assert.equal(
    await client.diffs(0),
    { ...(await client.diffs(1)), patches: [[]] },
    'nothing for v1 clients',
  );
});

summary('UDT-15 UDT-17 samples in a plain array have an _id each', async () => {
  const client = await UdtClient.create(server().url, { samples: [] });
  const { doc } = await connectYjs(client.id);
  for (const plain of [
    [{ document: 'a' }, { document: 'b' }],
    [{ document: 'c' }, 'd', 'd'],
  ]) {
    const { summaryVersion } = await read(client);
    doc.getMap('udt').set('samples', plain);
    await until('they are there', async () => (await read(client)).summaryVersion > summaryVersion);
    const ids = await idsOf(client);
    assert.is(new Set(ids).size, plain.length);
    const patch = JSON.stringify(await polled(client, summaryVersion));
    for (const id of ids) assert.ok(patch.includes(`"${id}"`), patch);
  }
  const [first = ''] = await idsOf(client);
  const patch = [{ op: 'replace', path: `/samples/${first}/document`, value: 'label' }];
  assert.is((await call('PATCH', urlOf(client), { patch })).status, 200);
  assert.equal((await client.get()).udt_json['samples'], [{ document: 'label' }, 'd', 'd']);
});

summary('UDT-15 of equal plain samples, the one that is gone takes its _id with it', async () => {
  const client = await UdtClient.create(server().url, { samples: ['a', 'a', 'b'] });
  const [, second, third] = await idsOf(client);
  const { doc } = await connectYjs(client.id);
  (doc.getMap('udt').get('samples') as Y.Array<string>).delete(0);
  await until('it is gone', async () => (await idsOf(client)).length === 2);
  assert.equal(await idsOf(client), [second, third]);
  assert.ok(JSON.stringify(await polled(client, 0)).includes(`"${second}"`));
});

summary("UDT-17 a file's own summary doesn't come to v2 clients", async () => {
  const client = await UdtClient.create(server().url, { samples: [{}] });
  await client.patch([{ op: 'add', path: '/summary', value: { samples: 'mine' } }]);
  await client.patch([{ op: 'remove', path: '/summary' }]);
  assert.equal(await polled(client, 0), []);
});

summary('UDT-17 a list in a patch is the one of its version', async () => {
  const client = await UdtClient.create(server().url, { samples: [], list: [] });
  await client.patch([{ op: 'add', path: '/list/-', value: { a: 1 } }]);
  await client.patch([{ op: 'replace', path: '/list/0/a', value: 2 }]);
  assert.equal(await polled(client, 0), [
    { op: 'replace', path: '/list', value: [{ a: 1 }] },
    { op: 'replace', path: '/list', value: [{ a: 2 }] },
  ]);
});

for (const [name, operation] of [
  ['the whole file', { op: 'replace', path: '', value: { samples: [{ document: 'x' }] } }],
  ['a copy', { op: 'copy', from: '/backup', path: '/samples' }],
  ['what was elsewhere', { op: 'move', from: '/backup', path: '/samples' }],
] satisfies [string, Operation][])
  summary(`UDT-14 an _id means no sample of ${name} that took the place of the list`, async () => {
    const udt = { samples: [{ _id: 'a' }], backup: [{ document: 'x' }] };
    const client = await UdtClient.create(server().url, udt);
    const remove: Operation = { op: 'remove', path: '/samples/a' };
    assert.is((await call('PATCH', urlOf(client), { patch: [operation, remove] })).status, 409);
    assert.equal((await client.get()).udt_json, udt);
    const add: Operation = { op: 'add', path: '/samples/-', value: { document: 'y' } };
    assert.is((await call('PATCH', urlOf(client), { patch: [operation, add] })).status, 200);
    assert.equal((await client.get()).udt_json['samples'], [{ document: 'x' }, { document: 'y' }]);
  });

for (const key of ['x/y', ''])
  summary(`UDT-9 a list under the key "${key}" in a patch is the one of its version`, async () => {
    const client = await UdtClient.create(server().url, { [key]: [{ a: 1 }], samples: [{ a: 1 }] });
    const pointer = `/${key.replace('/', '~1')}/0/a`;
    const patches = async (): Promise<string> => JSON.stringify((await client.diffs(0)).patches.slice(0, 1));
    await client.patch([{ op: 'replace', path: pointer, value: 2 }]);
    const first = await patches();
    assert.ok(first.includes('[{"a":2}]'));
    await client.patch([{ op: 'replace', path: pointer, value: 3 }]);
    await client.patch([{ op: 'replace', path: '/samples/0/a', value: 3 }]);
    assert.is(await patches(), first);
  });

summary.run();
