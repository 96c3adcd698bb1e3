// Following a project over HTTP: as lines of JSON and as server-sent events, from anywhere in its history, and on behind a cut.

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ChangeFollower } from '../../src/adapters/change-follower.ts';
import type { Projects } from '../../src/core/projects.ts';
import { upload as uploadAll } from '../../src/core/upload.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { serverSentEvents } from '../../src/wire/rest/print-change.ts';
import { openProjects } from '../support/memory-projects.ts';
import { defects } from '../support/metrics.ts';
import {
  ChangesReader,
  codeOf,
  deleteProject,
  messageIn,
  pathOf,
  rest,
  uploadTo,
} from '../support/rest-client.ts';
import { startServer } from '../support/server.ts';
import { everyKind, newComment, newEntry, newThread, without } from '../support/stream-client.ts';
import { removeFolder } from '../support/temporary.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';
import { withServer } from '../support/with-server.ts';

const changes = suite('REST changes');
const { atEnd, connect, newProject, server } = withServer(changes);

async function follow(project: string, query = ''): Promise<ChangesReader> {
  const reader = await ChangesReader.open(server().url, project, query);
  atEnd(() => reader.close());
  return reader;
}

async function followEvents(project: string, query = '', lastId?: string): Promise<ChangesReader> {
  const reader = await ChangesReader.openEvents(server().url, project, query, lastId);
  atEnd(() => reader.close());
  return reader;
}

function upload(project: string, objects: readonly JsonObject[]) {
  return uploadTo(server().url, project, objects);
}

changes(
  'WS-10 lines are what a stream has in the original vocabulary, without its mux_id: history, one sync, then live',
  async () => {
    const project = newProject();
    await upload(project, [newEntry(project), newThread(project), newComment(project)]);
    const reader = await follow(project);
    assert.is(reader.response.headers['content-type'], 'application/x-ndjson; charset=utf-8');
    await reader.untilLines(4);
    await upload(project, [newEntry(project, { mine: { kept: [1] } })]);
    const lines = await reader.untilLines(5);
    const client = await connect();
    const { objects, sync } = await client.fetchWithSync(project, everyKind);
    const streamed = objects.map((object) => without(object, 'mux_id'));
    assert.equal(
      lines.filter(({ type }) => type !== 'sync'),
      streamed,
    );
    assert.equal(
      lines.map(({ type }) => type),
      ['entry', 'thread', 'comment', 'sync', 'entry'],
    );
    assert.equal(lines[3], { type: 'sync', since: [[server().serverId, 3]] });
    assert.equal(sync['since'], [[server().serverId, 4]]);
  },
);

changes('live=false ends behind the sync, since is exclusive, and kinds leaves others out', async () => {
  const project = newProject();
  await upload(project, [newEntry(project), newThread(project), newComment(project)]);
  const { serverId } = server();
  const since = await follow(project, `?live=false&since=[[${serverId},1]]`);
  await since.untilEnd();
  assert.equal(
    since.lines.map(({ type, seqno }) => [type, seqno]),
    [
      ['thread', 2],
      ['comment', 3],
      ['sync', undefined],
    ],
  );
  const some = await follow(project, '?live=false&kinds=comment,entry');
  await some.untilEnd();
  assert.equal(
    some.lines.map(({ type }) => type),
    ['entry', 'comment', 'sync'],
  );
  const beyond = await follow(project, `?live=false&since=[[${serverId},99],[3,3]]`);
  await beyond.untilEnd();
  assert.equal(beyond.lines, [{ type: 'sync', since: [[serverId, 3]] }]);
});

changes('events have the version vector so far as their id, the type, and the same JSON', async () => {
  const project = newProject();
  await upload(project, [newEntry(project), newThread(project)]);
  const lines = await follow(project, '?live=false');
  await lines.untilEnd();
  const reader = await followEvents(project);
  assert.is(reader.response.headers['content-type'], 'text/event-stream; charset=utf-8');
  const events = await reader.untilEvents(3);
  const { serverId } = server();
  assert.equal(
    events.map(({ id, event }) => [id, event]),
    [
      [`[[${serverId},1]]`, 'entry'],
      [`[[${serverId},2]]`, 'thread'],
      [`[[${serverId},2]]`, 'sync'],
    ],
  );
  assert.equal(
    events.map(({ data }) => data),
    lines.lines,
  );
});

changes('Last-Event-ID goes on behind that event, wherever it is, and wins over since', async () => {
  const project = newProject();
  await upload(project, [newEntry(project), newThread(project), newComment(project), newEntry(project)]);
  const all = await followEvents(project, '?live=false');
  await all.untilEnd();
  for (const [index, { id }] of all.events.entries()) {
    const rest = await followEvents(project, '?live=false&since=[]', id);
    await rest.untilEnd();
    const expected = index < 4 ? all.events.slice(index + 1) : all.events.slice(4); // the sync comes each time
    assert.equal(rest.events, expected);
  }
  const unknown = await followEvents(project, '?live=false', '');
  await unknown.untilEnd();
  assert.is(unknown.events.length, 5);
  for (const id of ['[[1]]', 'seven', '{"a":1}']) {
    const refused = await followEvents(project, '', id);
    assert.is(refused.status, 400);
    await refused.until(() => refused.text.includes('Last-Event-ID'));
  }
});

changes(
  'what is not asked for moves the id on too: a reader of comments does not read entries twice',
  async () => {
    const project = newProject();
    await upload(project, [newComment(project), newEntry(project), newComment(project)]);
    const reader = await followEvents(project, '?live=false&kinds=comment');
    await reader.untilEnd();
    const { serverId } = server();
    assert.equal(
      reader.events.map(({ id }) => id),
      [`[[${serverId},1]]`, `[[${serverId},3]]`, `[[${serverId},3]]`],
    );
  },
);

changes('a follower resumes across a restart of the server and misses nothing', async () => {
  const first = await startServer();
  let second: Awaited<ReturnType<typeof startServer>> | undefined;
  try {
    await uploadTo(first.url, 'p', [newEntry('p'), newEntry('p')]);
    const before = await ChangesReader.openEvents(first.url, 'p');
    await before.untilEvents(3);
    await uploadTo(first.url, 'p', [newThread('p')]);
    await before.untilEvents(4);
    await first.stop();
    await before.untilEnd();
    const last = before.events.at(-1);
    assert.is(last?.event, 'error');
    assert.equal([last?.data['code'], last?.data['type']], ['unavailable', 'error']);
    second = await startServer({ data: first.data });
    await uploadTo(second.url, 'p', [newComment('p')]);
    const after = await ChangesReader.openEvents(second.url, 'p', '', last?.id);
    const [comment, sync] = await after.untilEvents(2);
    after.close();
    assert.equal([comment?.event, comment?.data['seqno'], sync?.event], ['comment', 4, 'sync']);
  } finally {
    await second?.stop();
    await first.stop();
    await removeFolder(first.data);
  }
});

changes('a stop does not wait for a follower that does not read', async () => {
  const own = await startServer();
  try {
    for (let i = 0; i < 4; i++)
      await uploadTo(own.url, 'p', [newEntry('p', { clip_id: 'x'.repeat(4_000_000) })]);
    const reader = await ChangesReader.open(own.url, 'p');
    reader.response.pause();
    await until('it stands still', () => reader.response.readableLength > 0);
    await own.stop();
    reader.response.resume();
    await reader.untilEnd();
    assert.not(reader.response.complete, 'what was cut off does not look whole');
  } finally {
    await own.remove();
  }
});

changes('a deletion ends it with an error that says so, and from then on it is gone', async () => {
  const project = newProject();
  await upload(project, [newEntry(project)]);
  const [lines, events] = [await follow(project), await followEvents(project)];
  await lines.untilLines(2);
  await events.untilEvents(2);
  assert.is((await deleteProject(server().url, project)).status, 200);
  await lines.untilEnd();
  await events.untilEnd();
  assert.equal([lines.lines.at(-1)?.['type'], lines.lines.at(-1)?.['code']], ['error', 'deleted']);
  assert.equal([events.events.at(-1)?.event, events.events.at(-1)?.data['code']], ['error', 'deleted']);
  const again = await rest(server().url, pathOf(project, '/changes'));
  assert.equal([again.status, codeOf(again)], [410, 'deleted']);
});

changes('a follower that leaves is forgotten, and HEAD follows nothing', async () => {
  const project = newProject();
  await upload(project, [newEntry(project)]);
  const reader = await follow(project);
  await reader.untilLines(2);
  reader.close();
  await upload(project, [newEntry(project)]);
  const head = await fetch(`${server().url}/api${pathOf(project, '/changes')}`, { method: 'HEAD' });
  assert.equal([head.status, head.headers.get('content-type')], [200, 'application/x-ndjson; charset=utf-8']);
  assert.is(await head.text(), '');
  assert.is(await defects(server().url), 0);
});

changes('bad queries and projects that there are not are refused before anything is streamed', async () => {
  const project = newProject();
  await upload(project, [newEntry(project)]);
  const refused = async (query: string) => {
    const reply = await rest(server().url, pathOf(project, `/changes${query}`));
    assert.is(reply.status, 400, query);
    return messageIn(reply);
  };
  assert.match(await refused('?kinds=udt'), /^kinds must be some of entry, thread, comment, patch/);
  assert.match(await refused('?kinds='), /^kinds must be/);
  assert.match(await refused('?live=yes'), /^live must be true or false/);
  assert.match(await refused('?since=7'), /^since must be a list of pairs/);
  assert.match(await refused('?since=[[1,'), /^since must be a version vector in JSON/);
  assert.match(await refused('?since=[[1,-1]]'), /^since\[0\] must be a pair/);
  assert.match(await refused('?since=[]&since=[]'), /^since must be given once/);
  assert.match(await refused('?from=7'), /^"from" is no parameter here: there are since, live, kinds/);
  assert.is((await rest(server().url, pathOf(newProject(), '/changes'))).status, 404);
});

/** A follower in this process, over an HTTP server of its own. */
async function followInProcess(
  projects: Projects,
  options: { keepAliveMs: number; isLive: boolean },
  onPage: () => void,
): Promise<{ url: string; end: () => Promise<void> }> {
  const http = createServer((_request, response) => {
    void projects.use('p', async (project) => {
      const feed = await project.select({
        objects: [{ kind: 'entry', since: new Map(), match: null }],
        udt: null,
      });
      const next = feed.next.bind(feed);
      feed.next = async () => {
        const page = await next();
        onPage();
        return page;
      };
      const asked = { projectId: 'p', format: serverSentEvents, since: new Map() };
      await new ChangeFollower(response, feed, { ...asked, ...options }).run();
    });
  });
  http.listen(0, '127.0.0.1');
  await once(http, 'listening');
  const { port } = http.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    end: async () => {
      http.closeAllConnections();
      await new Promise((resolve) => http.close(resolve));
    },
  };
}

changes(
  'a reader that does not read is behind in the log: nothing is read for it; when it reads, all is there',
  async () => {
    const { projects } = openProjects(new MemoryStore(), { environment: realEnvironment });
    const count = 3_000;
    const fields = { clip_id: 'x'.repeat(10_000), content: {} };
    for (let first = 0; first < count; first += 500) {
      const objects = Array.from({ length: 500 }, (_, i) => ({
        kind: 'entry' as const,
        projectId: 'p',
        fields: {
          ...fields,
          report_uuid: 'r',
          entry_uuid: 'e',
          version_uuid: `v${first + i}`,
          modifies: null,
          reason: null,
        },
      }));
      await uploadAll(projects, objects, { protocol: 'stream', user: 'anonymous' });
    }
    let pages = 0;
    const { url, end } = await followInProcess(
      projects,
      { keepAliveMs: 60_000, isLive: false },
      () => pages++,
    );
    try {
      const reader = await ChangesReader.openEvents(url, 'p');
      reader.response.pause();
      let before = -1;
      await until('it stands still', async () => {
        if (pages === before && pages > 0) return true;
        before = pages;
        await new Promise((resolve) => setTimeout(resolve, 300));
        return false;
      });
      assert.ok(pages < 60, `${pages} pages of about 256 kB were read of 30 MB`);
      reader.response.resume();
      await reader.untilEnd();
      const events = reader.events;
      assert.equal(
        events.slice(0, -1).map(({ data }) => data['version_uuid']),
        Array.from({ length: count }, (_, i) => `v${i}`),
      );
      assert.is(events.length, count + 1);
      reader.close();
    } finally {
      await end();
      await projects.close();
    }
  },
);

changes('events that do not come are no silence: a comment says that the connection lives', async () => {
  const { projects } = openProjects(new MemoryStore());
  await uploadEntry(projects, 'p', 'v');
  const { url, end } = await followInProcess(projects, { keepAliveMs: 20, isLive: true }, () => undefined);
  try {
    const reader = await ChangesReader.openEvents(url, 'p');
    await reader.until(() => reader.text.split(': keep-alive\n\n').length > 3);
    assert.equal(
      reader.events.map(({ event }) => event),
      ['entry', 'sync'],
    );
    reader.close();
  } finally {
    await end();
    await projects.close();
  }
});

changes.run();
