// The catalogue over HTTP, what is told of one project, and its deletion, on every wire.

import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { codeOf, deleteProject, messageIn, pathOf, rest, uploadTo } from '../support/rest-client.ts';
import { startServer } from '../support/server.ts';
import { newComment, newEntry, newThread, textOf, without } from '../support/stream-client.ts';
import { UdtClient } from '../support/udt-client.ts';
import { withServer } from '../support/with-server.ts';

const projects = suite('REST projects');
const { atEnd, connect, connectYjs, newProject, server } = withServer(projects);

async function listed(
  url: string,
  query = '',
): Promise<{ ids: Json[]; next: Json; all: readonly JsonObject[] }> {
  const { status, body } = await rest(url, `/projects${query}`);
  assert.is(status, 200, JSON.stringify(body));
  const all = body['projects'] as readonly JsonObject[];
  return { ids: all.map(({ id }) => id ?? null), next: body['next'] ?? null, all };
}

projects(
  'the catalogue comes in pages, in the order of ids, deleted projects only if asked for',
  async () => {
    const own = await startServer();
    try {
      assert.equal(await listed(own.url), { ids: [], next: null, all: [] });
      const ids = ['b', 'a/1', 'é', '7', 'a', '\u{1f600}'];
      for (const id of ids) await uploadTo(own.url, id, [newEntry(id)]);
      const session = await UdtClient.create(own.url, { samples: [] });
      const sorted = [...ids, session.id].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
      assert.equal((await listed(own.url)).ids, sorted);
      const seen: Json[] = [];
      let next: Json = '';
      for (let page = 0; page < 10 && next !== null; page++) {
        const after: string =
          next === '' ? '' : `&after=${encodeURIComponent(JSON.stringify(next).slice(1, -1))}`;
        const listing = await listed(own.url, `?limit=2${after}`);
        assert.ok(listing.ids.length <= 2);
        seen.push(...listing.ids);
        next = listing.next;
      }
      assert.equal([seen, next], [sorted, null]);
      const { all } = await listed(own.url);
      assert.equal(
        all.filter(({ session }) => session === true).map(({ id }) => id),
        [session.id],
      );
      assert.match(textOf(all[0] ?? {}, 'created'), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
      await deleteProject(own.url, 'a');
      assert.not((await listed(own.url)).ids.includes('a'));
      const { all: withDeleted } = await listed(own.url, '?deleted=true');
      assert.equal(
        withDeleted.map(({ id }) => id),
        sorted,
      );
      const marked = withDeleted.filter((project) => 'deleted' in project);
      assert.equal(
        marked.map(({ id }) => id),
        ['a'],
      );
      assert.equal(
        (await listed(own.url, '?limit=1&after=7')).ids,
        ['a/1'],
        'a page is as long without deleted ones',
      );
    } finally {
      await own.remove();
    }
  },
);

projects('one project: its version vector, how much there is of it, and who was last', async () => {
  const project = newProject();
  const { url, serverId } = server();
  await uploadTo(url, project, [newEntry(project), newEntry(project), newThread(project)]);
  const { status, body } = await rest(url, pathOf(project));
  assert.is(status, 200);
  const { created, last_change: last, bytes, ...others } = body;
  assert.equal(others, {
    id: project,
    session: false,
    vector: [[serverId, 3]],
    position: 3,
    counts: { entries: 2, threads: 1, comments: 0, changes: 3 },
  });
  const lastChange = last as JsonObject;
  assert.equal(without(lastChange, 'time'), { user: 'anonymous', protocol: 'stream', kind: 'thread' });
  assert.ok(textOf(lastChange, 'time') >= textOf({ created: created ?? null }, 'created'));
  assert.ok(Number.isInteger(bytes) && Number(bytes) >= 0);
});

projects(
  'counts follow uploads, Yjs clients and repeated objects, and are the same after a restart',
  async () => {
    const own = await startServer();
    let again: Awaited<ReturnType<typeof startServer>> | undefined;
    try {
      const counts = async (url: string) => (await rest(url, pathOf('p'))).body['counts'];
      const twice = newEntry('p');
      await uploadTo(own.url, 'p', [twice, newComment('p')]);
      assert.equal(await counts(own.url), { entries: 1, threads: 0, comments: 1, changes: 2 });
      await uploadTo(own.url, 'p', [twice, newEntry('p'), newThread('p')]);
      const all = { entries: 2, threads: 1, comments: 1, changes: 4 };
      assert.equal(await counts(own.url), all);
      assert.equal(await Promise.all([1, 2, 3].map(() => counts(own.url))), [all, all, all]);
      await own.stop();
      again = await startServer({ data: own.data });
      assert.equal(await counts(again.url), all);
    } finally {
      await again?.stop();
      await own.remove();
    }
  },
);

projects('the last change of a session is what was done last, by whom and how', async () => {
  const { url } = server();
  const session = await UdtClient.create(url, { samples: [] });
  const before = (await rest(url, pathOf(session.id))).body;
  assert.is(before['session'], true);
  assert.is((before['last_change'] as JsonObject)['kind'], 'session');
  await session.tryPatch({ userName: 'ann', patch: [{ op: 'add', path: '/x', value: 1 }] });
  const last = (await rest(url, pathOf(session.id))).body['last_change'] as JsonObject;
  assert.equal([last['user'], last['protocol'], last['kind']], ['ann', 'udt', 'udt']);
});

projects('WS-2 a number and its decimal string are one project; escapes are decoded once', async () => {
  const { url } = server();
  const client = await connect();
  await client.upload(newEntry(4711));
  assert.is((await rest(url, '/projects/4711')).body['id'], '4711');
  const percent = `50%25-${newProject()}`;
  await client.upload(newEntry(percent));
  assert.is((await rest(url, pathOf(percent))).body['id'], percent);
  const slash = `a/b ${newProject()}`;
  await client.upload(newEntry(slash));
  assert.is((await rest(url, pathOf(slash))).status, 200);
  assert.is((await rest(url, `/projects/${slash}`)).status, 404);
});

projects('projects that there are not, ids that can not be and bad queries are refused by name', async () => {
  const { url } = server();
  const missing = await rest(url, pathOf(newProject()));
  assert.equal([missing.status, codeOf(missing)], [404, 'not-found']);
  const refused = async (path: string) => {
    const reply = await rest(url, path);
    assert.equal([reply.status, codeOf(reply)], [400, 'bad-request'], path);
    return messageIn(reply);
  };
  assert.match(await refused('/projects/%zz'), /the path "%zz" has a bad escape/);
  assert.match(await refused('/projects/a%00b'), /must not contain NUL/);
  assert.match(await refused(`/projects/${'x'.repeat(257)}`), /at most 256 bytes/);
  assert.match(await refused('/projects//entries'), /must not be empty/);
  for (const limit of ['0', '1001', '-1', '1.5', 'ten', ''])
    assert.match(await refused(`/projects?limit=${limit}`), /^limit must be an integer from 1 to 1000/);
  assert.match(await refused('/projects?deleted=1'), /^deleted must be true or false/);
  assert.match(await refused('/projects?after='), /^after must not be empty/);
  assert.match(await refused('/projects?offset=3'), /^"offset" is no parameter here/);
  assert.match(await refused('/projects/p?at=[]'), /^"at" is no parameter here: there are none/);
});

projects('REP-14 a deletion has to be confirmed by the id', async () => {
  const { url } = server();
  const project = `ä ${newProject()}`;
  await uploadTo(url, project, [newEntry(project)]);
  const refusals: (string | undefined)[] = [undefined, '', 'true', encodeURIComponent(`${project}x`), '%zz'];
  for (const confirmation of refusals) {
    const headers: Record<string, string> =
      confirmation === undefined ? {} : { 'Confirm-Delete': confirmation };
    const reply = await rest(url, pathOf(project), { method: 'DELETE', headers });
    assert.equal([reply.status, codeOf(reply)], [400, 'bad-request'], confirmation);
    assert.match(messageIn(reply), /Confirm-Delete/);
  }
  assert.is((await rest(url, pathOf(project))).status, 200);
  const missing = newProject();
  assert.is((await deleteProject(url, missing)).status, 404);
});

projects(
  'REP-14 a deletion answers with the tombstone; from then on every wire says that it is gone',
  async () => {
    const { url, socketUrl, serverId } = server();
    const session = await UdtClient.create(url, { samples: [] });
    const project = session.id;
    await uploadTo(url, project, [newEntry(project)]);
    const stream = await connect();
    const muxId = await stream.subscribe(project);
    const provider = await connectYjs(project);
    const yjs = new WebSocket(`${socketUrl}/yjs/${project}`);
    atEnd(() => yjs.terminate());
    await once(yjs, 'message');
    const closed = once(yjs, 'close');
    provider.provider.shouldConnect = false; // it is not to come back

    const { status, body } = await deleteProject(url, project);
    assert.is(status, 200);
    assert.equal(body['vector'], [[serverId, 2]]);
    assert.match(textOf(body, 'deleted'), /^\d{4}-/);

    const error = await stream.waitFor(({ type, mux_id }) => type === 'error' && mux_id === muxId);
    assert.is(error['code'], 'deleted');
    assert.is(((await closed) as [number])[0], 4410);
    assert.is((await fetch(`${url}/api/session/${project}`)).status, 410);
    assert.is((await fetch(`${url}/api/session/${project}/diffs?since=0`)).status, 410);
    const upload = await stream.upload(newEntry(project));
    assert.equal([upload['type'], upload['code']], ['error', 'deleted']);
    for (const part of ['', '/entries', '/threads', '/comments', '/changes', '/document']) {
      const reply = await rest(url, pathOf(project, part));
      assert.equal([reply.status, codeOf(reply)], [410, 'deleted'], part);
    }
    const objects = JSON.stringify({ objects: [newEntry(project)] });
    const post = await rest(url, pathOf(project, '/objects'), { method: 'POST', body: objects });
    assert.equal([post.status, codeOf(post)], [410, 'deleted']);
    const again = await deleteProject(url, project);
    assert.equal([again.status, codeOf(again)], [410, 'deleted']);
  },
);

projects('REP-14 a deleted project is undeleted, and every wire serves it again', async () => {
  const { url, socketUrl, serverId } = server();
  const session = await UdtClient.create(url, { samples: [{ document: 'a' }] });
  const project = session.id;
  await uploadTo(url, project, [newEntry(project)]);
  const undelete = (id: string): ReturnType<typeof rest> =>
    rest(url, pathOf(id, '/undelete'), { method: 'POST' });
  const refused = await undelete(project);
  assert.equal([refused.status, codeOf(refused)], [409, 'conflict']);
  assert.is((await undelete(newProject())).status, 404);
  await deleteProject(url, project);

  const { status, body } = await undelete(project);
  assert.is(status, 200);
  assert.equal([body['id'], body['vector']], [project, [[serverId, 2]]]);
  assert.is((await fetch(`${url}/api/session/${project}`)).status, 200);
  assert.equal((await rest(url, pathOf(project))).body, body);
  const yjs = new WebSocket(`${socketUrl}/yjs/${project}`);
  atEnd(() => yjs.terminate());
  await once(yjs, 'message');
  const stream = await connect();
  const muxId = await stream.subscribe(project);
  await stream.waitFor(({ type, mux_id }) => type === 'sync' && mux_id === muxId);
  assert.equal(await uploadTo(url, project, [newEntry(project)]), [[serverId, 3]]);
});

projects('REP-14 of two deletions at once one is told that it did it', async () => {
  const { url } = server();
  const project = newProject();
  await uploadTo(url, project, [newEntry(project)]);
  const replies = await Promise.all([1, 2, 3].map(() => deleteProject(url, project)));
  assert.equal(replies.map(({ status }) => status).sort(), [200, 410, 410]);
});

projects.run();
