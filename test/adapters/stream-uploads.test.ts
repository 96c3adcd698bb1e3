// Uploads over a real socket: all or nothing, durable before they are answered, and safe to send again.

import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/model/json.ts';
import { projectKey } from '../../src/store/store-keys.ts';
import { LevelStore } from '../../src/store/level.ts';
import { startProcess, startServer } from '../support/server.ts';
import {
  StreamClient,
  newComment,
  newEntry,
  newThread,
  textOf,
  typesOf,
  versionsOf,
  type NewVersion,
} from '../support/stream-client.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { withServer } from '../support/with-server.ts';

const uploads = suite('uploads');
const { atEnd, connect, newProject } = withServer(uploads);

uploads('WS-13 an upload is all or nothing, also across projects', async () => {
  const client = await connect();
  const [one, other] = [newProject(), newProject()];
  const streams = [await client.subscribe(one), await client.subscribe(other)];
  const good = (): NewVersion[] => [newEntry(one), newThread(other), newComment(one), newComment(other)];
  const bad = [
    newEntry(one, { clip_id: 5 }),
    newThread(other, { links: 'x' }),
    { type: 'newthing', project: one },
    5,
  ];
  for (const object of bad)
    for (let at = 0; at <= 4; at += 2) {
      const answer = await client.ask({
        type: 'upload',
        mux_id: 'u',
        objects: good().toSpliced(at, 0, object as NewVersion),
      });
      assert.is(answer['code'], 'bad-request');
      assert.ok(textOf(answer, 'message').startsWith(`objects[${at}]`), JSON.stringify(answer));
    }
  const objects = good();
  await client.upload(...objects);
  for (const [index, project] of [one, other].entries()) {
    const expected = versionsOf(objects.filter(({ project_id }) => project_id === project));
    assert.equal(versionsOf(await client.fetch(project)), expected);
    assert.equal(versionsOf(await client.waitForObjects(streams[index]!, 2)), expected);
  }
});

uploads('WS-13 the objects of an upload are streamed in its order, seqnos without holes', async () => {
  const client = await connect();
  const project = newProject();
  const objects = Array.from({ length: 30 }, (_, index) =>
    [newEntry, newThread, newComment][index % 3]!(project),
  );
  await client.upload(...objects);
  const history = await client.fetch(project);
  assert.equal(versionsOf(history), versionsOf(objects));
  assert.equal(
    history.map(({ seqno }) => seqno ?? null),
    objects.map((_, index) => index + 1),
  );
});

uploads('WS-13 a version uuid that exists is dropped silently: the first write wins', async () => {
  const client = await connect();
  const project = newProject();
  const live = await client.subscribe(project);
  const first = newEntry(project, { clip_id: 'first' });
  const later = (clipId: string): NewVersion => ({ ...first, clip_id: clipId });
  assert.is((await client.upload(first, later('within the upload')))['type'], 'uploaded');
  assert.is((await client.upload(later('in a later upload')))['type'], 'uploaded');
  const beside = newEntry(project);
  assert.is((await client.upload(later('with another'), beside, beside))['type'], 'uploaded');
  await client.waitForVersion(live, beside.version_uuid);
  for (const objects of [client.objectsOf(live), await client.fetch(project)]) {
    assert.equal(versionsOf(objects), versionsOf([first, beside]));
    assert.is(objects[0]!['clip_id'], 'first');
    assert.equal([objects[0]!['seqno'], objects[1]!['seqno']], [1, 2]);
  }
});

uploads('WS-13 of the same version from two sockets at once one is kept, and both are answered', async () => {
  const [one, other] = [await connect(), await connect()];
  const project = newProject();
  const live = await one.subscribe(project);
  for (let round = 0; round < 20; round++) {
    const object = newComment(project, { body: 'one' });
    const rival = { ...object, body: 'other' };
    const answers = await Promise.all([one.upload(object), other.upload(rival), one.upload(object)]);
    assert.equal(typesOf(answers), ['uploaded', 'uploaded', 'uploaded']);
  }
  const history = await one.fetch(project);
  assert.is(history.length, 20);
  assert.equal(
    history.map(({ seqno }) => seqno ?? null),
    history.map((_, index) => index + 1),
  );
  assert.equal(versionsOf(await one.waitForObjects(live, 20)), versionsOf(history));
  assert.is(new Set(versionsOf(history)).size, 20);
});

uploads(
  'WS-13 a version that is known only from an upload in flight is acknowledged when it is durable',
  async () => {
    const [one, other] = [await connect(), await connect()];
    const project = newProject();
    for (let round = 0; round < 20; round++) {
      const object = newComment(project);
      const first = one.upload(object);
      await other.upload(object);
      assert.equal(versionsOf(await other.fetch(project)).at(-1), object.version_uuid);
      await first;
    }
  },
);

uploads('WS-13 the same uuid under two kinds, or in two projects, is two objects', async () => {
  const client = await connect();
  const [project, other] = [newProject(), newProject()];
  const uuid = { version_uuid: 'same' };
  const objects = [newEntry(project, uuid), newThread(project, uuid), newComment(project, uuid)];
  await client.upload(...objects, newEntry(other, uuid));
  await client.upload(...objects.toReversed());
  assert.equal(typesOf(await client.fetch(project)), ['entry', 'thread', 'comment']);
  assert.equal(typesOf(await client.fetch(other)), ['entry']);
});

uploads('WS-13 a refused object can be sent again, corrected', async () => {
  const client = await connect();
  const project = newProject();
  const object = newEntry(project);
  await client.upload({ ...object, clip_id: 5 });
  await client.upload(object);
  assert.equal(versionsOf(await client.fetch(project)), [object.version_uuid]);
});

uploads('WS-13 an empty upload is answered', async () => {
  const client = await connect();
  assert.is((await client.upload())['type'], 'uploaded');
});

uploads('WS-13 uploads that cross in two projects end, each whole', async () => {
  const clients = [await connect(), await connect()];
  const projects = [newProject(), newProject()];
  const both = (): NewVersion[] => projects.map((project) => newComment(project));
  const pairs: JsonObject[][] = [];
  await Promise.all(
    Array.from({ length: 30 }, (_, index) => {
      const pair = index % 2 === 0 ? both() : both().toReversed();
      pairs.push(pair);
      return clients[index % 2]!.upload(...pair);
    }),
  );
  for (const project of projects) {
    const expected = pairs.map((pair) => pair.find(({ project_id }) => project_id === project)!);
    assert.equal(versionsOf(await clients[0]!.fetch(project)).sort(), versionsOf(expected).sort());
  }
});

uploads('WS-13 what was acknowledged survives kill -9, each upload whole', async () => {
  const data = await temporaryFolder();
  const acknowledged: NewVersion[] = [];
  const sent: NewVersion[][] = [];
  for (const answersBeforeKill of [20, 35, 50, 65]) {
    const server = await startProcess(data);
    atEnd(() => server.kill('SIGKILL').then(() => undefined));
    const client = await StreamClient.connect(server.socketUrl);
    for (let i = 0; i < 200; i++) {
      const pair = [newComment('one'), newEntry('other')];
      sent.push(pair);
      void client.upload(...pair).then(
        () => acknowledged.push(...pair),
        () => undefined, // killed before it was answered
      );
    }
    await client.waitFor(() => client.messages.length >= answersBeforeKill);
    await server.kill('SIGKILL');
    await client.waitForClose();
  }
  const server = await startServer({ data });
  atEnd(() => server.remove());
  const reader = await StreamClient.connect(server.socketUrl);
  atEnd(() => reader.close());
  const stored = new Set(versionsOf([...(await reader.fetch('one')), ...(await reader.fetch('other'))]));
  assert.ok(acknowledged.length >= 2 * (20 + 35 + 50 + 65));
  for (const { version_uuid } of acknowledged) assert.ok(stored.has(version_uuid), 'acknowledged, but lost');
  for (const [one, other] of sent) assert.is(stored.has(one!.version_uuid), stored.has(other!.version_uuid));
});

uploads('WS-13 a project that cannot be written refuses all of an upload', async () => {
  const first = await startServer();
  const { data } = first;
  const before = await StreamClient.connect(first.socketUrl);
  atEnd(() => removeFolder(data));
  await before.upload(newComment('damaged'), newComment('damaged'));
  await before.close();
  await first.stop();
  const store = await LevelStore.open(join(data, 'db'));
  await store.write([{ key: projectKey('damaged'), value: null }]);
  await store.close();

  const server = await startServer({ data });
  atEnd(() => server.stop());
  const client = await StreamClient.connect(server.socketUrl);
  atEnd(() => client.close());
  for (const objects of [
    [newEntry('good'), newEntry('damaged')],
    [newEntry('damaged'), newEntry('good')],
  ])
    // prettier-ignore
    assert.is((await client.ask({ type: 'upload', mux_id: 'u', objects }))['code'], 'damaged');
  assert.equal(await client.fetch('good'), []);
  const good = newEntry('good');
  assert.is((await client.ask({ type: 'upload', mux_id: 'u', objects: [good] }))['type'], 'uploaded');
  assert.equal(versionsOf(await client.fetch('good')), [good.version_uuid]);
});

uploads('WS-22 a refused upload answers error and never uploaded', async () => {
  const client = await connect();
  const project = newProject();
  for (const objects of [[{}], [newEntry(project, { reason: 'x' })], 'x', null, [[newEntry(project)]]])
    assert.is((await client.ask({ type: 'upload', mux_id: 'u', objects }))['type'], 'error');
  await client.upload(newEntry(project));
  assert.equal(new Set(typesOf(client.of('u'))), new Set(['error']));
});

uploads.run();
