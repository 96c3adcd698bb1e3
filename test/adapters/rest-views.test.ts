// The current rows, threads and comments of a project over HTTP, and those of an earlier time.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { messageIn, pathOf, rest, uploadTo } from '../support/rest-client.ts';
import { newComment, newEntry, newThread } from '../support/stream-client.ts';
import { withServer } from '../support/with-server.ts';

const views = suite('REST views');
const { newProject, server } = withServer(views);

async function read(project: string, part: string): Promise<JsonObject> {
  const { status, body } = await rest(server().url, pathOf(project, part));
  assert.is(status, 200, JSON.stringify(body));
  return body;
}

function rowsOf({ entries }: JsonObject): readonly JsonObject[] {
  return entries as readonly JsonObject[];
}

function version(name: string, fields: JsonObject = {}): JsonObject {
  const uuids = { report_uuid: 'r1', entry_uuid: 'e1', version_uuid: name };
  return newEntry('', { ...uuids, authortime: '2024-05-17T09:00:00.000Z', ...fields });
}

function edit(name: string, of: string, fields: JsonObject): JsonObject {
  return version(name, { clip_id: null, modifies: [of], reason: `because ${name}`, ...fields });
}

function upload(project: string, objects: readonly JsonObject[]): Promise<Json> {
  const own = objects.map((object) => ({ ...object, project_id: project }));
  return uploadTo(server().url, project, own);
}

views('rows are the latest heads; every other head is a conflict, with who, when and why', async () => {
  const project = newProject();
  const vector = await upload(project, [
    version('v1', { content: { camera: 'A', take: '1' } }),
    edit('v2', 'v1', { content: { take: '2' }, authortime: '2024-05-17T10:00:00.000Z', author: 'bea' }),
    edit('v3', 'v1', { content: { camera: null }, authortime: '2024-05-17T11:00:00.000Z' }),
    version('w1', { entry_uuid: 'e2', report_uuid: 'r2' }),
  ]);
  const body = await read(project, '/entries');
  assert.equal([body['project'], body['vector']], [project, vector]);
  const [row, other] = rowsOf(body);
  assert.equal(row, {
    report_uuid: 'r1',
    entry_uuid: 'e1',
    version_uuid: 'v3',
    clip_id: 'A001',
    content: { take: '1' },
    deleted: false,
    user_id: 'anonymous',
    user_uuid: 'anonymous',
    reason: 'because v3',
    author: null,
    authortime: '2024-05-17T11:00:00.000Z',
    conflicts: [
      {
        version_uuid: 'v2',
        clip_id: 'A001',
        content: { camera: 'A', take: '2' },
        deleted: false,
        user_id: 'anonymous',
        user_uuid: 'anonymous',
        reason: 'because v2',
        author: 'bea',
        authortime: '2024-05-17T10:00:00.000Z',
      },
    ],
  });
  assert.is(other?.['entry_uuid'], 'e2');
  assert.equal(rowsOf(await read(project, '/entries?report=r1')), [row]);
  assert.equal(rowsOf(await read(project, '/entries?report=r2')), [other]);
  assert.equal(rowsOf(await read(project, '/entries?report=r3')), []);
});

views('at shows the project as it was then, for every change of its history', async () => {
  const project = newProject();
  const { serverId } = server();
  const objects = [
    version('v1', { content: { take: '1' } }),
    edit('v2', 'v1', { content: { take: '2' } }),
    newThread('', { thread_uuid: 't1', version_uuid: 't1', name: 'one' }),
    edit('v3', 'v2', { content: null, reason: 'a slip' }),
    newThread('', { thread_uuid: 't1', version_uuid: 't2', name: 'two', authortime: '2025-01-01' }),
    newComment('', { comment_uuid: 'c1', version_uuid: 'c1', thread_uuid: 't1' }),
    newComment('', {
      comment_uuid: 'c1',
      version_uuid: 'c2',
      thread_uuid: 't1',
      body: null,
      authortime: '2025-01-01',
    }),
  ];
  for (const object of objects) await upload(project, [object]);
  const seen = async (seqno: number) => {
    const at = `at=[[${serverId},${seqno}]]`;
    const entries = await read(project, `/entries?${at}`);
    const threads = (await read(project, `/threads?${at}`))['threads'] as readonly JsonObject[];
    const comments = (await read(project, `/comments?${at}`))['comments'] as readonly JsonObject[];
    assert.equal(entries['vector'], seqno === 0 ? [] : [[serverId, Math.min(seqno, 7)]]);
    return [rowsOf(entries), threads, comments].map((list) => list.map(({ version_uuid }) => version_uuid));
  };
  assert.equal(await seen(0), [[], [], []]);
  assert.equal(await seen(1), [['v1'], [], []]);
  assert.equal(await seen(2), [['v2'], [], []]);
  assert.equal(await seen(3), [['v2'], ['t1'], []]);
  assert.equal(await seen(4), [[], ['t1'], []]);
  assert.equal(await seen(5), [[], ['t2'], []]);
  assert.equal(await seen(6), [[], ['t2'], ['c1']]);
  assert.equal(await seen(7), [[], ['t2'], []]);
  assert.equal(await seen(99), [[], ['t2'], []], 'what is known up to there');
  const elsewhere = await read(project, `/entries?at=[[5,5]]`);
  assert.equal([elsewhere['vector'], rowsOf(elsewhere)], [[], []]);
});

views('deleted rows and comments are shown when asked for', async () => {
  const project = newProject();
  await upload(project, [
    version('v1', { content: { take: '1' } }),
    edit('v2', 'v1', { content: null }),
    newComment('', { comment_uuid: 'c', version_uuid: 'c1', thread_uuid: 't' }),
    newComment('', {
      comment_uuid: 'c',
      version_uuid: 'c2',
      thread_uuid: 't',
      body: null,
      authortime: '2025-01-01',
    }),
  ]);
  assert.equal(rowsOf(await read(project, '/entries')), []);
  const [row] = rowsOf(await read(project, '/entries?deleted=true&report=r1'));
  assert.equal([row?.['deleted'], row?.['version_uuid'], row?.['content']], [true, 'v2', { take: '1' }]);
  assert.equal((await read(project, '/comments'))['comments'], []);
  const [comment] = (await read(project, '/comments?deleted=true&thread=t'))['comments'] as JsonObject[];
  assert.equal([comment?.['deleted'], comment?.['body']], [true, null]);
});

views('threads and comments, of one thread too', async () => {
  const project = newProject();
  await upload(project, [
    newThread('', { thread_uuid: 't', version_uuid: 't1', name: 'Sound', links: [['report', 'r1']] }),
    newComment('', { comment_uuid: 'c1', version_uuid: 'c1', thread_uuid: 't', body: 'one' }),
    newComment('', {
      comment_uuid: 'c2',
      version_uuid: 'c2',
      thread_uuid: 't',
      parent_uuid: 'c1',
      body: 'two',
    }),
    newComment('', { comment_uuid: 'd1', version_uuid: 'd1', thread_uuid: 'u', body: 'elsewhere' }),
  ]);
  const author = {
    user_id: 'anonymous',
    user_uuid: 'anonymous',
    author: null,
    authortime: '2024-05-17T09:30:00.000Z',
  };
  assert.equal((await read(project, '/threads'))['threads'], [
    { thread_uuid: 't', version_uuid: 't1', name: 'Sound', links: [['report', 'r1']], ...author },
  ]);
  assert.equal((await read(project, '/comments?thread=t'))['comments'], [
    {
      comment_uuid: 'c1',
      thread_uuid: 't',
      parent_uuid: null,
      version_uuid: 'c1',
      body: 'one',
      deleted: false,
      ...author,
    },
    {
      comment_uuid: 'c2',
      thread_uuid: 't',
      parent_uuid: 'c1',
      version_uuid: 'c2',
      body: 'two',
      deleted: false,
      ...author,
    },
  ]);
  const all = (await read(project, '/comments'))['comments'] as readonly JsonObject[];
  assert.equal(
    all.map(({ comment_uuid }) => comment_uuid),
    ['c1', 'c2', 'd1'],
  );
});

views('thousands of rows are answered whole, compressed too', async () => {
  const project = newProject();
  const count = 5_000;
  const many = Array.from({ length: count }, (_, i) =>
    version(`v${i}`, { entry_uuid: `e${i}`, report_uuid: `r${i % 7}` }),
  );
  await upload(project, many);
  const rows = rowsOf(await read(project, '/entries'));
  assert.equal(new Set(rows.map(({ entry_uuid }) => entry_uuid)).size, count);
  assert.is(
    rowsOf(await read(project, '/entries?report=r3')).length,
    many.filter((_, i) => i % 7 === 3).length,
  );
});

views('bad queries are refused by name', async () => {
  const project = newProject();
  await upload(project, [version('v1')]);
  const refused = async (part: string) => {
    const reply = await rest(server().url, pathOf(project, part));
    assert.is(reply.status, 400, part);
    return messageIn(reply);
  };
  assert.match(await refused('/entries?report='), /^report must be a uuid/);
  assert.match(await refused(`/entries?report=${'x'.repeat(129)}`), /^report must be a uuid/);
  assert.match(await refused('/entries?at=[[1]]'), /^at\[0\] must be a pair/);
  assert.match(await refused('/entries?at=now'), /^at must be a version vector in JSON/);
  assert.match(
    await refused('/comments?topic=t'),
    /^"topic" is no parameter here: there are thread, at, deleted/,
  );
  assert.match(await refused('/threads?deleted=true'), /^"deleted" is no parameter here: there are at/);
});

views.run();
