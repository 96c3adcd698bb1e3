import { connect } from '../../src/client/client.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClientStatus } from '../../src/client/client-events.ts';
import { MemoryStorage } from '../../src/client/memory-storage.ts';
import { openFileStorage } from '../../src/client/node/file-storage.ts';
import type { StorageChanges, StoredProject } from '../../src/client/storage.ts';
import { RejoinError } from '../../src/errors.ts';
import { ClientSockets } from '../support/client-sockets.ts';
import { startServer } from '../support/server.ts';
import { newEntry } from '../support/stream-client.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { until } from '../support/until.ts';
import { reached, withClients } from '../support/with-clients.ts';
import { withServer } from '../support/with-server.ts';

const test = suite('client');
const under = withServer(test);
const { server, connect: connectStream, atEnd, newProject } = under;
const newClient = withClients(under);
const row = { clip_id: 'A001', content: { camera: 'A' } };

test('a write shows at once as pending, and everywhere when it is acknowledged', async () => {
  const id = newProject();
  const [writer, reader] = [newClient(), newClient()];
  const project = writer.project(id);
  await project.synced();
  const other = reader.project(id);
  await other.synced();
  const shown = new Promise<unknown>((resolve) => other.on('change', resolve));
  const added = project.add('r', row);
  assert.equal(
    project.rows('r').map(({ clip_id, pending }) => [clip_id, pending]),
    [['A001', true]],
  );
  assert.is(writer.status.pending, 1);
  const { entry, version } = await added;
  await writer.flushed();
  assert.is(writer.status.pending, 0);
  assert.is(project.row('r', entry)?.pending, false);
  assert.equal(await shown, { entries: [{ report: 'r', entry }], threads: [], comments: [] });
  await until('the streamed copy has the user', () => project.row('r', entry)?.user_id === 'anonymous');
  assert.equal(other.rows('r'), project.rows('r'));
  assert.is(other.rows('r')[0]?.version_uuid, version);
});

test('the streamed copy of an own write tells of no change but that of its user, and none twice', async () => {
  const id = newProject();
  const client = newClient();
  const project = client.project(id);
  await project.synced();
  const changes: unknown[] = [];
  project.on('change', () =>
    changes.push(project.rows('r').map(({ pending, user_id }) => [pending, user_id])),
  );
  await project.add('r', row);
  await client.flushed();
  await until('the streamed copy came', () => project.vector.length > 0);
  const seen = changes.map((each) => JSON.stringify(each));
  assert.is(seen[0], '[[true,null]]');
  assert.is(seen.at(-1), '[[false,"anonymous"]]');
  assert.is(new Set(seen).size, seen.length, 'each event showed something else');
});

test('status tells of connecting, catching up, pending writes, the cut and the return', async () => {
  const sockets = new ClientSockets();
  const client = newClient({ WebSocket: sockets.WebSocket });
  const seen: ClientStatus[] = [];
  client.on('status', (status) => seen.push(status));
  assert.equal(client.status, {
    connected: false,
    caughtUp: false,
    offline: false,
    pending: 0,
    problem: null,
  });
  const project = client.project(newProject());
  await reached(client, { connected: true, caughtUp: true, offline: false });
  await project.add('r', row);
  await client.flushed();
  sockets.goOffline();
  await reached(client, { connected: false, caughtUp: false, offline: true });
  assert.type(client.status.problem, 'string');
  await project.add('r', row);
  assert.is(client.status.pending, 1);
  sockets.isOffline = false;
  await reached(client, { connected: true, caughtUp: true, offline: false, pending: 0, problem: null });
  const texts = seen.map((status) => JSON.stringify(status));
  assert.ok(
    texts.every((text, index) => text !== texts[index - 1]),
    'no status twice in a row',
  );
  assert.ok(seen.some(({ connected, caughtUp }) => connected && !caughtUp));
});

test('a project that was deleted does not keep the client from being caught up', async () => {
  const client = newClient();
  const [gone, stays] = [newProject(), newProject()];
  await client.project(gone).add('r', row);
  await client.flushed();
  client.project(stays);
  await reached(client, { caughtUp: true });
  const told = new Promise<string>((resolve) => client.on('error', ({ code }) => resolve(code)));
  const headers = { 'Confirm-Delete': encodeURIComponent(gone) };
  const { status } = await fetch(`${server().url}/api/projects/${encodeURIComponent(gone)}`, {
    method: 'DELETE',
    headers,
  });
  assert.is(status, 200);
  assert.is(await told, 'deleted');
  await reached(client, { caughtUp: true });
});

test('whoever closes a client may open its storage then, also who was not the first', async () => {
  let isClosed = false;
  const storage = new (class extends MemoryStorage {
    override async close(): Promise<void> {
      await new Promise((resolve) => setTimeout(resolve, 50));
      isClosed = true;
    }
  })();
  const client = newClient({ storage });
  void client.close();
  await client.close();
  assert.ok(isClosed);
});

test('a status event has gone when its listener is taken off', async () => {
  const client = newClient();
  let count = 0;
  const off = client.on('status', () => count++);
  off();
  client.project(newProject());
  await reached(client, { caughtUp: true });
  assert.is(count, 0);
});

test('writes made offline survive a restart, show before there is a connection, and are stored once', async () => {
  const id = newProject();
  const folder = await temporaryFolder();
  atEnd(() => removeFolder(folder));
  const sockets = new ClientSockets();
  sockets.isOffline = true;
  const options = { WebSocket: sockets.WebSocket };
  const first = newClient({ ...options, storage: await openFileStorage(folder) });
  const versions: string[] = [];
  for (let count = 0; count < 20; count++)
    versions.push((await first.project(id).add('r', { ...row, clip_id: `A${count}` })).version);
  await first.close();

  const second = newClient({ ...options, storage: await openFileStorage(folder) });
  const project = second.project(id);
  await project.ready;
  assert.is(second.status.connected, false);
  assert.equal(versionsIn(project.rows('r')), [...versions].sort());
  assert.ok(project.rows('r').every(({ pending }) => pending));
  sockets.isOffline = false;
  await second.flushed();
  const stream = await connectStream();
  const stored = await stream.fetch(id);
  assert.equal(
    stored.map((object) => object['version_uuid']),
    versions,
    'in the order in which they were written',
  );
});

test('what waits in a project that nobody opens is sent too', async () => {
  const id = newProject();
  const storage = new MemoryStorage();
  const sockets = new ClientSockets();
  sockets.isOffline = true;
  const first = newClient({ storage, WebSocket: sockets.WebSocket });
  await first.project(id).add('r', row);
  await first.close();
  const second = newClient({ storage });
  await second.flushed();
  assert.is(second.status.pending, 0);
  assert.is((await (await connectStream()).fetch(id)).length, 1);
});

test('a restarted client asks only for what it lacks', async () => {
  const id = newProject();
  const storage = new MemoryStorage();
  const stream = await connectStream();
  for (let count = 0; count < 5; count++) await stream.upload(newEntry(id, { report_uuid: 'r' }));
  const first = newClient({ storage });
  await first.project(id).synced();
  const known = first.project(id).vector;
  assert.equal(known, [[server().serverId, 5]]);
  await first.close();
  await stream.upload(newEntry(id, { report_uuid: 'r' }));

  const sockets = new ClientSockets();
  const second = newClient({ storage, WebSocket: sockets.WebSocket });
  await second.project(id).synced();
  assert.equal(
    sockets.sentOf('subscribe').map(({ since }) => since),
    [known],
  );
  assert.is(second.project(id).rows('r').length, 6);
});

test('a client that was cut off asks only for what it lacks, without a restart', async () => {
  const id = newProject();
  const sockets = new ClientSockets();
  const client = newClient({ WebSocket: sockets.WebSocket });
  const project = client.project(id);
  await project.synced();
  const stream = await connectStream();
  await stream.upload(newEntry(id, { report_uuid: 'r' }), newEntry(id, { report_uuid: 'r' }));
  await until('both came', () => project.rows('r').length === 2);
  sockets.goOffline();
  await stream.upload(newEntry(id, { report_uuid: 'r' }));
  sockets.isOffline = false;
  await until('the third came', () => project.rows('r').length === 3);
  assert.equal(sockets.sentOf('subscribe').at(-1)?.['since'], [[server().serverId, 2]]);
});

test('a server that restarts between send and answer: everything once, and the stream goes on', async () => {
  const own = await startServer();
  let running = own;
  atEnd(() => running.remove());
  const sockets = new ClientSockets();
  sockets.isLost = ({ type }) => type === 'uploaded';
  const client = newClient({ WebSocket: sockets.WebSocket }, own.url);
  const project = client.project('p');
  await project.synced();
  await project.add('r', row);
  await until('it was sent', () => sockets.sentOf('upload').length === 1);
  await own.stop();
  running = await startServer({ data: own.data, port: Number(new URL(own.url).port) });
  sockets.isLost = () => false;
  await project.add('r', row);
  await client.flushed();
  const reader = newClient({}, running.url);
  await reader.project('p').synced();
  assert.equal(versionsIn(reader.project('p').rows('r')), versionsIn(project.rows('r')));
  assert.is(reader.project('p').rows('r').length, 2);
  assert.is(reader.project('p').vector[0]?.[1], 2, 'no number was used for a copy');
});

test('a write whose answer is lost is sent again under the same uuid, and stored once', async () => {
  const id = newProject();
  const sockets = new ClientSockets();
  const isAboutIt = ({ type }: { type?: unknown }): boolean => type === 'uploaded' || type === 'entry';
  sockets.isLost = isAboutIt;
  const client = newClient({ WebSocket: sockets.WebSocket });
  const { version } = await client.project(id).add('r', row);
  const stream = await connectStream();
  await until('the server has it', async () => (await stream.fetch(id)).length === 1);
  assert.is(client.status.pending, 1);
  sockets.cut();
  await until('it was sent again', () => sockets.sentOf('upload').length === 2);
  sockets.isLost = () => false;
  sockets.cut();
  await client.flushed();
  const stored = await stream.fetch(id);
  assert.equal(
    stored.map((object) => object['version_uuid']),
    [version],
  );
});

test('an object that is streamed leaves the queue although its answer was lost', async () => {
  const sockets = new ClientSockets();
  sockets.isLost = ({ type }) => type === 'uploaded';
  const client = newClient({ WebSocket: sockets.WebSocket });
  const project = client.project(newProject());
  await project.synced();
  await project.add('r', row);
  await client.flushed();
  assert.is(sockets.sentOf('upload').length, 1);
});

test('an acknowledged write shows after a restart although it was never streamed back', async () => {
  const id = newProject();
  const storage = new MemoryStorage();
  const sockets = new ClientSockets();
  sockets.isLost = ({ type }) => type === 'entry';
  const first = newClient({ storage, WebSocket: sockets.WebSocket });
  await first.project(id).add('r', row);
  await first.flushed();
  await first.close();
  sockets.isOffline = true;
  const second = newClient({ storage, WebSocket: sockets.WebSocket });
  const project = second.project(id);
  await project.ready;
  assert.equal(
    project.rows('r').map(({ pending }) => pending),
    [false],
  );
  sockets.isLost = () => false;
  sockets.isOffline = false;
  await project.synced();
  assert.equal(
    project.rows('r').map(({ user_id }) => user_id),
    ['anonymous'],
  );
  assert.is(sockets.sentOf('upload').length, 1, 'it was not sent again');
});

test('several projects share a socket, each with its own rows; one object per id', async () => {
  const sockets = new ClientSockets();
  const client = newClient({ WebSocket: sockets.WebSocket });
  const ids = Array.from({ length: 10 }, newProject);
  const projects = ids.map((id) => client.project(id));
  await Promise.all(projects.map((project, index) => project.add(`r${index}`, row)));
  await client.flushed();
  await Promise.all(projects.map((project) => project.synced()));
  assert.is(sockets.count, 1);
  for (const [index, project] of projects.entries()) {
    assert.is(client.project(ids[index]!), project);
    assert.equal(project.reports(), [`r${index}`]);
  }
});

test('a project that is deleted refuses its writes, and the client lives on', async () => {
  const id = newProject();
  const errors: string[] = [];
  const sockets = new ClientSockets();
  sockets.answer = () => ({ type: 'error', code: 'deleted', message: 'it is no more' });
  const client = newClient({ onError: ({ code }) => errors.push(code), WebSocket: sockets.WebSocket });
  const refused: string[] = [];
  client.on('refused', ({ project, code }) => refused.push(`${project} ${code}`));
  const project = client.project(id);
  await rejects(project.synced(), 'deleted');
  await project.add('r', row);
  await project.add('r', row);
  await client.flushed();
  assert.equal(refused, [`${id} deleted`, `${id} deleted`]);
  assert.equal(project.rows('r'), []);
  assert.ok(errors.includes('deleted'));
});

test('a large history and live changes arrive together, in the storage too, in far fewer steps than objects', async () => {
  const id = newProject();
  const storage = new CountingStorage();
  const stream = await connectStream();
  for (let batch = 0; batch < 10; batch++)
    await stream.upload(...Array.from({ length: 1_000 }, () => newEntry(id, { report_uuid: 'r' })));
  const client = newClient({ storage });
  await client.project(id).synced();
  assert.is(client.project(id).rows('r').length, 10_000);
  const { received, vector } = await storage.load(id);
  assert.is(received.length, 10_000);
  assert.equal(vector, [[server().serverId, 10_000]]);
  assert.ok(storage.applied < 500, `${storage.applied} steps`);
});

test('the vector in the storage is never ahead of the objects', async () => {
  const id = newProject();
  const storage = new CountingStorage();
  const stream = await connectStream();
  await stream.upload(...Array.from({ length: 3_000 }, () => newEntry(id)));
  const client = newClient({ storage });
  await client.project(id).synced();
  assert.ok(storage.checked >= 3);
  assert.equal(storage.problems, []);
});

test('a storage that fails refuses the write, which is not shown, and what is streamed comes again', async () => {
  const id = newProject();
  const storage = new CountingStorage();
  const errors: string[] = [];
  const client = newClient({ storage, onError: ({ message }) => errors.push(message) });
  const project = client.project(id);
  await project.synced();
  storage.isFull = true;
  await rejects(project.add('r', row), 'unavailable', 'no space');
  assert.equal(project.rows('r'), []);
  assert.is(client.status.pending, 0);
  const stream = await connectStream();
  await stream.upload(newEntry(id, { report_uuid: 'r' }));
  await until('it was tried', () => errors.some((message) => message.includes('no space')));
  assert.equal(project.rows('r'), []);
  storage.isFull = false;
  await until('it came again', () => project.rows('r').length === 1);
});

test('flushed resolves when nothing waits, synced and ready at once when they are; close rejects those who wait', async () => {
  const sockets = new ClientSockets();
  sockets.isOffline = true;
  const client = newClient({ WebSocket: sockets.WebSocket });
  await client.flushed();
  const project = client.project(newProject());
  await project.ready;
  await project.add('r', row);
  const waiting = [client.flushed(), project.synced()];
  await client.close();
  for (const each of waiting) await rejects(each, 'unavailable', 'closed');
  await rejects(project.add('r', row), 'unavailable', 'closed');
  await client.close();
});

test('a wrong address and an impossible project are errors of the call', () => {
  assert.throws(
    () => connect('localhost'),
    (error: unknown) => hasCode(error, 'usage'),
  );
  const client = newClient();
  assert.throws(
    () => client.project(''),
    (error: unknown) => hasCode(error, 'bad-request'),
  );
});

test('duplicates in what a server sends show once, and tell of no change', async () => {
  const id = newProject();
  const stream = await connectStream();
  await stream.upload(newEntry(id, { report_uuid: 'r' }));
  const storage = new MemoryStorage();
  const first = newClient({ storage });
  await first.project(id).synced();
  const before = first.project(id).rows('r');
  await first.close();
  const { received } = await storage.load(id);
  const behind = new MemoryStorage(); // has the object, and asks for it all the same
  await behind.apply({ project: id, received });
  const second = newClient({ storage: behind });
  let changes = 0;
  second.project(id).on('change', () => changes++);
  await second.project(id).synced();
  assert.equal(second.project(id).rows('r'), before);
  assert.is(changes, 0);
  assert.is((await behind.load(id)).received.length, 1);
});

test('two clients on one storage: what one writes the other shows and sends, and nobody stores it twice', async () => {
  const id = newProject();
  const [storage, otherStorage] = SharedStorage.pair();
  const sockets = new ClientSockets();
  sockets.isOffline = true;
  const one = newClient({ storage, WebSocket: sockets.WebSocket });
  const other = newClient({ storage: otherStorage });
  await Promise.all([one.project(id).ready, other.project(id).synced()]);
  const { entry } = await one.project(id).add('r', row);
  assert.is(other.project(id).row('r', entry)?.entry_uuid, entry);
  await other.flushed();
  await one.flushed();
  assert.is(one.status.connected, false);
  assert.is(one.project(id).row('r', entry)?.pending, false);
  await until('the vector came', () => one.project(id).vector.length === 1);
  await other.project(id).edit('r', entry, { clip_id: 'A002' }, 'from the other');
  assert.is(one.project(id).row('r', entry)?.clip_id, 'A002');
  sockets.isOffline = false;
  await Promise.all([one.project(id).synced(), other.flushed(), one.flushed()]);
  const stored = await (await connectStream()).fetch(id);
  assert.is(stored.length, 2);
});

test('a client sends what another client of the storage writes in a project that it has not opened', async () => {
  const id = newProject();
  const [storage, otherStorage] = SharedStorage.pair();
  const sockets = new ClientSockets();
  sockets.isOffline = true;
  const one = newClient({ storage, WebSocket: sockets.WebSocket });
  const other = newClient({ storage: otherStorage });
  await one.project(id).add('r', row);
  await one.flushed();
  await other.flushed();
  assert.is((await (await connectStream()).fetch(id)).length, 1);
});

/** As a database that two tabs have open: each hears what the other stores. */
class SharedStorage extends MemoryStorage {
  private readonly watchers = new Set<(changes: StorageChanges) => void>();

  private constructor(
    private readonly shared: MemoryStorage,
    private readonly others: SharedStorage[],
  ) {
    super();
  }

  static pair(): [SharedStorage, SharedStorage] {
    const shared = new MemoryStorage();
    const all: SharedStorage[] = [];
    const pair: [SharedStorage, SharedStorage] = [new this(shared, all), new this(shared, all)];
    all.push(...pair);
    return pair;
  }

  override load(project: string): Promise<StoredProject> {
    return this.shared.load(project);
  }

  override async apply(changes: StorageChanges): Promise<void> {
    await this.shared.apply(changes);
    for (const other of this.others) if (other !== this) for (const tell of other.watchers) tell(changes);
  }

  override queuedProjects(): Promise<string[]> {
    return this.shared.queuedProjects();
  }

  watch(onChanges: (changes: StorageChanges) => void): () => void {
    this.watchers.add(onChanges);
    return () => void this.watchers.delete(onChanges);
  }
}

/** Says how it is used. */
class CountingStorage extends MemoryStorage {
  applied = 0;
  checked = 0;
  isFull = false;
  readonly problems: string[] = [];
  private readonly seqnos = new Set<number>();

  override async apply(changes: Parameters<MemoryStorage['apply']>[0]): Promise<void> {
    if (this.isFull) throw new Error('no space');
    this.applied++;
    await super.apply(changes);
    for (const { places } of changes.received ?? []) for (const [, seqno] of places) this.seqnos.add(seqno);
    const [, head = 0] = changes.vector?.[0] ?? [];
    if (head > 0) this.checked++;
    if (this.seqnos.size < head) this.problems.push(`${this.seqnos.size} objects, vector at ${head}`);
  }
}

function versionsIn(rows: readonly { version_uuid: string }[]): string[] {
  return rows.map(({ version_uuid }) => version_uuid).sort();
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof RejoinError && error.code === code;
}

async function rejects(promise: Promise<unknown>, code: string, message = ''): Promise<void> {
  try {
    await promise;
  } catch (error) {
    assert.ok(hasCode(error, code), String(error));
    assert.ok(String(error).includes(message), String(error));
    return;
  }
  assert.unreachable(`it should have been ${code}`);
}

test.run();
