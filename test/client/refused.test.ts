// What the server will not take: an older client, or another version of the library, may have queued it.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { RefusedWrite } from '../../src/client/client-events.ts';
import { MemoryStorage } from '../../src/client/memory-storage.ts';
import type { KeptObject } from '../../src/client/storage.ts';
import { ClientSockets } from '../support/client-sockets.ts';
import { until } from '../support/until.ts';
import { withClients } from '../support/with-clients.ts';
import { withServer } from '../support/with-server.ts';

const test = suite('refused writes');
const under = withServer(test);
const newClient = withClients(under);

function queued(name: string, content: KeptObject['value'] | string = {}): KeptObject {
  const uuids = { report_uuid: 'r', entry_uuid: `entry-${name}`, version_uuid: `version-${name}` };
  const value = {
    ...uuids,
    clip_id: name,
    content,
    modifies: null,
    reason: null,
    archivetime: [],
    authortime: '2024-05-17T09:30:00.000Z',
  };
  return { kind: 'entry', versionUuid: uuids.version_uuid, value };
}

test('of many writes the bad ones are found, refused by name and kept; the others are stored in order', async () => {
  const id = under.newProject();
  const storage = new MemoryStorage();
  const names = Array.from({ length: 100 }, (_, index) => String(index));
  const isBad = (name: string): boolean => ['0', '37', '38', '99'].includes(name);
  const objects = names.map((name) => queued(name, isBad(name) ? 'no object' : {}));
  await storage.apply({ project: id, queued: objects });
  const sockets = new ClientSockets();
  const client = newClient({ storage, WebSocket: sockets.WebSocket });
  const told: RefusedWrite[] = [];
  client.on('refused', (write) => told.push(write));
  await client.flushed();

  assert.equal(
    told.map(({ versionUuid }) => versionUuid),
    ['0', '37', '38', '99'].map((name) => `version-${name}`),
  );
  assert.ok(told.every(({ project, code }) => project === id && code === 'bad-request'));
  assert.ok(told[0]?.message.includes('content'), told[0]?.message);
  const stored = await (await under.connect()).fetch(id);
  assert.equal(
    stored.map(({ clip_id }) => clip_id),
    names.filter((name) => !isBad(name)),
  );
  assert.ok(sockets.sentOf('upload').length < 60, 'not one by one');
  const project = client.project(id);
  await project.synced();
  assert.is(project.rows('r').length, 96, 'refused ones are not shown');
});

test('refused writes are kept over a restart until they are discarded', async () => {
  const id = under.newProject();
  const storage = new MemoryStorage();
  await storage.apply({ project: id, queued: [queued('bad', 'no object'), queued('good')] });
  const first = newClient({ storage });
  await first.flushed();
  assert.equal(
    first.refused().map(({ project, versionUuid }) => [project, versionUuid]),
    [[id, 'version-bad']],
  );
  await first.close();

  const second = newClient({ storage });
  await second.project(id).synced();
  const [write] = second.refused();
  assert.is(write?.value['clip_id'], 'bad');
  assert.ok(write);
  await second.discard(write);
  assert.equal(second.refused(), []);
  assert.equal((await storage.load(id)).refused, []);
});

test('an answer that promises nothing is tried again, and told', async () => {
  const id = under.newProject();
  const sockets = new ClientSockets();
  sockets.answer = ({ type }) =>
    type === 'upload' ? { type: 'error', code: 'unavailable', message: 'later' } : null;
  const errors: string[] = [];
  const client = newClient({ WebSocket: sockets.WebSocket, onError: ({ code }) => errors.push(code) });
  await client.project(id).add('r', { clip_id: 'A', content: {} });
  await until('it was tried again', () => errors.length >= 2);
  assert.is(client.status.pending, 1);
  assert.equal(client.refused(), []);
  sockets.answer = () => null;
  await client.flushed();
  assert.is((await (await under.connect()).fetch(id)).length, 1);
});

test('a batch has a limit in bytes, and a write that is larger goes alone', async () => {
  const sockets = new ClientSockets();
  sockets.isOffline = true;
  const client = newClient({ WebSocket: sockets.WebSocket });
  const project = client.project(under.newProject());
  const text = 'x'.repeat(50_000);
  for (let count = 0; count < 5; count++) await project.add('r', { clip_id: text, content: {} });
  await project.add('r', { clip_id: text.repeat(10), content: {} });
  await project.add('r', { clip_id: 'small', content: {} });
  sockets.isOffline = false;
  await client.flushed();
  const sizes = sockets.sentOf('upload').map(({ objects }) => (Array.isArray(objects) ? objects.length : 0));
  assert.equal(sizes, [2, 2, 1, 1, 1]);
});

test.run();
