// Runs in a process of its own, since it gives the platform the events that browsers have.

import { Connection } from '../../src/client/connection.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClientSocket } from '../../src/client/socket.ts';
import { FakeEnvironment } from '../support/fake-environment.ts';

/** A socket whose other side is the test. */
class FakeSocket implements ClientSocket {
  bufferedAmount = 0;
  readonly sent: string[] = [];
  isTerminated = false;
  private readonly listeners = new Map<string, ((event: never) => void)[]>();

  addEventListener(type: string, listener: (event: never) => void): void {
    this.listeners.set(type, [...(this.listeners.get(type) ?? []), listener]);
  }

  send(text: string): void {
    this.sent.push(text);
  }

  close(): void {
    this.tell('close', { code: 1000 });
  }

  terminate(): void {
    this.isTerminated = true;
    this.tell('close', { code: 1006 });
  }

  tell(type: string, event: object = {}): void {
    for (const listener of this.listeners.get(type) ?? []) listener(event as never);
  }
}

interface Context {
  environment: FakeEnvironment;
  sockets: FakeSocket[];
  log: string[];
  connection: Connection;
}

const test = suite<Context>('connection');

test.before.each(async (context) => {
  context.environment = new FakeEnvironment();
  context.sockets = [];
  context.log = [];
  const { environment, sockets, log } = context;
  const Socket = class extends FakeSocket {
    constructor() {
      super();
      sockets.push(this);
    }
  };
  context.connection = new Connection({
    url: 'ws://server/ws',
    environment,
    socketConstructor: () => Promise.resolve(Socket),
    onState: () => undefined,
    onError: ({ code }) => log.push(code),
  });
  context.connection.add({
    connected: () => log.push('connected'),
    disconnected: () => log.push('disconnected'),
  });
  await environment.advance(0);
});

test.after.each(({ connection }) => connection.end());

test('waits double from a part of 0.25 s to a part of 30 s, until a server has said something', async (context) => {
  const { environment, sockets } = context;
  const waits: number[] = [];
  for (let round = 0; round < 10; round++) {
    sockets.at(-1)?.tell('open'); // one that only opens is not well
    sockets.at(-1)?.tell('close', { code: 1006 });
    const wait = environment.waitsMs()[0] ?? NaN;
    waits.push(wait);
    assert.is(sockets.length, round + 1);
    await environment.advance(wait - 1);
    assert.is(sockets.length, round + 1, 'not before its time');
    await environment.advance(1);
    assert.is(sockets.length, round + 2);
  }
  assert.equal(waits, [125, 250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  sockets.at(-1)?.tell('open');
  sockets.at(-1)?.tell('message', { data: '{"type":"closed","mux_id":"other"}' });
  sockets.at(-1)?.tell('close', { code: 1012 });
  assert.is(environment.waitsMs()[0], 125);
});

test('a connection that is cut soon after each return is not tried in a storm', async ({
  environment,
  sockets,
}) => {
  const cutAfter = async (lifeMs: number): Promise<number | undefined> => {
    sockets.at(-1)?.tell('open');
    sockets.at(-1)?.tell('message', { data: '{"type":"closed","mux_id":"other"}' });
    await environment.advance(lifeMs);
    sockets.at(-1)?.tell('close', { code: 1009 });
    const wait = environment.waitsMs()[0];
    await environment.advance(wait ?? 0);
    return wait;
  };
  const waits: unknown[] = [];
  for (let round = 0; round < 6; round++) waits.push(await cutAfter(1_000));
  assert.equal(waits, [125, 250, 500, 1_000, 2_000, 4_000]);
  assert.is(await cutAfter(6_000), 125, 'one that lasted is well');
  assert.is(await cutAfter(1_000), 125, 'and so is what is cut once');
  assert.is(await cutAfter(1_000), 250);
});

test('the wait is any part of the limit, by chance', async ({ environment, sockets }) => {
  environment.chance = 0.9;
  sockets.at(-1)?.tell('close', { code: 1006 });
  assert.is(Math.round(environment.waitsMs()[0] ?? NaN), 225);
  await environment.advance(1_000);
  environment.chance = 0;
  sockets.at(-1)?.tell('close', { code: 1006 });
  assert.is(environment.waitsMs()[0], 0);
});

test('users are told of each connection and its end, once', async ({ environment, sockets, log }) => {
  sockets[0]?.tell('open');
  sockets[0]?.tell('close', { code: 1006 });
  sockets[0]?.tell('close', { code: 1006 });
  await environment.advance(1_000);
  sockets[1]?.tell('close', { code: 1006 }); // never opened
  await environment.advance(1_000);
  sockets[2]?.tell('open');
  assert.equal(log, ['connected', 'disconnected', 'connected']);
});

test('a socket that does not open within 15 s is given up', async ({ environment, sockets }) => {
  await environment.advance(14_999);
  assert.not.ok(sockets[0]?.isTerminated);
  await environment.advance(1_000);
  assert.ok(sockets[0]?.isTerminated);
  assert.is(sockets.length, 2);
});

test('a silent server is asked, and its answer is enough', async ({ environment, sockets, connection }) => {
  const [socket] = sockets;
  assert.ok(socket);
  socket.tell('open');
  for (let minute = 0; minute < 5; minute++) {
    const before = socket.sent.length;
    await environment.advance(60_000 - 25_000);
    assert.is(socket.sent.length, before + 1, 'one question');
    assert.equal(JSON.parse(socket.sent.at(-1) ?? ''), { type: 'close', mux_id: 'probe' });
    socket.tell('message', { data: '{"type":"closed","mux_id":"probe"}' });
    await environment.advance(5_000);
  }
  assert.ok(connection.isConnected);
  assert.is(sockets.length, 1);
});

test('a server that says anything is not asked', async ({ environment, sockets }) => {
  const [socket] = sockets;
  assert.ok(socket);
  socket.tell('open');
  for (let time = 0; time < 20; time++) {
    await environment.advance(20_000);
    socket.tell('message', { data: '{"type":"closed","mux_id":"other"}' });
  }
  assert.equal(socket.sent, []);
});

test('a server that does not answer is given up within a minute, unless what is sent still flows', async ({
  environment,
  sockets,
  connection,
}) => {
  const [socket] = sockets;
  assert.ok(socket);
  socket.tell('open');
  for (socket.bufferedAmount = 10_000_000; socket.bufferedAmount > 0; socket.bufferedAmount -= 500_000)
    await environment.advance(10_000);
  assert.ok(connection.isConnected, 'three minutes of sending');
  await environment.advance(60_000);
  assert.not.ok(connection.isConnected);
  assert.ok(socket.isTerminated);
  assert.is(connection.problem, 'the server stopped answering');
});

test('a socket that is held is not asked: its answer could not be heard', async ({
  environment,
  sockets,
  connection,
}) => {
  sockets[0]?.tell('open');
  const release = connection.hold();
  await environment.advance(600_000);
  assert.equal(sockets[0]?.sent, []);
  release();
  await environment.advance(60_000);
  assert.is(sockets[0]?.sent.length, 1);
});

test('when the platform has a network again there is no wait', async ({ environment, sockets }) => {
  for (let round = 0; round < 8; round++) {
    sockets.at(-1)?.tell('close', { code: 1006 });
    await environment.advance(15_000);
  }
  sockets.at(-1)?.tell('close', { code: 1006 });
  const before = sockets.length;
  tellPlatform('online');
  await environment.advance(0);
  assert.is(sockets.length, before + 1);
  assert.equal(environment.waitsMs(), [15_000], 'no other try is on its way');
});

test('a try that began without a network is not waited for when it is back', async ({
  environment,
  sockets,
}) => {
  for (let round = 0; round < 8; round++) {
    sockets.at(-1)?.tell('close', { code: 1006 });
    await environment.advance(environment.waitsMs()[0] ?? NaN);
  }
  const begun = sockets.at(-1);
  const before = sockets.length;
  tellPlatform('online');
  await environment.advance(0);
  assert.ok(begun?.isTerminated);
  assert.is(sockets.length, before + 1);
  sockets.at(-1)?.tell('close', { code: 1006 });
  assert.is(environment.waitsMs()[0], 125, 'the network has only just come');
});

test('a network that went makes a connection prove itself soon, and is told', async ({
  environment,
  sockets,
  connection,
}) => {
  const [socket] = sockets;
  assert.ok(socket);
  socket.tell('open');
  tellPlatform('offline');
  assert.is(socket.sent.length, 1);
  socket.tell('message', { data: '{"type":"closed","mux_id":"probe"}' });
  await environment.advance(20_000);
  assert.ok(connection.isConnected, 'a server on this machine is reached without a network');
  tellPlatform('offline');
  await environment.advance(10_000);
  assert.not.ok(connection.isConnected);
  assert.ok(connection.isOffline);
});

test('a frame that cannot be read is told, and the connection begins anew', async ({
  environment,
  sockets,
  log,
}) => {
  sockets[0]?.tell('open');
  sockets[0]?.tell('message', { data: '{"type":' });
  assert.equal(log, ['connected', 'undecodable', 'disconnected']);
  await environment.advance(1_000);
  assert.is(sockets.length, 2);
});

test('after its end nothing is opened any more', async ({ environment, sockets, connection }) => {
  sockets[0]?.tell('close', { code: 1006 });
  connection.end();
  tellPlatform('online');
  await environment.advance(100_000);
  assert.is(sockets.length, 1);
  assert.equal(environment.waitsMs(), []);
});

/** Node has no such events, so a test can make the platform's listeners known to itself. */
const platform = globalThis as unknown as Record<string, unknown>;
const heard = new Map<string, Set<() => void>>();
platform['addEventListener'] = (type: string, listener: () => void): void =>
  void heard.set(type, (heard.get(type) ?? new Set()).add(listener));
platform['removeEventListener'] = (type: string, listener: () => void): void =>
  void heard.get(type)?.delete(listener);

function tellPlatform(type: 'online' | 'offline'): void {
  for (const listener of heard.get(type) ?? []) listener();
}

test.run();
