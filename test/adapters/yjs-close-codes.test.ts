// YJS-9: why the server closes a connection, and what the provider that applications use makes of each code.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Projects } from '../../src/core/projects.ts';
import { closeCodeOf } from '../../src/adapters/yjs-close-codes.ts';
import { RejoinError, errorCodes } from '../../src/errors.ts';
import { MemoryStore } from '../../src/store/memory.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { startServer } from '../support/server.ts';
import { until } from '../support/until.ts';
import { openProvider, type TestProvider } from '../support/yjs-client.ts';
import { startYjsRooms, type YjsRooms } from '../support/yjs-rooms.ts';

const test = suite('yjs close codes');
const endings: (() => void | Promise<void>)[] = [];

test.after.each(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

interface Watched extends TestProvider {
  /** The codes that its connections were closed with. */
  readonly codes: number[];
}

function connect(socketUrl: string, room: string): Watched {
  const opened = openProvider(socketUrl, room);
  const codes: number[] = [];
  opened.provider.on('connection-close', (event: { code: number } | null) => {
    if (event) codes.push(event.code);
  });
  endings.push(() => opened.destroy());
  return { ...opened, codes };
}

async function closesWith(client: Watched, code: number): Promise<void> {
  await until(`it is closed with ${code}`, () => client.codes.length > 0);
  assert.is(client.codes[0], code);
}

async function comesBack(client: Watched): Promise<void> {
  assert.ok(client.provider.shouldConnect);
  await client.synced();
}

function staysAway(client: Watched): void {
  assert.not.ok(client.provider.shouldConnect);
  assert.is(client.provider.ws, null);
}

/** Rooms of which the first can't be opened. */
async function startFailing(error: Error): Promise<YjsRooms> {
  const store = new MemoryStore();
  let isFirst = true;
  const rooms = await startYjsRooms(store, function acquire(this: Projects, id) {
    if (!isFirst) return Projects.prototype.acquire.call(this, id);
    isFirst = false;
    return Promise.reject(error);
  });
  endings.push(() => rooms.end());
  return rooms;
}

const expected = {
  'bad-request': 4400,
  undecodable: 4400,
  'not-allowed': 4403,
  deleted: 4410,
  'too-large': 1009,
  'outcome-unknown': 1012,
  unavailable: 1013,
  damaged: 4500,
  internal: 1011,
} as const;

for (const [code, closeCode] of Object.entries(expected)) {
  const isFinal = closeCode >= 4400 && closeCode < 4500;
  test(`YJS-9 ${code} closes with ${closeCode}: a provider ${isFinal ? 'stops' : 'comes back'}`, async () => {
    const error = new RejoinError(code as keyof typeof expected, 'a reason');
    const client = connect((await startFailing(error)).url, 'p');
    await closesWith(client, closeCode);
    if (isFinal) staysAway(client);
    else await comesBack(client);
  });
}

test('YJS-9 a defect of the server closes with 1011: a provider comes back', async () => {
  const client = connect((await startFailing(new Error('a defect'))).url, 'p');
  await closesWith(client, 1011);
  await comesBack(client);
});

test('YJS-9 every error has a code that is ours to send', () => {
  for (const code of errorCodes) {
    const closeCode = closeCodeOf(new RejoinError(code, ''));
    assert.ok(
      [1009, 1011, 1012, 1013, 4400, 4401, 4403, 4410, 4500].includes(closeCode),
      `${code}: ${closeCode}`,
    );
  }
});

test('YJS-9 a provider whose project is deleted is told so for good, and so is who comes later', async () => {
  const rooms = await startYjsRooms(new MemoryStore());
  endings.push(() => rooms.end());
  const client = connect(rooms.url, 'p');
  await client.synced();
  client.doc.getMap('m').set('k', 'v');
  await rooms.projects.use('p', (project) => project.flush());
  await rooms.projects.use('p', (project) => project.delete());
  await closesWith(client, 4410);
  staysAway(client);
  const late = connect(rooms.url, 'p');
  await closesWith(late, 4410);
  staysAway(late);
});

test('YJS-9 a provider that sends bad bytes is told so for good', async () => {
  const rooms = await startYjsRooms(new MemoryStore());
  endings.push(() => rooms.end());
  const client = connect(rooms.url, 'p');
  await client.synced();
  client.provider.ws!.send(new Uint8Array([0, 2, 5, 1]));
  await closesWith(client, 4400);
  staysAway(client);
});

test('YJS-9 when the store fails, a provider comes back and its edit is stored then', async () => {
  const store = new FaultyStore();
  const rooms = await startYjsRooms(store);
  endings.push(() => rooms.end());
  const client = connect(rooms.url, 'p');
  await client.synced();
  store.failNext('is lost');
  client.doc.getText('t').insert(0, 'kept');
  await closesWith(client, 1012);
  await comesBack(client);
  const other = connect(rooms.url, 'p');
  await until('the edit', () => other.doc.getText('t').toJSON() === 'kept');
});

test('YJS-9 when the server restarts, a provider comes back', async () => {
  const first = await startServer();
  const port = Number(new URL(first.url).port);
  const client = connect(first.socketUrl, 'p');
  await client.synced();
  await first.stop();
  await closesWith(client, 1012);
  const second = await startServer({ data: first.data, port });
  endings.push(() => second.remove());
  await comesBack(client);
});

test.run();
