// The rules of each kind of object, over a real socket: what is kept as sent, what is printed in one form, and what is
// refused with an error that names the field.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import {
  newComment,
  newEntry,
  newThread,
  textOf,
  versionsOf,
  without,
  type NewVersion,
  type StreamClient,
} from '../support/stream-client.ts';
import { withServer } from '../support/with-server.ts';

const objects = suite('objects');
const { connect, newProject } = withServer(objects);

objects('WS-14 an original entry and edits are taken as they are', async () => {
  const client = await connect();
  const project = newProject();
  const original = { clip_id: '', content: {}, modifies: null, reason: null };
  const edits = [
    { clip_id: null, content: { camera: 'B', note: null }, modifies: ['x'], reason: 'typo' },
    { clip_id: 'A002', content: null, modifies: ['x', 'y'], reason: '' },
    { clip_id: null, content: null, modifies: ['unknown here'], reason: 'delete the row' },
  ];
  for (const fields of [original, ...edits]) {
    const object = await client.uploadAndFetch(newEntry(project, fields));
    const { clip_id, content, modifies, reason } = object;
    assert.equal({ clip_id, content, modifies, reason }, fields);
  }
});

objects('WS-14 any other entry is an error that names the field', async () => {
  const client = await connect();
  const entry = (fields: JsonObject): NewVersion => newEntry(newProject(), fields);
  const edit = { modifies: ['x'], reason: 'why' };
  await refuses(client, [
    [entry({ clip_id: null }), 'clip_id'],
    [entry({ clip_id: 7 }), 'clip_id'],
    [entry({ content: null }), 'content'],
    [entry({ content: ['a'] }), 'content'],
    [entry({ content: { camera: null } }), 'content.camera'],
    [entry({ content: { camera: { nested: 'x' } } }), 'content.camera'],
    [entry({ reason: 'why' }), 'reason'],
    [entry({ modifies: [], reason: 'why' }), 'modifies'],
    [entry({ modifies: 'x', reason: 'why' }), 'modifies'],
    [entry({ modifies: ['x', 5], reason: 'why' }), 'modifies[1]'],
    [entry({ modifies: ['x'] }), 'reason'],
    [entry({ ...edit, content: { take: 3 } }), 'content.take'],
    [entry({ ...edit, clip_id: 3 }), 'clip_id'],
    [entry({ version_uuid: '' }), 'version_uuid'],
    [entry({ entry_uuid: null }), 'entry_uuid'],
    [entry({ report_uuid: 5 }), 'report_uuid'],
  ]);
});

objects('WS-14 an error names the field as the client calls it', async () => {
  const client = await connect();
  const entry = without(newEntry(newProject()), 'entry_uuid', 'version_uuid');
  const error = await client.upload({ ...entry, entry: 5, version: 'v' });
  assert.match(textOf(error, 'message'), /^objects\[0\]\.entry must be a uuid/);
});

objects('WS-15 links and archivetime are kept as sent', async () => {
  const client = await connect();
  const links: Json[] = [
    [['report', 'r'], ['entry', 'e'], ['version', 'v'], ['comment', 'c']], // prettier-ignore
    ['report', 'r'],
    [],
    null,
    [['report', 'r', 'extra'], {}, 5, null], // prettier-ignore
  ];
  for (const value of links) {
    const thread = await client.uploadAndFetch(newThread(newProject(), { links: value }));
    assert.equal(thread['links'], value);
  }
  for (const archivetime of [
    null,
    [],
    [
      [9, 1],
      [2, 5],
      [2, 3],
    ],
  ] as Json[])
    // prettier-ignore
    for (const make of [newEntry, newThread, newComment]) {
      const object = await client.uploadAndFetch(make(newProject(), { archivetime }));
      assert.equal(object['archivetime'], archivetime);
    }
  await refuses(client, [
    [newThread(newProject(), { links: 'report' }), 'links'],
    [newThread(newProject(), { archivetime: 5 }), 'archivetime'],
    [newComment(newProject(), { archivetime: [[1, 2], [1]] }), 'archivetime[1]'], // prettier-ignore
  ]);
});

objects('WS-16 every version of a comment is kept and streamed, also one that deletes it', async () => {
  const client = await connect();
  const project = newProject();
  const live = await client.subscribe(project);
  const same = { comment_uuid: 'c', thread_uuid: 't' };
  const versions = [
    newComment(project, { ...same, body: 'later', authortime: '2024-05-17T10:00:00.000Z' }),
    newComment(project, { ...same, body: 'earlier', authortime: '2024-05-17T09:00:00.000Z' }),
    newComment(project, { ...same, body: null, authortime: '2024-05-17T11:00:00.000Z' }),
    newComment(project, { ...same, body: 'tie', authortime: '2024-05-17T11:00:00.000Z' }),
  ];
  for (const version of versions) await client.upload(version);
  await client.waitForObjects(live, 4);
  for (const seen of [client.objectsOf(live), await client.fetch(project)]) {
    assert.equal(versionsOf(seen), versionsOf(versions));
    assert.equal(
      seen.map(({ body }) => body ?? null),
      ['later', 'earlier', null, 'tie'],
    );
  }
  await refuses(client, [
    [newComment(newProject(), { body: 5 }), 'body'],
    [newComment(newProject(), { parent_uuid: 5 }), 'parent_uuid'],
    [newComment(newProject(), { thread_uuid: null }), 'thread_uuid'],
  ]);
});

objects('WS-17 times are printed in one form', async () => {
  const client = await connect();
  const times = {
    '2024-05-17T09:30:00.000Z': '2024-05-17T09:30:00.000Z',
    '2024-05-17T09:30:00.123999Z': '2024-05-17T09:30:00.123Z',
    '2024-05-17T09:30:00.1Z': '2024-05-17T09:30:00.100Z',
    '2024-05-17 09:30:00.123456': '2024-05-17T09:30:00.123Z',
    '2024-05-17T09:30': '2024-05-17T09:30:00.000Z',
    '2024-05-17T01:30:00+02:00': '2024-05-16T23:30:00.000Z',
    '2024-05-17': '2024-05-17T00:00:00.000Z',
  };
  for (const [sent, printed] of Object.entries(times))
    for (const make of [newEntry, newThread, newComment]) {
      const object = await client.uploadAndFetch(make(newProject(), { authortime: sent }));
      assert.is(object['authortime'], printed);
    }
});

objects('WS-17 a missing authortime is the now of the server; what is no time is an error', async () => {
  const client = await connect();
  const timeless = without(newEntry(newProject()), 'authortime') as NewVersion;
  for (const object of [timeless, newThread(newProject(), { authortime: null })]) {
    const got = await client.uploadAndFetch(object);
    assert.match(textOf(got, 'authortime'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    assert.is(got['authortime'], got['submissiontime']);
  }
  const noTimes = ['', 'yesterday', '2024-02-30', '2024-05-17T25:00:00Z', 1715938200, true];
  await refuses(
    client,
    noTimes.map((authortime) => [newComment(newProject(), { authortime }), 'authortime']),
  );
});

/** Uploads objects that must be refused: all errors name the field, and nothing is stored. */
async function refuses(client: StreamClient, cases: readonly [NewVersion, string][]): Promise<void> {
  for (const [object, field] of cases) {
    const error = await client.upload(object);
    const message = textOf(error, 'message');
    assert.is(error['type'], 'error', `${JSON.stringify(object)} was taken`);
    assert.is(error['code'], 'bad-request', message);
    assert.ok(message.startsWith(`objects[0].${field} `), `${message} should begin with ${field}`);
    assert.equal(await client.fetch(object['project_id']!), []);
  }
}

objects.run();
