// WS-7: streams that select by report, topic or user, and those that name no project but a report or a topic of it.

import { randomUUID } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/model/json.ts';
import { everythingOf, fetchLater, laterVersionsOf, subscribeLater } from '../support/stream-later.ts';
import {
  newComment,
  newEntry,
  newThread,
  sinceOf,
  textOf,
  typesOf,
  versionsOf,
} from '../support/stream-client.ts';
import { withServer } from '../support/with-server.ts';

const filters = suite('filters');
const { connect, connectYjs, newProject } = withServer(filters);

filters('WS-7 match filters history and live alike', async () => {
  const client = await connect();
  const project = newProject();
  const [report, topic] = [randomUUID(), randomUUID()];
  const make = () => [
    newEntry(project, { report_uuid: report }),
    newEntry(project),
    newThread(project, { thread_uuid: topic }),
    newComment(project, { thread_uuid: topic }),
    newComment(project),
  ];
  const [past, live] = [make(), make()];
  await client.upload(...past);
  const selectors: [JsonObject, number[]][] = [
    [{ entries: { match: 'report', value: report } }, [0]],
    [{ comments: { match: 'topic', value: topic } }, [3]],
    [{ entries: { match: 'report', value: report }, comments: { match: 'topic', value: topic } }, [0, 3]],
    [{ project, entries: { match: 'report', value: report }, comments: {} }, [0, 3, 4]],
    [{ topics: { match: 'project', value: project }, comments: { match: 'topic', value: 'no such' } }, [2]],
    [{ project, entries: { match: 'user', value: 'anonymous' }, topics: {} }, [0, 1, 2]],
    [{ project, comments: { match: 'user', value: 'somebody else' } }, []],
  ];
  const streams: string[] = [];
  for (const [asked] of selectors) streams.push(await subscribeLater(client, asked));
  const all = await subscribeLater(client, everythingOf(project));
  await client.upload(...live);
  await client.waitForObjects(all, 10);
  for (const [index, [asked, wanted]] of selectors.entries()) {
    const expected = versionsOf([...wanted.map((at) => past[at]!), ...wanted.map((at) => live[at]!)]);
    await client.waitForObjects(streams[index]!, expected.length);
    assert.equal(laterVersionsOf(client.objectsOf(streams[index]!)), expected, JSON.stringify(asked));
    assert.equal(laterVersionsOf((await fetchLater(client, asked)).objects), expected, JSON.stringify(asked));
    assert.is(typesOf(client.of(streams[index]!)).indexOf('sync'), wanted.length);
  }
});

filters('WS-7 since is per kind', async () => {
  const client = await connect();
  const project = newProject();
  const report = randomUUID();
  const entries = [1, 2, 3].map(() => newEntry(project, { report_uuid: report }));
  const comments = [1, 2, 3].map(() => newComment(project));
  for (const index of [0, 1, 2]) await client.upload(entries[index]!, comments[index]!);
  const { objects } = await fetchLater(client, everythingOf(project));
  const selector = { match: 'project', value: project };
  const seen = (count: number) => sinceOf(objects.slice(0, count));
  const fetched = await fetchLater(client, {
    entries: { match: 'report', value: report, since: seen(5) },
    comments: { ...selector, since: seen(2) },
    topics: selector,
  });
  assert.equal(laterVersionsOf(fetched.objects), versionsOf([comments[1]!, comments[2]!]));
  assert.equal(fetched.sync['since'], seen(6));
});

filters('WS-7 a user is matched by the uuid that objects have', async () => {
  const client = await connect();
  const project = newProject();
  const yjs = await connectYjs(project);
  const muxId = await subscribeLater(client, { project, entries: { match: 'user', value: 'eva' } });
  await client.upload(newEntry(project));
  for (const user of ['adam', 'eva']) {
    const { type, project_id, ...fields } = newEntry(project);
    assert.equal([type, project_id], ['newentry', project]);
    yjs.doc.getMap('entries').set(fields.version_uuid, { ...fields, user_uuid: user });
  }
  const [seen] = await client.waitForObjects(muxId, 1);
  assert.is(seen?.['user'], 'eva');
  assert.is((await fetchLater(client, { project, entries: {} })).objects.length, 3);
  assert.is(client.objectsOf(muxId).length, 1);
});

filters('WS-9 a report that nobody knows answers with sync, and streams when it comes to life', async () => {
  const [reader, writer] = [await connect(), await connect()];
  const project = newProject();
  const [report, topic] = [randomUUID(), randomUUID()];
  const entries = { match: 'report', value: report };
  const comments = { match: 'topic', value: topic };
  const streams: string[] = [];
  for (const asked of [{ entries }, { comments }, { entries, comments }]) {
    streams.push(await subscribeLater(reader, asked));
    assert.equal(reader.of(streams.at(-1)!), [{ type: 'sync', mux_id: streams.at(-1)!, since: [] }]);
    assert.equal((await fetchLater(reader, asked)).sync['since'], []);
  }
  const [entry, comment] = [
    newEntry(project, { report_uuid: report }),
    newComment(project, { thread_uuid: topic }),
  ];
  await writer.upload(newEntry(project), entry);
  await reader.waitForObjects(streams[0]!, 1);
  await writer.upload(newComment(project), comment);
  await reader.waitForObjects(streams[1]!, 1);
  await reader.waitForObjects(streams[2]!, 2);
  const expected = [[entry], [comment], [entry, comment]];
  for (const [index, muxId] of streams.entries()) {
    assert.equal(laterVersionsOf(reader.objectsOf(muxId)), versionsOf(expected[index]!));
    assert.is(typesOf(reader.of(muxId)).lastIndexOf('sync'), 0, 'one sync');
    for (const object of reader.objectsOf(muxId)) assert.is(object['project'], project);
  }
});

filters('WS-8 a stream that waits for its report can be closed, and its mux_id used again', async () => {
  const client = await connect();
  const project = newProject();
  const report = randomUUID();
  const asked = { entries: { match: 'report', value: report } };
  for (let round = 0; round < 3; round++) {
    assert.is((await client.ask({ type: 'subscribe', mux_id: 'waits', ...asked }))['type'], 'sync');
    assert.is((await client.ask({ type: 'close', mux_id: 'waits' }))['type'], 'closed');
  }
  const seen = client.of('waits').length;
  const other = await subscribeLater(client, asked);
  await client.upload(newEntry(project, { report_uuid: report }));
  await client.waitForObjects(other, 1);
  assert.is(client.of('waits').length, seen);
});

filters('a report in several projects is refused, and the way out works', async () => {
  const client = await connect();
  const [one, two] = [newProject(), newProject()];
  const [report, topic] = [randomUUID(), randomUUID()];
  const entries = { match: 'report', value: report };
  const inOne = newEntry(one, { report_uuid: report });
  const waiting = await subscribeLater(client, { entries });
  await client.upload(inOne, newEntry(two, { report_uuid: report }), newComment(two, { thread_uuid: topic }));
  // It had led nowhere, and now leads to two.
  const late = await client.waitFor(({ type, mux_id }) => type === 'error' && mux_id === waiting);
  for (const error of [late, (await fetchLater(client, { entries })).sync]) {
    assert.is(error['code'], 'bad-request');
    assert.ok(textOf(error, 'message').includes(`report "${report}" is in several projects`));
    assert.ok(textOf(error, 'message').includes('with "project"'));
  }
  assert.equal(laterVersionsOf((await fetchLater(client, { project: one, entries })).objects), [
    inOne.version_uuid,
  ]);
  const other = randomUUID();
  await client.upload(newEntry(one, { report_uuid: other }));
  const comments = { match: 'topic', value: topic };
  const { sync } = await fetchLater(client, { entries: { match: 'report', value: other }, comments });
  assert.ok(textOf(sync, 'message').includes('are in two projects: open a stream for each'));
});

filters.run();
