// Uploading objects over HTTP: the rules of `/ws`, to the project of the path.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { codeOf, messageIn, pathOf, rest, uploadTo, type RestReply } from '../support/rest-client.ts';
import { startFaultyServer } from '../support/faulty-server.ts';
import { newComment, newEntry, newThread, versionsOf, without } from '../support/stream-client.ts';
import { withServer } from '../support/with-server.ts';

const objects = suite('REST objects');
const { connect, newProject, server } = withServer(objects);

function post(project: string, body: Json | string, url = server().url): Promise<RestReply> {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return rest(url, pathOf(project, '/objects'), { method: 'POST', body: text });
}

objects('WS-12 objects in names of both vocabularies are stored, and streamed in their order', async () => {
  const project = newProject();
  const entry = newEntry(project);
  const later = {
    type: 'newtopic',
    topic: 't1',
    version: `tv-${project}`,
    name: 'Sound',
    links: [],
    archivetime: null,
  };
  const comment = without(newComment(project), 'project_id');
  const { status, body } = await post(project, { objects: [entry, later, comment] });
  assert.is(status, 200);
  assert.equal(body, { uploaded: 3, vector: [[server().serverId, 3]] });
  const client = await connect();
  assert.equal(versionsOf(await client.fetch(project)), [
    entry.version_uuid,
    `tv-${project}`,
    comment['version_uuid'] ?? null,
  ]);
});

objects('WS-13 sent again it is stored once, and a bad object keeps all others out', async () => {
  const project = newProject();
  const entry = newEntry(project);
  const vector = await uploadTo(server().url, project, [entry]);
  const again = await post(project, { objects: [entry, entry] });
  assert.equal(again.body, { uploaded: 2, vector });
  const bad = await post(project, { objects: [newEntry(project), { ...newEntry(project), clip_id: 7 }] });
  assert.equal([bad.status, codeOf(bad)], [400, 'bad-request']);
  assert.match(messageIn(bad), /^objects\[1\]\.clip_id must be a string/);
  const client = await connect();
  assert.equal(versionsOf(await client.fetch(project)), [entry.version_uuid]);
});

objects('the project of the path is the one: it may be left out, and no other may be named', async () => {
  const { url } = server();
  const id = 4712;
  assert.is(
    (await post(String(id), { objects: [newEntry(id), without(newEntry(id), 'project_id')] })).status,
    200,
  );
  assert.is((await rest(url, pathOf(String(id)))).body['position'], 2);
  const project = newProject();
  for (const name of ['project', 'project_id', 'proj_id']) {
    const object = { ...without(newEntry(project), 'project_id'), [name]: 'another' };
    const reply = await post(project, { objects: [object] });
    assert.is(reply.status, 400);
    assert.ok(
      messageIn(reply).startsWith(`objects[0].${name} must be the project of the path, "${project}"`),
    );
  }
  const several = await post(project, { objects: [{ ...newEntry(project), project: 'another' }] });
  assert.match(messageIn(several), /must not differ/);
  assert.is((await rest(url, pathOf(project))).status, 404, 'what is refused brings nothing to life');
});

objects('WS-14 to WS-17 what `/ws` refuses is refused in the same words', async () => {
  const project = newProject();
  const client = await connect();
  const bad: JsonObject[] = [
    newEntry(project, { reason: 'why' }),
    newEntry(project, { modifies: [], reason: 'why' }),
    newEntry(project, { content: { a: 1 } }),
    newEntry(project, { version_uuid: '__proto__' }),
    newEntry(project, { authortime: 'yesterday' }),
    newThread(project, { links: 'none' }),
    newComment(project, { body: 7 }),
    newComment(project, { archivetime: [[1]] }),
    { type: 'newthing', project_id: project },
  ];
  for (const object of bad) {
    const refused = await client.upload(object);
    const reply = await post(project, { objects: [object] });
    assert.equal([reply.status, codeOf(reply), messageIn(reply)], [400, refused['code'], refused['message']]);
  }
});

objects('bodies that are no upload, or too large, are refused by name', async () => {
  const project = newProject();
  const refused = async (body: Json | string, status = 400) => {
    const reply = await post(project, body);
    assert.is(reply.status, status, messageIn(reply));
    return messageIn(reply);
  };
  assert.match(await refused(''), /Invalid JSON/);
  assert.match(await refused('{"objects":['), /Invalid JSON/);
  for (const body of [[], {}, null, { objects: {} }])
    assert.match(await refused(body), /The body must be a JSON object with a list "objects"/);
  assert.match(await refused({ objects: [7] }), /^objects\[0\] must be an object/);
  assert.match(await refused({ objects: Array(10_001).fill(0) }, 413), /10001 members; at most 10000/);
  const large = newEntry(project, { clip_id: 'x'.repeat(16 * 1024 * 1024) });
  assert.match(await refused({ objects: [large] }, 413), /larger than 16777216 bytes/);
  assert.match(await refused('{"objects":[{"__proto__":1}]}'), /__proto__/);
  assert.is((await post(project, { objects: [] })).status, 200);
});

objects(
  'while the disk fails nothing is acknowledged: 500 for what was on its way, 503 with Retry-After behind it',
  async () => {
    const faulty = await startFaultyServer({ writersWaitMs: 0 });
    try {
      faulty.store.isBroken = true;
      const unknown = await post('p', { objects: [newEntry('p')] }, faulty.url);
      assert.equal([unknown.status, codeOf(unknown)], [500, 'outcome-unknown']);
      const refused = await post('p', { objects: [newEntry('p')] }, faulty.url);
      assert.equal([refused.status, codeOf(refused)], [503, 'unavailable']);
      assert.match(refused.headers.get('retry-after') ?? '', /^\d+$/);
    } finally {
      faulty.store.isBroken = false;
      await faulty.stop();
    }
  },
);

objects.run();
