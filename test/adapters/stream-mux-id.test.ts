// How streams are named over a real socket: which names there are, when one is taken, and when it is free again.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { everyKind, newComment, newEntry, versionsOf } from '../support/stream-client.ts';
import { withServer } from '../support/with-server.ts';

const muxes = suite('mux_id');
const { connect, newProject } = withServer(muxes);

muxes('WS-1 any string or number names a stream, and is echoed unchanged', async () => {
  const client = await connect();
  const project = newProject();
  const muxIds = [
    0,
    '',
    1,
    '1',
    '0',
    -1,
    0.1,
    1e-7,
    2 ** 53 - 1,
    '9007199254740993',
    'ü 🎬 "\n\u0000',
    'mux_id',
  ];
  const past = newComment(project);
  await client.upload(past);
  for (const muxId of muxIds) {
    const sync = await client.ask({ type: 'subscribe', mux_id: muxId, project_id: project, ...everyKind });
    assert.is(sync['type'], 'sync');
  }
  const live = newComment(project);
  await client.upload(live);
  for (const muxId of muxIds) {
    await client.waitForVersion(muxId, live.version_uuid);
    assert.equal(versionsOf(client.objectsOf(muxId)), [past.version_uuid, live.version_uuid]);
  }
  for (const muxId of muxIds) {
    const closed = await client.ask({ type: 'close', mux_id: muxId });
    assert.equal(closed, { type: 'closed', mux_id: muxId });
    assert.equal(await client.ask({ type: 'upload', mux_id: muxId, objects: [] }), {
      type: 'uploaded',
      mux_id: muxId,
    });
  }
});

muxes('WS-1 a mux_id in use by a stream is refused, and the stream is untouched', async () => {
  const client = await connect();
  const project = newProject();
  const muxId = await client.subscribe(project);
  const refusedUpload = newComment(project);
  for (const request of [
    { type: 'subscribe', project_id: project, ...everyKind },
    { type: 'fetch', project_id: newProject(), ...everyKind },
    { type: 'upload', objects: [refusedUpload] },
  ]) {
    const error = await client.ask({ ...request, mux_id: muxId });
    assert.is(error['type'], 'error');
    assert.is(error['code'], 'mux-in-use');
  }
  const live = newComment(project);
  await client.upload(live);
  await client.waitForVersion(muxId, live.version_uuid);
  assert.equal(versionsOf(client.objectsOf(muxId)), [live.version_uuid]);
});

muxes('WS-1 a mux_id in use by an upload is refused until the upload is answered', async () => {
  const client = await connect();
  const project = newProject();
  const object = newComment(project);
  client.send({ type: 'upload', mux_id: 'u', objects: [object] });
  client.send({ type: 'subscribe', mux_id: 'u', project_id: project, ...everyKind });
  client.send({ type: 'upload', mux_id: 'u', objects: [newComment(project)] });
  await client.waitFor(({ type }) => type === 'uploaded');
  assert.equal(
    client.of('u').map(({ type, code }) => code ?? type ?? null),
    ['mux-in-use', 'mux-in-use', 'uploaded'],
  );
  assert.equal(versionsOf(await client.fetch(project)), [object.version_uuid]);
});

muxes('WS-1 a mux_id is free again after closed, sync of a fetch, uploaded, and error', async () => {
  const client = await connect();
  const project = newProject();
  const types = [];
  for (const request of [
    { type: 'subscribe', project_id: project },
    { type: 'close' },
    { type: 'fetch', project_id: project },
    { type: 'fetch', project_id: project },
    { type: 'upload', objects: [newEntry(project)] },
    { type: 'upload', objects: [{}] },
    { type: 'subscribe' },
    { type: 'fetch', project_id: project, entries: '*' },
    { type: 'subscribe', project_id: project, entries: '*' },
  ]) {
    types.push((await client.ask({ ...request, mux_id: 0 }))['type']);
  }
  assert.equal(types, [...['sync', 'closed', 'sync', 'sync', 'uploaded', 'error', 'error', 'sync', 'sync']]);
  assert.is(client.objectsOf(0).length, 2);
});

muxes('WS-1 close and subscribe may be sent together', async () => {
  const client = await connect();
  const [one, other] = [newProject(), newProject()];
  const object = newComment(other);
  await client.upload(object);
  await client.ask({ type: 'subscribe', mux_id: 7, project_id: one, ...everyKind });
  client.send({ type: 'close', mux_id: 7 });
  await client.ask({ type: 'subscribe', mux_id: 7, project_id: other, ...everyKind });
  await client.waitForVersion(7, object.version_uuid);
  await client.waitFor(({ mux_id, type }) => mux_id === 7 && type === 'sync', client.messages.length - 1);
  assert.equal(
    client.of(7).map(({ type }) => type ?? null),
    ['sync', 'closed', 'comment', 'sync'],
  );
});

muxes('WS-1 sockets have their own mux_ids', async () => {
  const [one, other] = [await connect(), await connect()];
  const project = newProject();
  await one.ask({ type: 'subscribe', mux_id: 1, project_id: project, ...everyKind });
  const sync = await other.ask({ type: 'subscribe', mux_id: 1, project_id: project, ...everyKind });
  assert.is(sync['type'], 'sync');
  await other.ask({ type: 'close', mux_id: 1 });
  const object = newComment(project);
  await other.upload(object);
  await one.waitForVersion(1, object.version_uuid);
});

muxes.run();
