// Objects of Yjs clients in streams, and uploaded objects at Yjs clients, over real sockets.

import { pino } from 'pino';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import type { JsonObject } from '../../src/model/json.ts';
import { metric } from '../support/metrics.ts';
import { startServer } from '../support/server.ts';
import {
  StreamClient,
  newComment,
  newEntry,
  newThread,
  sinceOf,
  textOf,
  typesOf,
  versionsOf,
  without,
  type NewVersion,
} from '../support/stream-client.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';
import { openProvider } from '../support/yjs-client.ts';

const shared = suite('objects of Yjs clients');
const { atEnd, connect, connectYjs, newProject, server } = withServer(shared);

/** A version as a Yjs client sets it. */
function yjsObject(version: NewVersion, fields: JsonObject = {}): JsonObject {
  return { ...without(version, 'type', 'project_id'), ...fields };
}

/** A streamed object without what it has only on the wire. */
function stored(message: JsonObject): JsonObject {
  return without(message, 'type', 'mux_id', 'srv_id', 'seqno', 'proj_id');
}

shared('WS-24 an object of a Yjs client is streamed like any other', async () => {
  const project = newProject();
  const [client, { doc }] = [await connect(), await connectYjs(project)];
  const live = await client.subscribe(project);
  const roots = { entries: newEntry(project), threads: newThread(project), comments: newComment(project) };
  for (const [root, version] of Object.entries(roots))
    doc.getMap(root).set(version.version_uuid, yjsObject(version, { mood: 'good' }));
  await client.waitForObjects(live, 3);
  const [one, ...rest] = Object.values(roots);
  const after = await client.fetch(project, { since: sinceOf(client.objectsOf(live).slice(0, 1)) });
  assert.equal(versionsOf(after), versionsOf(rest));
  for (const objects of [client.objectsOf(live), await client.fetch(project)]) {
    assert.equal(typesOf(objects), ['entry', 'thread', 'comment']);
    assert.equal(versionsOf(objects), versionsOf([one!, ...rest]));
    for (const [index, version] of Object.values(roots).entries()) {
      const object = objects[index]!;
      const users = { user_id: 'anonymous', user_uuid: 'anonymous', mood: 'good' };
      assert.equal(without(stored(object), 'submissiontime'), yjsObject(version, users));
      assert.ok(Math.abs(Date.parse(textOf(object, 'submissiontime')) - Date.now()) < 60_000);
      assert.is(object['srv_id'], server().serverId);
      assert.is(object['proj_id'], project);
    }
  }
});

shared('WS-24 user and submissiontime of a Yjs client are kept when present', async () => {
  const project = newProject();
  const [client, { doc }] = [await connect(), await connectYjs(project)];
  const live = await client.subscribe(project);
  const present = { user_id: 'ada', user_uuid: 'u-1', submissiontime: '2020-01-01T00:00:00.000Z' };
  for (const fields of [present, { user_id: 'ada' }, { ...present, user_id: null }]) {
    const version = newEntry(project);
    doc.getMap('entries').set(version.version_uuid, yjsObject(version, fields));
    const object = await client.waitForVersion(live, version.version_uuid);
    for (const [name, value] of Object.entries(fields)) assert.is(object[name], value ?? 'anonymous');
    assert.type(object['user_uuid'], 'string');
    assert.type(object['submissiontime'], 'string');
  }
});

shared('WS-24 objects of one transaction, and those made offline, are streamed', async () => {
  const project = newProject();
  const [client, { doc }] = [await connect(), await connectYjs(project)];
  const live = await client.subscribe(project);
  const versions = [newEntry(project), newThread(project), newComment(project), newEntry(project)];
  const setAll = (target: Y.Doc): void => {
    for (const version of versions) {
      const root = { newentry: 'entries', newthread: 'threads', newcomment: 'comments' }[
        textOf(version, 'type')
      ];
      target.getMap(root).set(version.version_uuid, yjsObject(version));
    }
  };
  doc.transact(() => {
    doc.getMap('udt').set('name', 'n');
    setAll(doc);
    doc.getText('notes').insert(0, 'note');
  });
  await client.waitForObjects(live, 4);
  const otherProject = newProject();
  const offline = new Y.Doc();
  setAll(offline);
  const late = openProvider(server().socketUrl, otherProject, offline);
  atEnd(() => late.destroy());
  const otherLive = await client.subscribe(otherProject);
  await client.waitForObjects(otherLive, 4);
  for (const id of [project, otherProject])
    assert.equal(versionsOf(await client.fetch(id)).sort(), versionsOf(versions).sort());
});

shared('WS-24 setting a key again or deleting it adds no object: the first write wins', async () => {
  const project = newProject();
  const [client, { doc }] = [await connect(), await connectYjs(project)];
  const live = await client.subscribe(project);
  const map = doc.getMap('comments');
  const [byYjs, uploaded, marker] = [newComment(project), newComment(project), newComment(project)];
  map.set(byYjs.version_uuid, yjsObject(byYjs, { body: 'first' }));
  await client.upload({ ...uploaded, body: 'first' });
  await until('the upload is there', () => map.has(uploaded.version_uuid));
  await client.waitForObjects(live, 2);
  for (const version of [byYjs, uploaded]) {
    map.set(version.version_uuid, yjsObject(version, { body: 'second' }));
    map.delete(version.version_uuid);
    await client.upload({ ...version, body: 'third' });
  }
  map.set(marker.version_uuid, yjsObject(marker, { body: 'first' }));
  await client.waitForVersion(live, marker.version_uuid);
  for (const objects of [client.objectsOf(live), await client.fetch(project)]) {
    assert.equal(versionsOf(objects).sort(), versionsOf([byYjs, uploaded, marker]).sort());
    for (const { body } of objects) assert.is(body, 'first');
  }
});

/** Root and value of what must not be streamed. */
const refused: [string, unknown][] = [
  ...[
    { clip_id: 5 },
    { reason: 'x' },
    { content: { a: { b: 'c' } } },
    { version_uuid: 'other' },
    { authortime: null },
    { authortime: 'never' },
    { archivetime: 5 },
    { extra: Infinity },
  ].map((fields): [string, unknown] => ['entries', yjsObject(newEntry('p', fields))]),
  ...['text', 5, null, ['list'], new Uint8Array(3)].map((value): [string, unknown] => ['entries', value]),
  ['entries', { ...yjsObject(newEntry('p')), report_uuid: new Uint8Array(2) }],
  ['entries', new Y.Map([['clip_id', 'A']])],
  ['threads', yjsObject(newThread('p', { links: 'x' }))],
  ['comments', yjsObject(newComment('p', { body: 5 }))],
];

shared('WS-24 one that breaks a rule stays in the document alone, counted and logged', async () => {
  let logged = '';
  const log = pino({ level: 'debug' }, { write: (line) => void (logged += line) });
  const own = await startServer({ log });
  atEnd(() => own.remove());
  const client = await StreamClient.connect(own.socketUrl);
  atEnd(() => client.close());
  const [yjs, other] = [openProvider(own.socketUrl, 'p'), openProvider(own.socketUrl, 'p')];
  for (const provider of [yjs, other]) atEnd(() => provider.destroy());
  await yjs.synced();
  const live = await client.subscribe('p');
  const keys = refused.map(([root, value], index) => {
    const key = `refused ${index}.`;
    const isVersion = typeof value === 'object' && value !== null && 'version_uuid' in value;
    const fits = isVersion && value.version_uuid !== 'other';
    yjs.doc.getMap(root).set(key, fits ? { ...value, version_uuid: key } : value);
    return { root, key };
  });
  const good = newEntry('p');
  yjs.doc.getMap('entries').set(good.version_uuid, yjsObject(good));
  await client.waitForVersion(live, good.version_uuid);
  assert.equal(versionsOf(client.objectsOf(live)), [good.version_uuid]);
  assert.equal(versionsOf(await client.fetch('p')), [good.version_uuid]);

  await until('the other client has the last one', () => other.doc.getMap('entries').has(good.version_uuid));
  for (const { root, key } of keys) assert.ok(other.doc.getMap(root).has(key), `${key} is in the document`);
  assert.is(await metric(own.url, 'rejoin_events_total', { type: 'object-refused' }), keys.length);
  for (const { key } of keys) assert.ok(logged.includes(key), `${key} in ${logged}`);
});

shared('WS-13 uploaded objects appear at Yjs clients, as they are streamed', async () => {
  const project = newProject();
  const [client, early] = [await connect(), await connectYjs(project)];
  const versions = { entries: newEntry(project), threads: newThread(project), comments: newComment(project) };
  await client.upload(...Object.values(versions), newEntry(project, { extra: [1, { a: null }] }));
  await client.upload({ ...versions.entries, clip_id: 'again' });
  const history = await client.fetch(project);
  const late = await connectYjs(project);
  for (const { doc } of [early, late]) {
    await until('both entries are there', () => doc.getMap('entries').size === 2);
    for (const object of history) {
      const root = { entry: 'entries', thread: 'threads', comment: 'comments' }[textOf(object, 'type')];
      assert.equal(doc.getMap(root).get(textOf(object, 'version_uuid')), stored(object));
    }
    assert.equal(
      Object.keys(versions).map((root) => doc.getMap(root).size),
      [2, 1, 1],
    );
  }
});

shared.run();
