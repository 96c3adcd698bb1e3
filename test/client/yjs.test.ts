// The Yjs helper of the client library, with the real provider in Node: a promise that is kept only when the server has the
// changes on its disk.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import type { YjsSocketConstructor } from '../../src/client/counted-socket.ts';
import { openYjs, type YjsDocument } from '../../src/client/yjs.ts';
import { RejoinError } from '../../src/errors.ts';
import { MemoryDisk } from '../../src/store/memory.ts';
import { HeldStore, someTurns } from '../support/held-store.ts';
import { startProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { until } from '../support/until.ts';
import { RawYjsClient, update, updatesOf } from '../support/yjs-client.ts';
import { startYjsRooms, type YjsRooms } from '../support/yjs-rooms.ts';

const test = suite('client yjs');
type Opened = YjsDocument<WebsocketProvider> & { readonly doc: Y.Doc };

let store: HeldStore;
let rooms: YjsRooms;
let endings: (() => unknown)[];
test.before.each(async () => {
  store = new HeldStore(new MemoryDisk());
  store.isHolding = false;
  rooms = await startYjsRooms(store);
  endings = [];
});
test.after.each(async () => {
  letAllGo();
  for (const end of endings.reverse()) await end();
  await rooms.end();
});

interface Options {
  readonly project?: string;
  readonly doc?: Y.Doc;
  readonly socket?: YjsSocketConstructor;
  readonly options?: Readonly<Record<string, unknown>>;
}

function open(
  url: string,
  { project = 'p', doc = new Y.Doc(), socket = WebSocket, options = {} }: Options = {},
): Opened {
  const opened = openYjs(url, project, doc, {
    WebsocketProvider,
    WebSocket: socket,
    options: { disableBc: true, maxBackoffTime: 200, ...options },
  });
  endings.push(() => {
    opened.destroy();
    doc.destroy();
  });
  return Object.assign(opened, { doc });
}

function letAllGo(): void {
  store.isHolding = false;
  while (store.waiting.length > 0) store.letGo();
}

const write = ({ doc }: Opened, text: string): void => doc.getText('t').insert(0, text);
const synced = ({ provider }: Opened): Promise<void> => until('it is synced', () => provider.synced);

/** Whether a promise is kept by now. */
async function isSettled(promise: Promise<void>): Promise<boolean> {
  let settled = false;
  void promise.then(() => (settled = true));
  await someTurns();
  return settled;
}

/** What the server has, as one hears who comes now. */
async function textOn(url: string, project = 'p'): Promise<string> {
  const client = await RawYjsClient.connect(url, project);
  await client.settle();
  const text = client.doc.getText('t').toJSON();
  await client.close();
  return text;
}

const refusal = (promise: Promise<void>): Promise<unknown> =>
  promise.then(
    () => 'kept',
    (error: unknown) => error,
  );

test('YJS-7 a promise is kept when the change is on disk, not before', async () => {
  const opened = open(rooms.url);
  await opened.durable();
  assert.is(opened.pending, 0, 'a document without content has nothing to lose');
  await synced(opened);
  const told: number[] = [];
  opened.on('durable', ({ pending }) => told.push(pending));
  store.isHolding = true;
  write(opened, 'a');
  assert.is(opened.pending, 1);
  const durable = opened.durable();
  await until('it is on its way to the disk', () => store.waiting.length > 0);
  write(opened, 'b');
  assert.not.ok(await isSettled(durable));
  assert.is(opened.pending, 2);
  letAllGo();
  await durable;
  await opened.durable();
  assert.is(opened.pending, 0);
  assert.is(told.at(-1), 0);
  assert.is(await textOn(rooms.url), 'ba');
});

test('YJS-7 what is made offline is pending until a connection has brought it', async () => {
  const doc = new Y.Doc();
  doc.getText('t').insert(0, 'stored here, ');
  const opened = open(rooms.url, { doc, options: { connect: false } });
  assert.is(opened.pending, 1, 'what the document had before may be on no server');
  write(opened, 'made offline, ');
  assert.is(opened.pending, 2);
  const durable = opened.durable();
  assert.not.ok(await isSettled(durable));
  opened.provider.connect();
  write(opened, 'made while connecting, ');
  await durable;
  await opened.durable();
  assert.is(await textOn(rooms.url), 'made while connecting, made offline, stored here, ');
});

test('YJS-7 what the server brings is not pending', async () => {
  const opened = open(rooms.url);
  await synced(opened);
  const other = await RawYjsClient.connect(rooms.url, 'p');
  endings.push(() => other.socket.terminate());
  const doc = new Y.Doc();
  doc.getText('t').insert(0, 'x');
  other.send(update(Y.encodeStateAsUpdate(doc)));
  await until('it has come', () => opened.doc.getText('t').toJSON() === 'x');
  assert.is(opened.pending, 0);
});

test('YJS-7 a cut connection only makes it later: each connection has its own count', async () => {
  const opened = open(rooms.url);
  await synced(opened);
  for (const text of ['a', 'b', 'c']) write(opened, text);
  await opened.durable();
  store.isHolding = true;
  write(opened, 'd');
  const durable = opened.durable();
  await until('it is on its way to the disk', () => store.waiting.length > 0);
  rooms.newest().terminate();
  await until('it is back', () => rooms.opened() === 2);
  assert.not.ok(await isSettled(durable));
  letAllGo();
  await durable;
  assert.is(await textOn(rooms.url), 'dcba');
});

test('YJS-7 a server that is killed before its acknowledgement, and restarted: then it is on disk', async () => {
  const folder = await temporaryFolder();
  endings.push(() => removeFolder(folder));
  const first = await startProcess(folder);
  endings.push(() => first.kill('SIGKILL'));
  const opened = open(first.url, { project: 'film one/é' });
  await synced(opened);
  write(opened, 'known. ');
  await opened.durable();
  first.child.kill('SIGSTOP'); // what is sent from now on is never read
  write(opened, 'lost? ');
  const durable = opened.durable();
  assert.not.ok(await isSettled(durable));
  await first.kill('SIGKILL');
  write(opened, 'offline. ');
  assert.is(opened.pending, 2);

  const second = await startProcess(folder, { port: Number(new URL(first.url).port) });
  endings.push(() => second.kill('SIGKILL'));
  await durable;
  await opened.durable();
  await second.kill('SIGKILL');
  const third = await startProcess(folder);
  endings.push(() => third.kill('SIGKILL'));
  assert.is(await textOn(third.socketUrl, encodeURIComponent('film one/é')), 'offline. lost? known. ');
});

test('YJS-7 what another tab wrote, which has no connection, is brought and waited for too', async () => {
  class NoNetwork {
    readonly readyState = 0;
    send(): void {
      throw new Error('it never opens');
    }
    addEventListener(): void {
      return;
    }
    close(): void {
      return;
    }
  }
  const mine = open(rooms.url, { options: { disableBc: false } });
  await synced(mine);
  const others = open(rooms.url, { socket: NoNetwork, options: { disableBc: false } });
  write(others, 'from the other tab');
  await until('the tabs have met', () => mine.doc.getText('t').length > 0);
  assert.is(mine.pending, 1);
  await mine.durable();
  assert.is(await textOn(rooms.url), 'from the other tab');
  assert.is(others.pending, 1, 'it was not told');
});

test('YJS-7 YJS-8 what waited here for its base is brought when the base has come', async () => {
  const source = new Y.Doc();
  const updates = updatesOf(source);
  for (const [at, letter] of ['a', 'b'].entries()) source.getText('t').insert(at, letter);
  const opened = open(rooms.url);
  await synced(opened);
  Y.applyUpdate(opened.doc, updates[1]!); // from a disk that has lost the other
  const other = await RawYjsClient.connect(rooms.url, 'p');
  endings.push(() => other.socket.terminate());
  other.send(update(updates[0]!));
  await until('the base is here', () => opened.doc.getText('t').toJSON() === 'ab');
  await opened.durable();
  assert.is(await textOn(rooms.url), 'ab');
});

test('YJS-9 a connection that is closed for good breaks the promise, and the end of the provider does', async () => {
  const opened = open(rooms.url);
  await synced(opened);
  store.isHolding = true;
  write(opened, 'a');
  const refused = refusal(opened.durable());
  await until('it is on its way to the disk', () => store.waiting.length > 0);
  opened.provider.ws!.send(new Uint8Array([0, 2, 3, 9, 9, 9]));
  const error = await refused;
  assert.ok(error instanceof RejoinError && error.code === 'bad-request', String(error));

  const ended = open(rooms.url, { options: { connect: false } });
  write(ended, 'b');
  const broken = refusal(ended.durable());
  await someTurns();
  ended.destroy();
  for (const each of [await broken, await refusal(ended.durable())])
    assert.ok(each instanceof RejoinError && each.code === 'unavailable', String(each));
});

test('an address that is none, or a project that can not be, is refused', () => {
  for (const [url, project, code] of [
    ['nowhere', 'p', 'usage'],
    [rooms.url, '', 'bad-request'],
  ] as const)
    assert.throws(
      () => open(url, { project }),
      (error: unknown) => error instanceof RejoinError && error.code === code,
    );
});

test.run();
