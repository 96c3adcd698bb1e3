import { FollowStream, type FollowedMessage } from '../../src/client/follow-stream.ts';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { ClientSockets } from '../support/client-sockets.ts';
import { newComment, newEntry, newThread } from '../support/stream-client.ts';
import { until } from '../support/until.ts';
import { withClients } from '../support/with-clients.ts';
import { withServer } from '../support/with-server.ts';

const test = suite('follow');
const under = withServer(test);
const newClient = withClients(under);

async function filled(count: number): Promise<{ id: string; versions: string[] }> {
  const id = under.newProject();
  const stream = await under.connect();
  const versions: string[] = [];
  for (let done = 0; done < count; done += 1_000) {
    const objects = Array.from({ length: Math.min(1_000, count - done) }, () => newEntry(id));
    versions.push(...objects.map((object) => object.version_uuid));
    assert.is((await stream.upload(...objects))['type'], 'uploaded');
  }
  return { id, versions };
}

const versionsOf = (messages: readonly FollowedMessage[]): unknown[] =>
  messages.filter(({ type }) => type === 'entry').map((message) => message['version_uuid']);

test('gives history, sync and live changes as the server sends them, mux_id aside', async () => {
  const { id, versions } = await filled(3);
  const seen: FollowedMessage[] = [];
  const client = newClient();
  const follow = client.follow(id, {}, (message) => void seen.push(message));
  await until('it is synced', () => seen.some(({ type }) => type === 'sync'));
  const stream = await under.connect();
  const live = await stream.uploadAndFetch(newThread(id));
  await until('the live one came', () => seen.length === 5);
  assert.equal(
    seen.map(({ type }) => type),
    ['entry', 'entry', 'entry', 'sync', 'thread'],
  );
  assert.equal(versionsOf(seen), versions);
  const { mux_id, ...sent } = live;
  assert.ok(mux_id);
  assert.equal(seen[4], sent);
  assert.equal(follow.vector, [[under.server().serverId, 4]]);
  assert.equal(client.status.pending, 0);
});

test('a stream that is begun when the client says that it is connected gets everything once', async () => {
  const { id } = await filled(2);
  const client = newClient();
  const seen: FollowedMessage[] = [];
  const off = client.on('status', ({ connected }) => {
    if (!connected) return;
    off();
    client.follow(id, {}, (message) => void seen.push(message));
  });
  await until('it is synced', () => seen.some(({ type }) => type === 'sync'));
  await (await under.connect()).upload(newThread(id));
  await until('the live one came', () => seen.some(({ type }) => type === 'thread'));
  assert.equal(
    seen.map(({ type }) => type),
    ['entry', 'entry', 'sync', 'thread'],
  );
});

test('only the kinds that are named, from behind what is known', async () => {
  const id = under.newProject();
  const stream = await under.connect();
  await stream.upload(newEntry(id), newThread(id), newComment(id), newEntry(id), newThread(id));
  const seen: FollowedMessage[] = [];
  const since = [[under.server().serverId, 2]] as const;
  newClient().follow(id, { since, threads: true, comments: true }, (message) => void seen.push(message));
  await until('it is synced', () => seen.some(({ type }) => type === 'sync'));
  assert.equal(
    seen.map(({ type }) => type),
    ['comment', 'thread', 'sync'],
  );
});

test('after a cut it goes on behind what was handled: nothing twice, nothing missing', async () => {
  const { id, versions } = await filled(2_000);
  const sockets = new ClientSockets();
  const seen: FollowedMessage[] = [];
  newClient({ WebSocket: sockets.WebSocket }).follow(id, {}, async (message) => {
    if (message['type'] !== 'entry') return;
    seen.push(message);
    if (seen.length % 400 === 0) {
      sockets.cut();
      await sleep(20);
    }
  });
  await until('all came', () => seen.length >= versions.length);
  assert.equal(versionsOf(seen), versions);
  const sinces = sockets.sentOf('subscribe').map(({ since }) => JSON.stringify(since));
  assert.ok(sinces.includes(JSON.stringify([[under.server().serverId, 400]])), sinces.join(' '));
});

for (const canPause of [true, false]) {
  test(`a handler that is slow is waited for, ${canPause ? 'with' : 'without'} a socket that can pause`, async () => {
    const { id, versions } = await filled(6_000);
    const sockets = new ClientSockets();
    let heard = 0;
    let handled = 0;
    let most = 0;
    sockets.isLost = ({ type }: JsonObject) => {
      if (type === 'entry') most = Math.max(most, ++heard - handled);
      return false;
    };
    const seen: FollowedMessage[] = [];
    const Socket = canPause ? sockets.WebSocket : withoutPause(sockets.WebSocket);
    newClient({ WebSocket: Socket }).follow(id, {}, async (message) => {
      if (message['type'] !== 'entry') return;
      seen.push(message);
      await (seen.length % 500 === 0 ? sleep(30) : Promise.resolve());
      handled++;
    });
    await until('all came', () => seen.length >= versions.length);
    assert.equal(versionsOf(seen), versions);
    // What came in one piece of the network comes in one go; without a pause also what was on its way.
    if (canPause) assert.ok(most < 1_000, `${most} waited`);
    else assert.ok(sockets.sentOf('close').length > 0, 'the server was told to wait');
  });
}

test('a closed one gives nothing more, and frees its mux_id', async () => {
  const { id } = await filled(1);
  const seen: FollowedMessage[] = [];
  const sockets = new ClientSockets();
  const client = newClient({ WebSocket: sockets.WebSocket });
  const follow = client.follow(id, {}, (message) => void seen.push(message));
  await until('it is synced', () => seen.length === 2);
  follow.close();
  await follow.ended;
  await (await under.connect()).upload(newEntry(id));
  const other: FollowedMessage[] = [];
  client.follow(id, {}, (message) => void other.push(message));
  await until('another is synced', () => other.length === 3);
  assert.is(seen.length, 2);
  assert.equal(sockets.sentOf('close')[0]?.['mux_id'], sockets.sentOf('subscribe')[0]?.['mux_id']);
});

test('a handler that throws ends the stream with its error', async () => {
  const { id } = await filled(2);
  let calls = 0;
  const follow = newClient().follow(id, {}, () => {
    calls++;
    throw new Error('of the handler');
  });
  assert.is(await messageOf(follow.ended), 'of the handler');
  assert.is(calls, 1);
});

test('what can never come ends the stream, what may come later is tried again', async () => {
  const { id } = await filled(1);
  const sockets = new ClientSockets();
  const errors: string[] = [];
  const answers = ['unavailable', 'internal', null, 'deleted'];
  sockets.answer = ({ type }) => {
    const code = type === 'subscribe' ? (answers.shift() ?? null) : null;
    return code === null ? null : { type: 'error', code, message: `it is ${code}` };
  };
  const client = newClient({ WebSocket: sockets.WebSocket, onError: ({ code }) => errors.push(code) });
  const seen: FollowedMessage[] = [];
  const follow = client.follow(id, {}, (message) => void seen.push(message));
  await until('it came', () => seen.length === 2);
  sockets.cut();
  assert.is(await messageOf(follow.ended), 'it is deleted');
  assert.equal(errors, ['unavailable', 'internal', 'deleted']);
});

test('bad options are errors of the call', () => {
  const client = newClient();
  const refuses = (call: () => FollowStream, message: string): void =>
    assert.throws(call, (error: unknown) => error instanceof RejoinError && error.message.includes(message));
  refuses(() => client.follow('', {}, () => undefined), 'project must not be empty');
  refuses(() => client.follow('p', { since: [[1, -1]] }, () => undefined), 'since[0]');
});

function withoutPause(Socket: ClientSockets['WebSocket']): ClientSockets['WebSocket'] {
  const WithoutPause = class extends Socket {};
  Object.defineProperty(WithoutPause.prototype, 'pause', { value: undefined });
  return WithoutPause;
}

async function messageOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
    return 'nothing was thrown';
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

test.run();
