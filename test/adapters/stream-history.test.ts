// What a stream brings, over a real socket: history, exactly one `sync`, then live, all of it alike.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { JsonObject } from '../../src/model/json.ts';
import { everyKind, newComment, newEntry, newThread, typesOf, versionsOf } from '../support/stream-client.ts';
import { withServer } from '../support/with-server.ts';

const histories = suite('history and live');
const { connect, connectYjs, newProject } = withServer(histories);

histories('WS-3 no gap and no duplicate between history and live, whenever a stream begins', async () => {
  const [writer, reader] = [await connect(), await connect()];
  const project = newProject();
  // More than the server keeps in memory, so that streams change over from the store.
  for (let i = 0; i < 3; i++) await writer.upload(...Array.from({ length: 500 }, () => newComment(project)));
  const uploading = 120;
  const muxIds: string[] = [];
  const uploads = [];
  for (let i = 0; i < uploading; i++) {
    uploads.push(writer.upload(newComment(project), newThread(project)));
    if (i % 10 === 0) {
      const muxId = reader.newMuxId();
      reader.send({ type: 'subscribe', mux_id: muxId, project_id: project, ...everyKind });
      muxIds.push(muxId);
    }
    if (i % 4 === 0) await uploads.at(-1);
  }
  await Promise.all(uploads);
  const expected = versionsOf(await writer.fetch(project));
  assert.is(expected.length, 1500 + 2 * uploading);
  const versionOfLast = expected.at(-1)!;
  for (const muxId of muxIds) {
    await reader.waitForVersion(muxId, versionOfLast);
    assert.equal(versionsOf(reader.objectsOf(muxId)), expected);
    assertSyncedOnce(reader.of(muxId));
  }
  const mixed = muxIds.filter((muxId) => syncIndexOf(reader.of(muxId)) < expected.length);
  assert.ok(mixed.length > 0, 'some streams had history and live');
});

/** `since` of the `sync` names what was history: all before it, and nothing behind it. */
function assertSyncedOnce(messages: readonly JsonObject[]): void {
  const syncs = messages.filter(({ type }) => type === 'sync');
  assert.is(syncs.length, 1);
  const [[, head] = []] = syncs[0]!['since'] as [number, number][];
  const index = syncIndexOf(messages);
  for (const { seqno } of messages.slice(0, index)) assert.ok(Number(seqno) <= Number(head));
  for (const { seqno } of messages.slice(index + 1)) assert.ok(Number(seqno) > Number(head));
}

function syncIndexOf(messages: readonly JsonObject[]): number {
  return messages.findIndex(({ type }) => type === 'sync');
}

histories('WS-3 a fetch ends with sync and brings nothing live', async () => {
  const client = await connect();
  const project = newProject();
  await client.upload(newComment(project));
  await client.ask({ type: 'fetch', mux_id: 'f', project_id: project, ...everyKind });
  const live = await client.subscribe(project);
  const object = newComment(project);
  await client.upload(object);
  await client.waitForVersion(live, object.version_uuid);
  assert.equal(typesOf(client.of('f')), ['comment', 'sync']);
});

histories('WS-10 history and live are the same text, whoever wrote the object', async () => {
  const project = newProject();
  const [live, late, { doc }] = [await connect(), await connect(), await connectYjs(project)];
  const request = { type: 'subscribe', mux_id: 'same', project_id: project, ...everyKind };
  await live.ask(request);
  await live.upload(
    newEntry(project, { extra: { 2: 'b', 1: ['a', null, 1.5e-7, 1e21], ü: '\u2028"\\' } }),
    newThread(project, { links: ['report', 'x', 5], archivetime: [[2, 1], [1, 2]] }), // prettier-ignore
    newComment(project, { authortime: '2024-05-17 09:30', body: '' }),
  );
  const entry = newEntry(project, { user_id: 'me', user_uuid: 'u', extra: 1 });
  doc.getMap('entries').set(entry.version_uuid, { ...entry, submissiontime: '2020-01-01' });
  await live.waitForVersion('same', entry.version_uuid);
  await late.ask(request);
  const texts = live.texts.filter((text) => /^.."type":"(entry|thread|comment)"/.test(` ${text}`));
  assert.is(texts.length, 4);
  assert.equal(late.texts.slice(0, -1), texts);
});

histories.run();
