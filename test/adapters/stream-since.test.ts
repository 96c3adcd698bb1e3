// Where a stream begins, over a real socket: what `since` leaves out, and that it leaves out nothing else.

import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { seededPrng } from '../support/seed.ts';
import { startServer } from '../support/server.ts';
import {
  StreamClient,
  everyKind,
  newComment,
  newEntry,
  newThread,
  sinceOf,
  textsOf,
  typesOf,
  versionsOf,
} from '../support/stream-client.ts';
import { temporaryFolder } from '../support/temporary.ts';
import { withServer } from '../support/with-server.ts';

const cuts = suite('since');
const { atEnd, connect, connectYjs, newProject, server } = withServer(cuts);

cuts('WS-4 since is exclusive; absent, null or empty it means everything', async () => {
  const client = await connect();
  const project = newProject();
  await client.upload(newEntry(project), newThread(project), newComment(project));
  const all = await client.fetch(project);
  assert.is(all.length, 3);
  for (const since of [[], null]) assert.equal(textsOf(await client.fetch(project, { since })), textsOf(all));
  const serverId = server().serverId;
  assert.equal(versionsOf(await client.fetch(project, { since: [[serverId, 0]] })), versionsOf(all));
  for (const [index, { srv_id, seqno }] of all.entries()) {
    assert.is(srv_id, serverId);
    const rest = await client.fetch(project, { since: [[serverId, Number(seqno)]] });
    assert.equal(versionsOf(rest), versionsOf(all.slice(index + 1)));
  }
});

cuts('WS-4 unknown servers in since are harmless', async () => {
  const client = await connect();
  const project = newProject();
  await client.upload(newEntry(project), newThread(project), newComment(project));
  const all = await client.fetch(project);
  const strangers: [number, number][] = [[0, 9], [server().serverId + 1, 7], [2 ** 53 - 1, 2 ** 53 - 1]]; // prettier-ignore
  assert.equal(versionsOf(await client.fetch(project, { since: strangers })), versionsOf(all));
  const since = [...strangers, ...sinceOf(all.slice(0, 1))];
  assert.equal(versionsOf(await client.fetch(project, { since })), versionsOf(all.slice(1)));
});

cuts('WS-4 beyond the head there is no history, and live comes all the same', async () => {
  const own = await startServer(); // REP-8: it takes another server id
  atEnd(() => own.remove());
  const client = await StreamClient.connect(own.socketUrl);
  atEnd(() => client.close());
  const project = newProject();
  await client.upload(newEntry(project));
  for (const ahead of [1, 2, 50, 2 ** 53 - 1]) {
    const heads = sinceOf(await client.fetch(project)).sort(([a], [b]) => a - b);
    const since = heads.map(([id, head]) => [id, Math.min(head + ahead, 2 ** 53 - 1)]);
    const muxId = await client.subscribe(project, { since });
    const live = [newComment(project), newEntry(project)];
    await client.upload(live[0]!);
    await client.upload(live[1]!);
    await client.waitForVersion(muxId, live[1]!.version_uuid);
    assert.equal(typesOf(client.of(muxId)), ['sync', 'comment', 'entry']);
    assert.equal(client.of(muxId)[0]!['since'], heads);
  }
});

cuts('WS-5 after any message, the highest seqnos seen bring exactly the rest', async () => {
  const random = seededPrng('cut-off points');
  const [client, { doc }] = [await connect(), await connectYjs('cut-off-points')];
  const project = 'cut-off-points';
  const live = await client.subscribe(project);
  for (let round = 0; round < 20; round++) {
    // Numbers that a Yjs client's edits take are not streamed: streams have holes there.
    if (prng.bool(random)) doc.getText('notes').insert(0, 'note');
    await client.upload(...randomObjects(random, project));
  }
  const { comment_uuid, thread_uuid, version_uuid } = newComment(project);
  const last = {
    comment_uuid,
    thread_uuid,
    version_uuid,
    authortime: '2024-01-01T00:00:00.000Z',
  } as JsonObject;
  doc.getMap('comments').set(version_uuid, last);
  await client.waitForVersion(live, version_uuid);
  for (const kinds of [
    everyKind,
    { ...everyKind, entries: null },
    { threads: '*', comments: null, entries: null },
  ]) {
    const all = await client.fetch(project, kinds);
    const seqnos = all.map(({ seqno }) => Number(seqno));
    assert.equal(
      seqnos,
      [...new Set(seqnos)].sort((a, b) => a - b),
    );
    for (let seen = 0; seen <= all.length; seen++) {
      const rest = await client.fetch(project, { ...kinds, since: sinceOf(all.slice(0, seen)) });
      assert.equal(textsOf(rest), textsOf(all.slice(seen)));
    }
  }
});

cuts('WS-5 a client that is cut off again and again gets each object once', async () => {
  const random = seededPrng('a client that is cut off');
  const writer = await connect();
  const project = newProject();
  const uploads: Promise<JsonObject>[] = [];
  const seen: JsonObject[] = [];
  for (let round = 0; round < 40; round++) {
    for (let i = prng.int31(random, 0, 3); i > 0; i--)
      uploads.push(writer.upload(...randomObjects(random, project)));
    const reader = await connect();
    reader.send({ type: 'subscribe', mux_id: 0, project_id: project, since: sinceOf(seen), ...everyKind });
    const takes = prng.int31(random, 0, 12);
    await reader.waitFor(({ type }) => type === 'sync' || reader.objectsOf(0).length >= takes);
    seen.push(...reader.objectsOf(0).slice(0, takes));
    reader.cut();
  }
  await Promise.all(uploads);
  seen.push(...(await writer.fetch(project, { since: sinceOf(seen) })));
  assert.equal(versionsOf(seen), versionsOf(await writer.fetch(project)));
});

cuts('WS-5 history of a restored folder rises per server id, and since counts per server id', async () => {
  const first = await startServer();
  atEnd(() => first.remove());
  const copy = await temporaryFolder();
  await uploadSome(first.socketUrl);
  await first.stop();
  await cp(join(first.data, 'db'), join(copy, 'db'), { recursive: true });
  const second = await startServer({ data: copy });
  atEnd(() => second.remove());
  assert.is.not(second.serverId, first.serverId);
  await uploadSome(second.socketUrl);
  const client = await StreamClient.connect(second.socketUrl);
  atEnd(() => client.close());
  const all = await client.fetch('p');
  const ofServer = (id: number): JsonObject[] => all.filter(({ srv_id }) => srv_id === id);
  assert.equal(ofServer(first.serverId).map(seqnoOf), [1, 2, 3, 4, 5, 6]);
  assert.equal(ofServer(second.serverId).map(seqnoOf), [1, 2, 3, 4, 5, 6]);
  for (let seen = 0; seen <= all.length; seen++)
    assert.equal(
      textsOf(await client.fetch('p', { since: sinceOf(all.slice(0, seen)) })),
      textsOf(all.slice(seen)),
    );
  // A client of the second server alone: it lacks everything of the first.
  const since = [[second.serverId, 4]];
  const lacking = all.filter(({ srv_id, seqno }) => srv_id === first.serverId || Number(seqno) > 4);
  const muxId = await client.subscribe('p', { since });
  assert.equal(versionsOf(client.objectsOf(muxId)), versionsOf(lacking));
  const vector = [[first.serverId, 6], [second.serverId, 6]].sort(([a], [b]) => a! - b!); // prettier-ignore
  assert.equal(client.of(muxId).at(-1)!['since'], vector);
});

async function uploadSome(socketUrl: string): Promise<void> {
  const client = await StreamClient.connect(socketUrl);
  for (let i = 0; i < 2; i++) await client.upload(newEntry('p'), newThread('p'), newComment('p'));
  await client.close();
}

cuts('WS-5 a version comes before the edits that name it', async () => {
  const [client, other] = [await connect(), await connect()];
  const project = newProject();
  const live = await client.subscribe(project);
  const original = newEntry(project);
  let versions = [original.version_uuid];
  await client.upload(original);
  for (let i = 0; i < 5; i++) {
    const edit = (reason: string): ReturnType<typeof newEntry> =>
      newEntry(project, { entry_uuid: original['entry_uuid']!, modifies: versions, reason, clip_id: null });
    const pair = [edit('one'), edit('other')];
    await Promise.all([client.upload(pair[0]!), other.upload(pair[1]!)]);
    versions = pair.map(({ version_uuid }) => version_uuid);
  }
  await client.waitForObjects(live, 11);
  for (const objects of [client.objectsOf(live), await client.fetch(project)]) {
    const known = new Set<Json>();
    for (const { modifies, version_uuid } of objects) {
      for (const base of (modifies ?? []) as Json[]) assert.ok(known.has(base));
      known.add(version_uuid!);
    }
    assert.is(known.size, 11);
  }
});

function randomObjects(random: prng.PRNG, project: string): ReturnType<typeof newEntry>[] {
  return Array.from({ length: prng.int31(random, 1, 4) }, () =>
    prng.oneOf(random, [newEntry, newThread, newComment])(project),
  );
}

function seqnoOf({ seqno }: JsonObject): number {
  return Number(seqno);
}

cuts.run();
