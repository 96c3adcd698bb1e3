// WS-23: the patches of `udt` on `/ws`, in both vocabularies: whoever applies them in order has the UDT file.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import fastJsonPatch from 'fast-json-patch';
import type { Operation as AppliedOperation } from 'fast-json-patch';
import * as Y from 'yjs';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { sinceOf, newEntry, textOf, textsOf, typesOf } from '../support/stream-client.ts';
import { fetchLater, subscribeLater } from '../support/stream-later.ts';
import { withServer } from '../support/with-server.ts';

const patches = suite('patches');
const { connect, connectYjs, server } = withServer(patches);

async function postJson(path: string, method: string, body: JsonObject): Promise<JsonObject> {
  const headers = { 'content-type': 'application/json' };
  const answer = await fetch(`${server().url}${path}`, { method, headers, body: JSON.stringify(body) });
  assert.is(answer.status, 200);
  return (await answer.json()) as JsonObject;
}

const udt = {
  interface: { type: 'text', labels: ['a'] },
  samples: [{ document: 'one' }, { document: 'two' }],
};

async function newSession(): Promise<string> {
  return textOf(await postJson('/v1/api/session', 'POST', { udt, userName: 'eva' }), 'short_id');
}

function patch(id: string, operations: Json, userName = 'eva'): Promise<JsonObject> {
  return postJson(`/v1/api/session/${id}`, 'PATCH', { patch: operations, userName });
}

/** What a client has that applied them in order. */
function applied(messages: readonly JsonObject[], from: Json = {}): Json {
  let state = structuredClone(from);
  for (const { patch: operations } of messages)
    state = fastJsonPatch.applyPatch(state, copied(operations)).newDocument;
  return state;
}

/** The library makes the values of operations part of the state. */
function copied(operations: Json | undefined): AppliedOperation[] {
  return structuredClone(operations) as unknown as AppliedOperation[];
}

patches('WS-23 history and live bring every change of udt, in both vocabularies on one socket', async () => {
  const client = await connect();
  const id = await newSession();
  await patch(id, [{ op: 'add', path: '/samples/0/annotation', value: 'x' }], 'adam');
  const [original, short] = [client.newMuxId(), client.newMuxId()];
  await client.ask({ type: 'subscribe', mux_id: original, project_id: id, udt: '*' });
  await client.ask({ type: 'subscribe', mux_id: short, udt: { match: 'project', value: id, since: [] } });
  await patch(id, [{ op: 'remove', path: '/samples/1' }]);
  const yjs = await connectYjs(id);
  (yjs.doc.getMap('udt').get('samples') as Y.Array<Json>).push([{ document: 'by yjs' }]);
  const live = await client.waitForObjects(original, 4);
  const liveShort = await client.waitForObjects(short, 4);
  assert.equal(typesOf(live), ['patch', 'patch', 'patch', 'patch']);
  assert.equal(Object.keys(live[0]!), [...['type', 'mux_id', 'srv_id', 'seqno', 'proj_id'], ...fields]);
  assert.equal(Object.keys(liveShort[0]!), [...['type', 'mux_id', 'srv_id', 'seqno', 'project'], ...fields]);
  assert.equal(
    live.slice(0, 3).map(({ user_name }) => user_name ?? null),
    ['eva', 'adam', 'eva'],
  );
  assert.equal(applied(live), {
    ...udt,
    samples: [{ document: 'one', annotation: 'x' }, { document: 'by yjs' }],
  });
  const renamed = live.map(({ proj_id, ...rest }) => ({ ...rest, project: proj_id ?? null }));
  assert.equal(
    renamed.map(sorted),
    liveShort.map((message) => sorted({ ...message, mux_id: original })),
  );
  assert.is(live[0]?.['proj_id'], id);
  for (const message of live)
    assert.match(textOf(message, 'time'), /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
});

const fields = ['patch', 'user_name', 'time'];

function sorted(message: JsonObject): string {
  return JSON.stringify(Object.entries(message).sort(([a], [b]) => (a < b ? -1 : 1)));
}

patches('WS-23 WS-10 history is what live was, and since brings the rest', async () => {
  const client = await connect();
  const id = await newSession();
  const live = await client.subscribe(id, { udt: '*' });
  for (const label of ['x', 'y', 'z'])
    await patch(id, [{ op: 'add', path: '/samples/0/annotation', value: label }]);
  await client.upload(newEntry(id));
  await client.waitFor(({ type, mux_id }) => type === 'entry' && mux_id === live);
  const seen = client.objectsOf(live);
  const history = await client.fetch(id, { udt: '*' });
  assert.equal(textsOf(history), textsOf(seen));
  for (let count = 1; count < seen.length; count++) {
    const since = sinceOf(seen.slice(0, count));
    const rest = await client.fetch(id, { udt: '*', since });
    assert.equal(textsOf(rest), textsOf(seen.slice(count)));
    const { objects } = await fetchLater(client, { project: id, udt: { since } });
    assert.equal(
      objects.map(({ seqno }) => seqno ?? null),
      rest.filter(({ type }) => type === 'patch').map(({ seqno }) => seqno ?? null),
    );
  }
});

patches('WS-6 WS-23 without the selector no patch is streamed', async () => {
  const client = await connect();
  const id = await newSession();
  const [objects, both] = [await client.subscribe(id), await client.subscribe(id, { udt: '*' })];
  const none = await subscribeLater(client, { project: id, entries: {} });
  await patch(id, [{ op: 'add', path: '/samples/0/annotation', value: 'x' }]);
  await client.upload(newEntry(id));
  for (const muxId of [objects, both, none])
    await client.waitFor(({ type, mux_id }) => type === 'entry' && mux_id === muxId);
  assert.equal(typesOf(client.of(objects)), ['sync', 'entry']);
  assert.equal(typesOf(client.of(none)), ['sync', 'entry']);
  assert.ok(typesOf(client.of(both)).filter((type) => type === 'patch').length >= 2);
});

patches.run();
