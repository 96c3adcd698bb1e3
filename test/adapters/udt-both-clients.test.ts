// UDT-18: a v1 and a v2 client in one session. Whatever one of them does, the other shows it, and both show what the server has.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { JsonObject } from '../../src/model/json.ts';
import { Supervisor } from '../support/supervisor.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { agree, neverRefetchedAfterPoll, readSamples } from '../support/udt-agreement.ts';
import { V1Screen, samplesOf, withSample } from '../support/udt-v1-screen.ts';
import { V2Client, without } from '../support/udt-v2-client.ts';
import { withServer } from '../support/with-server.ts';

const both = suite('udt-both-clients');
const { server, atEnd, connectYjs } = withServer(both);

const start: JsonObject = {
  name: 'cats',
  interface: { type: 'text_classification', labels: ['good', 'bad'] },
  samples: [
    { document: 'a' },
    { document: 'b', annotation: 'good' },
    { document: 'c' },
    { _id: 'own', document: 'd' },
  ],
};
const soon = { pollingIntervalMs: 30 };

interface Session {
  readonly old: V1Screen;
  readonly young: V2Client;
}

async function session(udt: JsonObject = start, base = server().url): Promise<Session> {
  const old = await V1Screen.create(base, udt, soon);
  atEnd(() => old.stop());
  const young = await V2Client.join(base, old.id, soon);
  atEnd(() => young.stop());
  return { old, young };
}

/** Resolves with the file when both show it. */
const settled = ({ old, young }: Session, ...others: V1Screen[]): Promise<JsonObject> =>
  agree({ v1: [old, ...others], v2: [young] });

const annotations = (udt: JsonObject): unknown[] => samplesOf(udt).map(({ annotation }) => annotation);
const documents = (udt: JsonObject): unknown[] => samplesOf(udt).map(({ document }) => document);
const withSamples =
  (change: (samples: readonly JsonObject[]) => readonly JsonObject[]) =>
  (udt: JsonObject): JsonObject => ({ ...udt, samples: change(samplesOf(udt)) });

both('UDT-18 a session made by either is joined by the other', async () => {
  const made = await session();
  assert.equal(await settled(made), start);
  const young = await V2Client.create(server().url, start, soon);
  atEnd(() => young.stop());
  const old = await V1Screen.join(server().url, young.id, soon);
  atEnd(() => old.stop());
  assert.equal(await settled({ old, young }), start);
});

both('UDT-18 labels of each are seen by the other', async () => {
  const clients = await session();
  const { old, young } = clients;
  await old.label(0, 'good');
  await settled(clients);
  await young.label(2, 'bad');
  await settled(clients);
  await young.label('own', { regions: [{ x: 1, 'a/b': 2 }] });
  await settled(clients);
  await old.label(1, 'bad');
  await settled(clients);
  await old.edit((udt) => withSample(udt, 0, (sample) => without(sample, 'annotation')));
  const udt = await settled(clients);
  assert.equal(annotations(udt), [undefined, 'bad', 'bad', { regions: [{ x: 1, 'a/b': 2 }] }]);
  assert.equal(
    young.samples.map(({ hasAnnotation }) => hasAnnotation),
    [false, true, true, true],
  );
  neverRefetchedAfterPoll(old);
});

both('UDT-8 UDT-18 labels at the same time are all kept', async () => {
  const clients = await session();
  const { old, young } = clients;
  for (const round of [1, 2, 3]) {
    await Promise.all([old.label(0, `old ${round}`), young.label(2, `young ${round}`)]);
    const udt = await settled(clients);
    assert.equal(annotations(udt), [`old ${round}`, 'good', `young ${round}`, undefined]);
  }
});

both('UDT-18 samples that v1 adds, inserts, moves and removes keep their ids in v2', async () => {
  const clients = await session();
  const { old, young } = clients;
  const [a, b, c, d] = young.samples.map(({ _id }) => _id);
  const edit = async (change: Parameters<typeof withSamples>[0]): Promise<string[]> => {
    await old.edit(withSamples(change));
    await settled(clients);
    return young.samples.map(({ _id }) => _id);
  };
  assert.equal((await edit((samples) => [...samples, { document: 'e' }])).slice(0, 4), [a, b, c, d]);
  const inserted = await edit((samples) => samples.toSpliced(1, 0, { document: 'between' }));
  assert.is(new Set(inserted).size, 6);
  await edit((samples) => samples.toReversed());
  await edit((samples) => samples.toSpliced(1, 2));
  await edit(([first, ...others]) => [...others, first!]);
  assert.equal(await edit(() => []), []);
  await edit(() => [{ document: 'new', annotation: 1 }]);
  assert.equal(
    (await readSamples(young)).map((sample) => without(sample, '_id')),
    [{ document: 'new', annotation: 1 }],
  );
  neverRefetchedAfterPoll(old);
});

both('UDT-18 samples that v2 adds and removes are seen in v1', async () => {
  const clients = await session();
  const { old, young } = clients;
  await young.addSamples([{ document: 'e' }, { document: 'f', annotation: 'bad' }]);
  await settled(clients);
  await young.removeSamples([young.samples[0]!._id, 'own']);
  await settled(clients);
  assert.equal(documents(old.shown), ['b', 'c', 'e', 'f']);
  await old.label(2, 'good');
  await settled(clients);
  assert.is((await young.getSample(2))['annotation'], 'good');
  neverRefetchedAfterPoll(old);
});

both('UDT-18 settings that either changes, adds or removes', async () => {
  const clients = await session();
  const { old, young } = clients;
  await young.setDatasetProperty('interface', { type: 'image_classification', labels: ['x'] });
  await settled(clients);
  await old.edit((udt) => ({ ...udt, interface: { type: 'image_classification', labels: ['x', 'y'] } }));
  await settled(clients);
  await young.setDatasetProperty('description', 'new');
  await settled(clients);
  await old.edit((udt) => without(udt, 'name'));
  await settled(clients);
  await young.patch([{ op: 'remove', path: '/description' }]);
  const udt = await settled(clients);
  assert.equal(without(udt, 'samples'), { interface: { type: 'image_classification', labels: ['x', 'y'] } });
  neverRefetchedAfterPoll(old);
});

both('UDT-18 keys with "/" and "~", at the top and below', async () => {
  const clients = await session();
  const { old, young } = clients;
  await young.label(0, { 'a/b': { '~': 1 } });
  await settled(clients);
  await old.edit((udt) =>
    withSample(udt, 0, (sample) => ({ ...sample, annotation: { 'a/b': { '~': 2, '~1': 3 } } })),
  );
  await settled(clients);
  neverRefetchedAfterPoll(old);
  await old.edit((udt) => ({ ...udt, plain: { 'x/y': 1 } }));
  await settled(clients);
  await young.setDatasetProperty('plain', { 'x/y': 2, '': [] });
  const udt = await settled(clients);
  assert.equal(udt['plain'], { 'x/y': 2, '': [] });
  neverRefetchedAfterPoll(old);
});

both('UDT-4 UDT-18 __proto__ is refused on both, and both go on', async () => {
  const clients = await session();
  const { old, young } = clients;
  const bad = JSON.parse('{"document":"a","__proto__":{"polluted":1}}') as JsonObject;
  const refused = (error: unknown): string => String(error);
  assert.match(await young.setSample('own', bad).then(() => 'accepted', refused), 'status 400');
  assert.match(await young.addSamples([bad]).then(() => 'accepted', refused), 'status 400');
  assert.match(await old.edit((udt) => ({ ...udt, bad })).then(() => 'accepted', refused), 'status 400');
  await young.label(0, 'good');
  await settled(clients);
  assert.is(({} as { polluted?: unknown }).polluted, undefined);
});

both('UDT-18 "Clear labels" in v2 clears what v1 shows', async () => {
  const clients = await session();
  const { old, young } = clients;
  await old.label(0, 'bad');
  await settled(clients);
  await young.clearLabels();
  const udt = await settled(clients);
  assert.equal(documents(udt), ['a', 'b', 'c', 'd']);
  assert.equal(annotations(udt), [undefined, undefined, undefined, undefined]);
  await old.label(3, 'good');
  await settled(clients);
  assert.is(young.samples[3]?.hasAnnotation, true);
  neverRefetchedAfterPoll(old);
});

both('UDT-18 pages that are loaded again show the same', async () => {
  const clients = await session();
  await clients.old.label(2, 'bad');
  await clients.young.addSamples([{ document: 'e' }]);
  await settled(clients);
  const old = await V1Screen.join(server().url, clients.old.id, soon);
  atEnd(() => old.stop());
  const young = await V2Client.join(server().url, clients.old.id, soon);
  atEnd(() => young.stop());
  assert.equal([old.shown, young.shown], [clients.old.shown, clients.young.shown]);
  await young.label(4, 'good');
  await agree({ v1: [old, clients.old], v2: [young, clients.young] });
});

both('UDT-18 what a Yjs client does is seen by both', async () => {
  const clients = await session();
  const { doc } = await connectYjs(clients.old.id);
  const samples = doc.getMap('udt').get('samples') as Y.Array<Y.Map<unknown>>;
  const ids = clients.young.samples.map(({ _id }) => _id);
  doc.transact(() => {
    samples.get(0).set('annotation', 'by an app');
    samples.insert(1, [new Y.Map<unknown>([['document', 'between']])]);
    samples.delete(3);
    doc.getMap('udt').set('name', 'dogs');
  });
  const udt = await agree({ v1: [clients.old], v2: [clients.young] }, ({ name }) => name === 'dogs');
  assert.equal(documents(udt), ['a', 'between', 'b', 'd']);
  const [a, , b, d] = clients.young.samples.map(({ _id }) => _id);
  assert.equal([a, b, d], [ids[0], ids[1], ids[3]]);
  neverRefetchedAfterPoll(clients.old);
});

both('UDT-5 UDT-15 UDT-18 a restart of the server is not noticed by either', async () => {
  const folder = await temporaryFolder();
  atEnd(() => removeFolder(folder));
  const supervisor = await Supervisor.open('127.0.0.1', ['--data', folder, '--log-level', 'warn']);
  atEnd(() => supervisor.close());
  let pid = await supervisor.start();
  const clients = await session(start, `http://127.0.0.1:${supervisor.port}`);
  const { old, young } = clients;
  await old.label(0, 'good');
  await young.label(2, 'bad');
  await settled(clients);
  const before = young.samples;
  for (const round of [1, 2]) {
    process.kill(pid, 'SIGTERM');
    assert.is(await supervisor.ended(), 0);
    pid = await supervisor.start();
    await settled(clients);
    assert.equal(
      young.samples.map(({ _id }) => _id),
      before.map(({ _id }) => _id),
      'the ids stay',
    );
    await old.label(1, `old ${round}`);
    await settled(clients);
    await young.label('own', `young ${round}`);
    await settled(clients);
  }
  assert.equal(annotations(old.shown), ['good', 'old 2', 'bad', 'young 2']);
  assert.equal(
    young.samples.map(({ version }, i) => version - before[i]!.version),
    [0, 2, 0, 2],
    'the versions are counted on',
  );
  neverRefetchedAfterPoll(old);
});

both.run();
