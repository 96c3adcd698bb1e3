// Three kinds of client on one project: each sees what the others do, live, and after the server was killed and all of
// them have come back.

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import jsonPatch from 'fast-json-patch';
import * as Y from 'yjs';
import type { JsonObject } from '../src/model/json.ts';
import type { Operation } from '../src/model/json-patch.ts';
import { changesFarApart } from './support/changes-far-apart.ts';
import { startProcess, type ServerProcess } from './support/server.ts';
import { StreamClient, newEntry, sinceOf, versionsOf, type NewVersion } from './support/stream-client.ts';
import { removeFolder, temporaryFolder } from './support/temporary.ts';
import { UdtClient, createSession, plainHash, type Differences } from './support/udt-client.ts';
import { until } from './support/until.ts';
import { withServer } from './support/with-server.ts';
import { connectProvider, type TestProvider } from './support/yjs-client.ts';

const samples = ['ImageSegmentation', 'NamedEntityRecognition', 'TextClassification'];

function readSample(name: string): JsonObject {
  const file = new URL(`../data/samples/${name}.udt.json`, import.meta.url);
  return JSON.parse(readFileSync(file, 'utf8')) as JsonObject;
}

/** What a patch makes of a state, by a library that the server doesn't use. */
function patched(state: JsonObject, patch: readonly Operation[]): JsonObject {
  const copy = structuredClone(state);
  return jsonPatch.applyPatch(copy, structuredClone([...patch]) as never, true).newDocument;
}

const udtOf = (doc: Y.Doc): JsonObject => doc.getMap('udt').toJSON();

/** Labels a sample and renames the project, in one transaction. */
function label(doc: Y.Doc, at: number, annotation: string): void {
  doc.transact(() => {
    const udt = doc.getMap('udt');
    (udt.get('samples') as Y.Array<Y.Map<unknown>>).get(at).set('annotation', annotation);
    udt.set('name', `with ${annotation}`);
  });
}

/** An entry as an app sets it in the document, under its version uuid. */
function setEntry(doc: Y.Doc): string {
  const entry = newEntry('');
  const { version_uuid: uuid } = entry;
  const isField = ([name]: [string, unknown]): boolean => name !== 'type' && name !== 'project_id';
  doc.getMap('entries').set(uuid, Object.fromEntries(Object.entries(entry).filter(isField)));
  return uuid;
}

function sameContent(doc: Y.Doc, udt: JsonObject): Promise<void> {
  return until('the document has the content', () => plainHash(udtOf(doc)) === plainHash(udt));
}

/** Polls until something new is there. */
async function pollAfter(session: UdtClient, version: number): Promise<Differences> {
  await until(
    'a poll brings something new',
    async () => (await session.diffs(version)).latestVersion > version,
  );
  return session.diffs(version);
}

const live = suite('three wires, live');
const wires = withServer(live, { environment: changesFarApart() });

for (const name of samples)
  live(`UDT-1 UDT-2 WS-24 ${name}: every client sees what the others do`, async () => {
    const { url, serverId } = wires.server();
    const file = readSample(name);
    const { short_id: id, version } = await createSession(url, { udt: file });
    assert.is(version, 0);
    const session = new UdtClient(url, id);
    const { doc } = await wires.connectYjs(id);
    assert.equal(udtOf(doc), file, 'the provider has the file');

    label(doc, 1, 'by an app');
    const poll = await pollAfter(session, 0);
    const labelled = patched(file, poll.patch);
    assert.equal(labelled, udtOf(doc), 'a poll brings the edit');
    assert.is.not(plainHash(labelled), plainHash(file));
    assert.is(poll.latestVersion, 1);
    assert.is(poll.hashOfLatestState, plainHash(labelled));

    const patch: Operation[] = [
      { op: 'add', path: '/samples/0/annotation', value: ['by', 'hand'] },
      { op: 'add', path: '/samples/-', value: { document: 'a new sample' } },
    ];
    const reply = await session.patch(patch);
    const expected = patched(labelled, patch);
    assert.equal(reply, { latestVersion: 2, hashOfLatestState: plainHash(expected) });
    await sameContent(doc, expected);
    assert.equal(udtOf(doc), expected, 'the provider has the PATCH');

    const stream = await wires.connect();
    const muxId = await stream.subscribe(id);
    const uploaded = newEntry(id);
    assert.is((await stream.upload(uploaded))['type'], 'uploaded');
    const entries = doc.getMap('entries');
    await until('the provider has the upload', () => entries.has(uploaded.version_uuid));
    const streamed = await stream.waitForVersion(muxId, uploaded.version_uuid);
    const { type, mux_id, srv_id, seqno, proj_id, ...object } = streamed;
    assert.equal([type, mux_id, srv_id, seqno, proj_id], ['entry', muxId, serverId, 4, id]);
    assert.equal(entries.get(uploaded.version_uuid), object, 'the provider has the upload');

    const set = setEntry(doc);
    const relayed = await stream.waitForVersion(muxId, set);
    assert.equal([relayed['type'], relayed['srv_id'], relayed['seqno']], ['entry', serverId, 5]);
    assert.equal(relayed['content'], newEntry(id)['content'] ?? null);
    const { patches, latestVersion } = await session.diffs(2);
    assert.equal([patches, latestVersion], [[], 2], 'objects are no change of udt');
  });

live.run();

const killed = suite('three wires, killed');

/** A project with a client on each wire. */
interface Crew {
  readonly session: UdtClient;
  readonly provider: TestProvider;
  /** A copy of the document that a client keeps at home. */
  readonly home: Y.Doc;
  /** The objects that the stream client saw before it lost its network. */
  readonly seen: readonly JsonObject[];
  /** What was uploaded since then. */
  readonly missed: readonly NewVersion[];
  /** The state that the UDT client has. */
  readonly known: { readonly version: number; readonly state: JsonObject };
}

async function startCrew(
  { socketUrl }: ServerProcess,
  session: UdtClient,
  provider: TestProvider,
): Promise<Crew> {
  const file = udtOf(provider.doc);
  const stream = await StreamClient.connect(socketUrl);
  const muxId = await stream.subscribe(session.id);
  await stream.upload(newEntry(session.id), newEntry(session.id));
  const set = setEntry(provider.doc);
  await stream.waitForVersion(muxId, set);
  stream.cut();

  label(provider.doc, 0, 'known');
  const poll = await pollAfter(session, 0);
  const known = { version: poll.latestVersion, state: patched(file, poll.patch) };
  const home = new Y.Doc();
  Y.applyUpdate(home, Y.encodeStateAsUpdate(provider.doc));

  const missed = [newEntry(session.id), newEntry(session.id)];
  const uploader = await StreamClient.connect(socketUrl);
  assert.is((await uploader.upload(...missed))['type'], 'uploaded');
  uploader.cut();
  await session.patch([{ op: 'add', path: '/samples/1/annotation', value: 'missed' }]);
  return { session, provider, home, seen: stream.objectsOf(muxId), missed, known };
}

killed('UDT-3 WS-4 YJS-6 what was acknowledged is there after SIGKILL, and everybody rejoins', async () => {
  const data = await temporaryFolder();
  const running: ServerProcess[] = [];
  const providers: TestProvider[] = [];
  const start = async (port: number): Promise<ServerProcess> => {
    const server = await startProcess(data, { port });
    running.push(server);
    return server;
  };
  try {
    const first = await start(0);
    const crews = await Promise.all(
      samples.map(async (name) => {
        const session = await UdtClient.create(first.url, readSample(name));
        const provider = await connectProvider(first.socketUrl, session.id);
        providers.push(provider);
        return startCrew(first, session, provider);
      }),
    );
    await first.kill('SIGKILL');
    for (const { provider } of providers)
      await until('the provider is off line', () => !provider.wsconnected);
    const offline = crews.map((crew) => workOffline(crew));

    const second = await start(Number(new URL(first.url).port));
    assert.is(second.url, first.url);
    for (const [at, crew] of crews.entries()) {
      providers.push(await connectProvider(second.socketUrl, crew.session.id, crew.home));
      await crew.provider.synced();
      await rejoined(second, crew, offline[at]!);
    }
  } finally {
    for (const provider of providers) provider.destroy();
    for (const server of running) await server.kill('SIGKILL');
    await removeFolder(data);
  }
});

/** Edits of two clients without a server. @returns the uuids of their entries. */
function workOffline({ provider, home }: Crew): string[] {
  label(provider.doc, 0, 'made off line');
  (home.getMap('udt').get('samples') as Y.Array<unknown>).push([{ document: 'added at home' }]);
  return [setEntry(provider.doc), setEntry(home)];
}

async function rejoined(
  { socketUrl }: ServerProcess,
  { session, provider, home, seen, missed, known }: Crew,
  offline: readonly string[],
): Promise<void> {
  for (const doc of [provider.doc, home])
    await until(
      'both have all entries',
      () => doc.getMap('entries').size === seen.length + missed.length + 2,
    );

  const stream = await StreamClient.connect(socketUrl);
  const brought = await stream.fetch(session.id, { since: sinceOf(seen) });
  const uuids = versionsOf(brought);
  assert.equal(uuids.slice(0, 2), versionsOf(missed), 'first what was acknowledged, in its order');
  assert.equal(uuids.slice(2).sort(), [...offline].sort(), 'then what was brought');
  assert.equal(versionsOf(await stream.fetch(session.id)), [...versionsOf(seen), ...uuids]);
  const seqnos = [...seen, ...brought].map((object) => Number(object['seqno']));
  assert.equal(
    seqnos,
    [...new Set(seqnos)].sort((a, b) => a - b),
    'no number is used twice',
  );
  await stream.close();

  const { udt_json: state, version } = await session.get();
  const [first, second, ...more] = state['samples'] as JsonObject[];
  assert.is(first!['annotation'], 'made off line');
  assert.is(second!['annotation'], 'missed');
  assert.is(more.at(-1)!['document'], 'added at home');
  for (const doc of [provider.doc, home]) await sameContent(doc, state);

  const poll = await session.diffs(known.version);
  assert.is(poll.latestVersion, version);
  let before = known.state;
  const changing = poll.patches.filter((patch) => {
    const after = patched(before, patch);
    const isRefresh = plainHash(after) === plainHash(before); // UDT-8: the PATCH was soon after an edit
    before = after;
    return !isRefresh;
  });
  assert.is(changing.length, 3, 'the versions go on: a PATCH and two edits');
  assert.ok(poll.patches.length <= 4, 'and a refresh at most, if the kill came after it');
  assert.is(version, known.version + poll.patches.length);
  assert.equal(patched(known.state, poll.patch), state, 'patches, on the state from before');
  assert.is(poll.hashOfLatestState, plainHash(state));

  await session.patch([{ op: 'replace', path: '/name', value: 'after all' }]);
  for (const doc of [provider.doc, home]) await sameContent(doc, { ...state, name: 'after all' });
}

killed.run();
