// `/ws` in the later vocabulary, beside the original one on the same sockets: the rules that both must hold.

import { randomUUID } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { defects } from '../support/metrics.ts';
import {
  everythingOf,
  fetchLater,
  inLaterNames,
  laterUpload,
  laterVersionsOf,
  subscribeLater,
} from '../support/stream-later.ts';
import {
  newComment,
  newEntry,
  newThread,
  sinceOf,
  textOf,
  textsOf,
  typesOf,
  versionsOf,
  type NewVersion,
  type StreamClient,
} from '../support/stream-client.ts';
import { withServer } from '../support/with-server.ts';

const later = suite('the later vocabulary');
const { connect, connectYjs, newProject, server } = withServer(later);

/** One of each kind, and again: an edit, a rename, a deletion. */
function versionsOfAll(project: Json): NewVersion[] {
  const [entry, thread] = [newEntry(project), newThread(project)];
  const comment = newComment(project, { thread_uuid: thread['thread_uuid'] ?? null });
  const edit = { clip_id: null, content: { camera: null }, modifies: [entry.version_uuid], reason: 'wrong' };
  return [
    entry,
    thread,
    comment,
    newEntry(project, { report_uuid: entry['report_uuid']!, entry_uuid: entry['entry_uuid']!, ...edit }),
    newThread(project, {
      thread_uuid: thread['thread_uuid']!,
      name: null,
      links: [['report', 'r'], 'x', 'y'],
    }),
    newComment(project, {
      comment_uuid: comment['comment_uuid']!,
      thread_uuid: thread['thread_uuid']!,
      parent_uuid: randomUUID(),
      body: null,
      archivetime: [[1, 2]],
    }),
  ];
}

/** Waits until a stream has so many objects. */
async function laterObjects(client: StreamClient, muxId: Json, count: number): Promise<JsonObject[]> {
  return (await client.waitForObjects(muxId, count)).slice(0, count);
}

later('WS-1 any string or number names a stream, is refused while in use, and free again after', async () => {
  const client = await connect();
  const project = newProject();
  for (const muxId of [0, '', 1, '1']) {
    const request = { mux_id: muxId, ...everythingOf(project) };
    assert.is((await client.ask({ type: 'subscribe', ...request }))['mux_id'], muxId);
    const refused = await client.ask({ type: 'fetch', ...request });
    assert.is(refused['code'], 'mux-in-use');
  }
  const object = newEntry(project);
  await client.upload(object);
  for (const muxId of [0, '', 1, '1']) {
    const [seen] = await client.waitForObjects(muxId, 1);
    assert.is(seen?.['version'], object.version_uuid);
    await client.ask({ type: 'close', mux_id: muxId });
    assert.is((await client.ask({ type: 'fetch', mux_id: muxId, ...everythingOf(project) }))['type'], 'sync');
  }
});

later('WS-2 a number and its canonical string are one project, printed as a number', async () => {
  const client = await connect();
  const number = 4_071_936;
  await client.upload(laterUpload(newEntry(number)), newThread(String(number)));
  for (const value of [number, String(number)]) {
    const { objects } = await fetchLater(client, everythingOf(value));
    assert.equal(
      objects.map(({ project }) => project ?? null),
      [number, number],
    );
  }
  const named = await fetchLater(client, {
    project: number,
    entries: {},
    topics: { match: 'project', value: number },
  });
  assert.equal(typesOf(named.objects), ['entry', 'topic']);
  assert.equal((await fetchLater(client, everythingOf(`0${number}`))).objects, []);
});

later('WS-3 WS-10 a stream of each vocabulary on one socket: the same changes, field for field', async () => {
  const client = await connect();
  const project = newProject();
  const [past, live] = [versionsOfAll(project), versionsOfAll(project)];
  await client.upload(...past);
  const original = await client.subscribe(project);
  const short = await subscribeLater(client, everythingOf(project));
  await client.upload(...live.map(laterUpload));
  const expected = await client.waitForObjects(original, 12);
  const seen = await laterObjects(client, short, 12);
  assert.equal(versionsOf(expected), versionsOf([...past, ...live]));
  assert.equal(textsOf(seen), textsOf(expected.map(inLaterNames)));
  assert.equal(typesOf(client.of(short)).indexOf('sync'), 6);
  assert.is(typesOf(client.of(short)).lastIndexOf('sync'), 6);
  // History, as it was live.
  const { objects, sync } = await fetchLater(client, everythingOf(project));
  assert.equal(textsOf(objects), textsOf(seen));
  assert.equal(sync['since'], sinceOf(objects));
  const names = 'type mux_id srv_id seqno project report entry version user_id user clip_id content modifies';
  assert.is(Object.keys(seen[0]!).join(' '), `${names} reason archivetime authortime submissiontime`);
});

later('WS-3 no gap and no duplicate between history and live, whenever a stream begins', async () => {
  const [writer, reader] = [await connect(), await connect()];
  const project = newProject();
  const sent: NewVersion[] = [];
  const muxIds: string[] = [];
  for (let round = 0; round < 15; round++) {
    const objects = [newEntry(project), newThread(project), newComment(project)];
    sent.push(...objects);
    const uploaded = writer.upload(...objects);
    muxIds.push(await subscribeLater(reader, everythingOf(project)));
    await uploaded;
  }
  for (const muxId of muxIds)
    assert.equal(laterVersionsOf(await laterObjects(reader, muxId, sent.length)), versionsOf(sent));
  await reader.ask({ type: 'close', mux_id: muxIds[0]! });
  for (const muxId of muxIds) assert.is(reader.objectsOf(muxId).length, sent.length);
});

later(
  'WS-4 WS-5 since is exclusive, of each kind, and brings exactly the rest after any message',
  async () => {
    const client = await connect();
    const project = newProject();
    await client.upload(...versionsOfAll(project));
    const { objects: all } = await fetchLater(client, everythingOf(project));
    assert.is(all.length, 6);
    for (let seen = 0; seen <= all.length; seen++) {
      const since = [...sinceOf(all.slice(0, seen)), [7, 99]];
      const { objects } = await fetchLater(client, everythingOf(project, since));
      assert.equal(laterVersionsOf(objects), laterVersionsOf(all.slice(seen)));
    }
    const beyond = await subscribeLater(client, everythingOf(project, [[server().serverId, 1_000_000]]));
    assert.equal(client.objectsOf(beyond), []);
    const object = newEntry(project);
    await client.upload(object);
    assert.equal(laterVersionsOf(await laterObjects(client, beyond, 1)), [object.version_uuid]);
  },
);

later('WS-6 a kind without a selector is not streamed, in history and live', async () => {
  const client = await connect();
  const project = newProject();
  const muxIds: [string, string][] = [];
  await client.upload(newEntry(project), newThread(project), newComment(project));
  for (const [name, selector] of Object.entries(everythingOf(project)))
    muxIds.push([name, await subscribeLater(client, { [name]: selector })]);
  const all = await subscribeLater(client, everythingOf(project));
  await client.upload(newComment(project), newThread(project), newEntry(project));
  await client.waitForObjects(all, 6);
  const types: Record<string, string> = { entries: 'entry', topics: 'topic', comments: 'comment' };
  for (const [name, muxId] of muxIds) {
    await client.waitForObjects(muxId, 2);
    assert.equal(typesOf(client.objectsOf(muxId)), [types[name], types[name]]);
  }
});

later('WS-8 a stream can be closed, also during history, and twice', async () => {
  const client = await connect();
  const project = newProject();
  for (let sent = 0; sent < 120; sent += 40)
    await client.upload(
      ...Array.from({ length: 40 }, () => newComment(project, { body: 'x'.repeat(100_000) })),
    );
  client.send({ type: 'subscribe', mux_id: 'long', ...everythingOf(project) });
  await client.waitForObjects('long', 1);
  await client.ask({ type: 'close', mux_id: 'long' });
  const seen = client.of('long').length;
  assert.ok(seen < 121, 'it was closed during history');
  assert.is((await client.ask({ type: 'close', mux_id: 'long' }))['type'], 'closed');
  const other = await subscribeLater(client, everythingOf(project));
  assert.is(client.objectsOf(other).length, 120);
  assert.is(client.of('long').length, seen + 1);
});

later('WS-9 WS-11 an unknown project streams when it comes to life, to all sockets', async () => {
  const [reader, writer] = [await connect(), await connect()];
  const project = newProject();
  const muxId = reader.newMuxId();
  const sync = await reader.ask({ type: 'subscribe', mux_id: muxId, ...everythingOf(project) });
  assert.equal(sync, { type: 'sync', mux_id: muxId, since: [] });
  const objects = [newEntry(project), newThread(project), newComment(project)];
  await writer.upload(...objects);
  assert.equal(laterVersionsOf(await laterObjects(reader, muxId, 3)), versionsOf(objects));
  const late = await connect();
  assert.equal(laterVersionsOf((await fetchLater(late, everythingOf(project))).objects), versionsOf(objects));
});

later('WS-12 WS-13 names of either vocabulary make the same object, stored once', async () => {
  const client = await connect();
  const project = newProject();
  const objects = versionsOfAll(project);
  await client.upload(...objects.map(laterUpload));
  const changed = objects.map((object) => ({ ...object, archivetime: [[5, 5]], srv_id: 9, user: 'forged' }));
  assert.is((await client.upload(...changed, ...changed.map(laterUpload)))['type'], 'uploaded');
  const { objects: seen } = await fetchLater(client, everythingOf(project));
  assert.equal(laterVersionsOf(seen), versionsOf(objects));
  for (const object of seen) assert.is(object['user'], 'anonymous');
  assert.equal(textsOf(seen), textsOf((await client.fetch(project)).map(inLaterNames)));
});

later('WS-14 WS-15 WS-16 WS-17 edits, deletions, links and times come as they were sent', async () => {
  const client = await connect();
  const project = newProject();
  const objects = versionsOfAll(project).map((object) => ({
    ...object,
    authortime: '2024-05-17 11:30+02:00',
  }));
  await client.upload(...objects.map(laterUpload));
  const seen = (await fetchLater(client, everythingOf(project))).objects;
  for (const [index, object] of objects.entries()) {
    const { type, ...sent } = laterUpload({ ...object, authortime: '2024-05-17T09:30:00.000Z' });
    for (const [name, value] of Object.entries(sent)) assert.equal(seen[index]?.[name], value, name);
    assert.is(seen[index]?.['type'], textOf({ type: type ?? null }, 'type').slice('new'.length));
    assert.match(textOf(seen[index]!, 'submissiontime'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  }
  const bad: [JsonObject, string][] = [
    [{ modifies: [] }, 'objects[0].modifies'],
    [{ content: { a: 1 } }, 'objects[0].content.a'],
    [{ authortime: 'yesterday' }, 'objects[0].authortime'],
    [{ report: 7 }, 'objects[0].report '],
  ];
  for (const [fields, says] of bad) {
    const error = await client.upload({ ...laterUpload(newEntry(project)), ...fields });
    assert.is(error['code'], 'bad-request');
    assert.ok(textOf(error, 'message').startsWith(says), textOf(error, 'message'));
  }
});

later('WS-18 extra fields are kept and streamed, live and in history', async () => {
  const client = await connect();
  const project = newProject();
  const muxId = await subscribeLater(client, everythingOf(project));
  const extra = { zoom: [1, { report: 'x' }], '7': 'seven', topic: 'of an entry' };
  await client.upload({ ...laterUpload(newEntry(project)), ...extra });
  const [live] = await laterObjects(client, muxId, 1);
  const { objects } = await fetchLater(client, everythingOf(project));
  assert.equal(textsOf(objects), textsOf([live!]));
  for (const [name, value] of Object.entries(extra)) assert.equal(live?.[name], value);
  const [original] = await client.fetch(project);
  assert.equal(inLaterNames(original!), { ...live, mux_id: original?.['mux_id'] });
});

later('WS-19 WS-20 WS-25 a bad request is one error that says why, and all else lives on', async () => {
  const client = await connect();
  const project = newProject();
  const selector = { match: 'project', value: project };
  const watched = await subscribeLater(client, everythingOf(project));
  const since = Array.from({ length: 10_001 }, (_, index) => [index, 1]);
  const cases: [JsonObject, string][] = [
    [{ entries: { match: 'entry', value: 'x' } }, 'entries.match must be "project", "report" or "user"'],
    [{ entries: selector, comments: '*' }, 'comments is "*" and entries a selector'],
    [{ topics: selector, threads: '*' }, 'threads and topics are of two vocabularies'],
    [{ topics: { match: 'user', value: 'u' } }, 'project must be the id of a project'],
    [{ users: selector }, 'users cannot be streamed here'],
    [{ comments: { ...selector, since } }, 'comments.since has 10001 pairs'],
    [{ comments: { ...selector, since: [[1, -1]] } }, 'comments.since[0] must be a pair'],
  ];
  for (const [fields, says] of cases) {
    const muxId = client.newMuxId();
    const error = await client.ask({ type: 'subscribe', mux_id: muxId, ...fields });
    assert.is(error['type'], 'error');
    assert.ok(textOf(error, 'message').includes(says), textOf(error, 'message'));
    assert.is((await client.ask({ type: 'close', mux_id: muxId }))['type'], 'closed');
  }
  const surrogate = '{"type":"fetch","mux_id":5,"entries":{"match":"report","value":"\\ud800"}}';
  const error = await client.askInText(surrogate);
  assert.is(error['mux_id'], 5);
  assert.ok(textOf(error, 'message').includes('/entries/value has a lone surrogate'));
  const object = newEntry(project);
  await client.upload(object);
  assert.equal(laterVersionsOf(await laterObjects(client, watched, 1)), [object.version_uuid]);
  assert.is(await defects(server().url), 0);
});

later('WS-22 a refused upload answers error and never uploaded', async () => {
  const client = await connect();
  const project = newProject();
  const [good, bad] = [laterUpload(newEntry(project)), { ...laterUpload(newThread(project)), links: 7 }];
  for (const objects of [[bad], [good, bad]]) {
    const muxId = client.newMuxId();
    const error = await client.ask({ type: 'upload', mux_id: muxId, objects });
    assert.is(error['type'], 'error');
    assert.match(textOf(error, 'message'), new RegExp(`^objects\\[${objects.length - 1}\\]\\.links `));
    await client.ask({ type: 'close', mux_id: 'marker' });
    assert.equal(typesOf(client.of(muxId)), ['error']);
  }
  assert.equal((await fetchLater(client, everythingOf(project))).objects, []);
});

later('WS-24 WS-18 an object of a Yjs client is streamed, and no name stands in it twice', async () => {
  const client = await connect();
  const project = newProject();
  const muxId = await subscribeLater(client, everythingOf(project));
  const original = await client.subscribe(project);
  const yjs = await connectYjs(project);
  const { type, project_id, ...fields } = newEntry(project);
  assert.equal([type, project_id], ['newentry', project]);
  const taken = { report: 'another', entry: 7, version: null, user: {}, project: 'q' };
  yjs.doc.getMap('entries').set(fields.version_uuid, { ...fields, ...taken, user_id: 'eva', topic: 'kept' });
  const [seen] = await laterObjects(client, muxId, 1);
  assert.is(seen?.['report'], fields['report_uuid']);
  assert.is(seen?.['project'], project);
  assert.is(seen?.['user_id'], 'eva');
  assert.is(seen?.['topic'], 'kept');
  const [longNames] = await client.waitForObjects(original, 1);
  assert.equal(textsOf([inLaterNames(longNames!)]), textsOf([seen!]));
  for (const name of Object.keys(taken)) assert.not.ok(Object.hasOwn(longNames!, name), name);
  const text = client.texts.find((sent) => sent.includes(`"mux_id":${JSON.stringify(muxId)},"srv_id"`));
  for (const name of Object.keys(seen!)) assert.is(text?.split(`"${name}":`).length, 2, name);
});

later.run();
