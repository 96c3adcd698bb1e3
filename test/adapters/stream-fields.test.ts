// Which fields uploaded objects have when they are streamed, over a real socket: their names in both vocabularies, what
// the server defines, what nobody knows.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { newComment, newEntry, newThread, textOf, without } from '../support/stream-client.ts';
import { withServer } from '../support/with-server.ts';

const fields = suite('fields');
const { connect, newProject, server } = withServer(fields);

/** The fields of each kind, as wire/ws.md lists them. */
const fieldsOf = {
  entry:
    'mux_id srv_id seqno proj_id report_uuid entry_uuid version_uuid user_id user_uuid clip_id content modifies reason archivetime authortime submissiontime',
  thread:
    'mux_id srv_id seqno proj_id thread_uuid version_uuid user_id user_uuid name links archivetime authortime submissiontime',
  comment:
    'mux_id srv_id seqno proj_id comment_uuid thread_uuid parent_uuid version_uuid user_id user_uuid body archivetime authortime submissiontime',
};

fields('WS-12 an upload in the original vocabulary is streamed with all the fields of its kind', async () => {
  const client = await connect();
  const project = newProject();
  for (const [kind, object] of [
    ['entry', newEntry(project)],
    ['thread', newThread(project, { links: [['report', 'r']], archivetime: [[1, 2]] })],
    ['comment', newComment(project, { parent_uuid: 'p' })],
  ] as const) {
    const before = new Date().toISOString();
    const got = await client.uploadAndFetch(object);
    assert.equal(Object.keys(got).sort(), ['type', ...fieldsOf[kind].split(' ')].sort());
    assert.equal(without(got, 'mux_id', 'seqno', 'submissiontime'), {
      ...without(object, 'project_id'),
      ...{ type: kind, srv_id: server().serverId, proj_id: project },
      ...{ user_id: 'anonymous', user_uuid: 'anonymous' },
    });
    const submitted = textOf(got, 'submissiontime');
    assert.ok(submitted >= before && submitted <= new Date().toISOString());
  }
});

fields('WS-12 an upload in the later vocabulary is streamed in the original one', async () => {
  const client = await connect();
  const project = newProject();
  const common = { project, archivetime: null, authortime: '2024-05-17T09:30:00.000Z' };
  const content = { clip_id: 'A', content: { a: 'b' }, modifies: null, reason: null };
  await client.upload(
    { type: 'newentry', version: 'v1', report: 'r', entry: 'e', ...content, ...common },
    { type: 'newtopic', version: 'v2', topic: 't', name: 'n', links: null, ...common },
    { type: 'newcomment', version: 'v3', comment: 'c', topic: 't', parent: 'p', body: 'b', ...common },
  );
  const pick = (object: JsonObject, names: string): Json[] =>
    names.split(' ').map((name) => object[name] ?? null);
  const [entry, thread, comment] = (await client.fetch(project)) as [JsonObject, JsonObject, JsonObject];
  assert.equal(pick(entry, 'type version_uuid report_uuid entry_uuid'), ['entry', 'v1', 'r', 'e']);
  assert.equal(pick(thread, 'type version_uuid thread_uuid'), ['thread', 'v2', 't']);
  assert.equal(pick(comment, 'type version_uuid comment_uuid thread_uuid parent_uuid'), [
    ...['comment', 'v3', 'c', 't', 'p'],
  ]);
  for (const [index, kind] of (['entry', 'thread', 'comment'] as const).entries())
    assert.equal(
      Object.keys([entry, thread, comment][index]!).sort(),
      ['type', ...fieldsOf[kind].split(' ')].sort(),
    );
});

fields('WS-12 a thread has four names in threads and comments', async () => {
  const client = await connect();
  for (const type of ['newthread', 'newtopic', 'newcomment'])
    for (const name of ['thread', 'topic', 'thread_uuid', 'topic_uuid']) {
      const project = newProject();
      const answer = await client.upload({
        ...{ type, project, version: 'v', comment_uuid: 'c' },
        [name]: 't',
      });
      assert.is(answer['type'], 'uploaded');
      assert.is((await client.fetch(project))[0]!['thread_uuid'], 't');
    }
});

fields('WS-12 server-defined fields in an upload are ignored, whatever they are', async () => {
  const client = await connect();
  const lies: JsonObject[] = [
    { srv_id: 5, seqno: 99, submissiontime: '1999-01-01T00:00:00.000Z', user: 'x', user_id: 'x', user_uuid: 'x', mux_id: 'x' }, // prettier-ignore
    { srv_id: null, seqno: 'x', submissiontime: 'never', user: {}, user_id: 7, user_uuid: [], mux_id: false },
  ];
  for (const lie of lies)
    for (const make of [newEntry, newThread, newComment]) {
      const object = await client.uploadAndFetch(make(newProject(), lie));
      assert.is(object['srv_id'], server().serverId);
      assert.is(object['seqno'], 1);
      assert.is(object['user_id'], 'anonymous');
      assert.is(object['user_uuid'], 'anonymous');
      assert.not.ok(Object.hasOwn(object, 'user'));
      assert.match(textOf(object, 'mux_id'), /^mux /);
      assert.ok(Math.abs(Date.parse(textOf(object, 'submissiontime')) - Date.now()) < 60_000);
    }
});

fields('WS-18 unknown extra fields are kept and streamed', async () => {
  const client = await connect();
  const extra = {
    mood: 'good',
    nested: { deep: [1, null, { ü: 'x' }], '': false },
    constructor: 'c',
    toString: null,
    hasOwnProperty: { length: 1 },
    [`long ${'x'.repeat(300)}`]: 1.5e-7,
    5: 'five',
  };
  for (const make of [newEntry, newThread, newComment]) {
    const object = await client.uploadAndFetch(make(newProject(), extra));
    for (const [name, value] of Object.entries(extra)) assert.equal(object[name], value);
  }
});

fields.run();
