// Streams over a real socket: their projects, what they select, and how they end.

import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { listProjects } from '../../src/store/project-info.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { LevelStore } from '../../src/store/level.ts';
import { startServer } from '../support/server.ts';
import {
  StreamClient,
  everyKind,
  newComment,
  newEntry,
  newThread,
  versionsOf,
} from '../support/stream-client.ts';
import { withServer } from '../support/with-server.ts';

const streams = suite('streams');
const { atEnd, connect, newProject } = withServer(streams);

streams('WS-2 project_id, project and proj_id mean the same', async () => {
  const client = await connect();
  const id = newProject();
  const names = ['project_id', 'project', 'proj_id'];
  const objects = names.map((name) => {
    const object = Object.entries(newComment(id)).map(([field, value]) => [
      field === 'project_id' ? name : field,
      value,
    ]);
    return Object.fromEntries(object) as JsonObject;
  });
  await client.upload(...objects);
  for (const name of names) {
    const { sync } = await client.fetchWithSync(id, { project_id: id });
    const muxId = client.newMuxId();
    assert.equal(
      { ...(await client.ask({ type: 'fetch', mux_id: muxId, [name]: id, ...everyKind })), mux_id: null },
      { ...sync, mux_id: null },
    );
    assert.is(client.objectsOf(muxId).length, 3);
    for (const object of client.objectsOf(muxId)) {
      assert.is(object['proj_id'], id);
      for (const input of ['project', 'project_id']) assert.not.ok(Object.hasOwn(object, input));
    }
  }
});

streams('WS-2 a number and its canonical string are one project, printed as a number', async () => {
  const client = await connect();
  const numbers = [7, 0, -3, 2 ** 53 - 1];
  for (const number of numbers) {
    const live = await client.subscribe(String(number));
    const [byNumber, byString] = [newComment(number), newComment(String(number))];
    await client.upload(byNumber, byString);
    await client.waitForVersion(live, byString.version_uuid);
    const histories = [await client.fetch(number), await client.fetch(String(number))];
    for (const objects of [client.objectsOf(live), ...histories]) {
      assert.equal(versionsOf(objects), [byNumber.version_uuid, byString.version_uuid]);
      for (const object of objects) assert.is(object['proj_id'], number);
    }
  }
});

streams('WS-2 another spelling of a number is another project, printed as a string', async () => {
  const client = await connect();
  await client.upload(newComment(7));
  for (const id of ['007', '7.0', '+7', ' 7', '7e0', '-0', '9007199254740993']) {
    const object = newComment(id);
    assert.equal(await client.fetch(id), []);
    await client.upload(object);
    const history = await client.fetch(id);
    assert.equal(versionsOf(history), [object.version_uuid]);
    assert.is(history[0]!['proj_id'], id);
  }
});

streams('WS-6 a kind without a selector is not streamed, in history and live', async () => {
  const client = await connect();
  const project = newProject();
  const kinds = { entries: newEntry, threads: newThread, comments: newComment };
  const all = (): ReturnType<typeof newEntry>[] => Object.values(kinds).map((make) => make(project));
  const [past, live] = [all(), all()];
  await client.upload(...past);
  const muxIds = [];
  for (const selector of Object.keys(kinds)) {
    const muxId = client.newMuxId();
    muxIds.push(muxId);
    await client.ask({
      type: 'subscribe',
      mux_id: muxId,
      project_id: project,
      [selector]: '*',
      syncid: ['x'],
    });
    assert.is(client.objectsOf(muxId).length, 1);
  }
  const two = await client.subscribe(project, { threads: null });
  const three = await client.subscribe(project);
  await client.upload(...live);
  await client.waitForObjects(three, 6);
  await client.waitForObjects(two, 4);
  for (const [index, muxId] of muxIds.entries()) {
    await client.waitForObjects(muxId, 2);
    assert.equal(versionsOf(client.objectsOf(muxId)), versionsOf([past[index]!, live[index]!]));
  }
  assert.equal(versionsOf(client.objectsOf(two)), versionsOf([past[0]!, past[2]!, live[0]!, live[2]!]));
});

streams('WS-6 without a selector there is just sync', async () => {
  const client = await connect();
  const project = newProject();
  await client.upload(newEntry(project), newThread(project));
  for (const fields of [{}, { syncid: 5 }, { entries: null, threads: null, comments: null, syncid: null }]) {
    const muxId = client.newMuxId();
    const sync = await client.ask({ type: 'subscribe', mux_id: muxId, project_id: project, ...fields });
    assert.equal(Object.keys(sync), ['type', 'mux_id', 'since']);
    const all = await client.subscribe(project);
    const live = newComment(project);
    await client.upload(live);
    await client.waitForVersion(all, live.version_uuid);
    assert.equal(client.of(muxId), [sync]);
  }
});

streams('WS-8 after closed nothing more comes for the mux_id', async () => {
  const client = await connect();
  const project = newProject();
  const [ended, other] = [await client.subscribe(project), await client.subscribe(project)];
  await client.ask({ type: 'close', mux_id: ended });
  const live = newComment(project);
  await client.upload(live);
  await client.waitForVersion(other, live.version_uuid);
  assert.equal(
    client.of(ended).map(({ type }) => type ?? null),
    ['sync', 'closed'],
  );
});

streams('WS-8 a stream can be closed during history', async () => {
  const client = await connect();
  const project = newProject();
  const count = 160;
  for (let sent = 0; sent < count; sent += 40)
    await client.upload(
      ...Array.from({ length: 40 }, () => newComment(project, { body: 'x'.repeat(100_000) })),
    );
  client.send({ type: 'subscribe', mux_id: 'long', project_id: project, ...everyKind });
  await client.waitForObjects('long', 1);
  await client.ask({ type: 'close', mux_id: 'long' });
  const seen = client.of('long').length;
  assert.ok(client.objectsOf('long').length < count, 'it was closed during history');
  assert.not.ok(client.of('long').some(({ type }) => type === 'sync'));
  const other = await client.subscribe(project, { since: [] });
  assert.is(client.objectsOf(other).length, count);
  assert.is(client.of('long').length, seen);
});

streams('WS-8 an upload that is closed is answered first', async () => {
  const client = await connect();
  const project = newProject();
  const object = newComment(project);
  client.send({ type: 'upload', mux_id: 'u', objects: [object] });
  client.send({ type: 'close', mux_id: 'u' });
  await client.waitFor(({ type }) => type === 'closed');
  assert.equal(versionsOf(await client.fetch(project)), [object.version_uuid]);
  assert.equal(client.of('u'), [
    { type: 'uploaded', mux_id: 'u' },
    { type: 'closed', mux_id: 'u' },
  ]);
});

streams('WS-8 closing an unknown stream, or twice, harms nothing', async () => {
  const client = await connect();
  const project = newProject();
  const [ended, other] = [await client.subscribe(project), await client.subscribe(project)];
  for (const muxId of ['never used', ended, ended, ended])
    assert.equal(await client.ask({ type: 'close', mux_id: muxId }), { type: 'closed', mux_id: muxId });
  const live = newComment(project);
  await client.upload(live);
  await client.waitForVersion(other, live.version_uuid);
});

streams('WS-9 an unknown project answers with sync, and streams when it comes to life', async () => {
  const [reader, writer] = [await connect(), await connect()];
  const project = newProject();
  const muxId = reader.newMuxId();
  const sync = await reader.ask({ type: 'subscribe', mux_id: muxId, project_id: project, ...everyKind });
  assert.equal(sync, { type: 'sync', mux_id: muxId, since: [] });
  const objects = [newEntry(project), newThread(project), newComment(project)];
  await writer.upload(...objects);
  await reader.waitForObjects(muxId, 3);
  assert.equal(versionsOf(reader.objectsOf(muxId)), versionsOf(objects));
});

streams('WS-9 subscribing creates nothing', async () => {
  const server = await startServer();
  atEnd(() => server.remove());
  const client = await StreamClient.connect(server.socketUrl);
  await client.subscribe('only subscribed to');
  await client.fetch('only fetched');
  await client.ask({ type: 'close', mux_id: await client.subscribe('closed again') });
  await client.upload({ ...newEntry('refused upload'), clip_id: 7 });
  await client.ask({ type: 'upload', mux_id: 'empty', objects: [] });
  await client.upload(newEntry('alive'));
  await server.stop();
  const store = await LevelStore.open(join(server.data, 'db'));
  atEnd(() => store.close());
  const names = [];
  for await (const { project } of listProjects(store)) names.push(project);
  assert.equal(names, ['alive']);
});

streams('WS-11 a new socket sees all that was acknowledged before it subscribed', async () => {
  const writer = await connect();
  const project = newProject();
  const acknowledged = [];
  for (let round = 0; round < 15; round++) {
    const object = newComment(project);
    await writer.upload(object);
    acknowledged.push(object);
    const reader = await connect();
    assert.equal(versionsOf(await reader.fetch(project)), versionsOf(acknowledged));
  }
});

streams.run();
