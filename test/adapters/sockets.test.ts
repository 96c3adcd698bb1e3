// WS-21: what is read from a client is bounded by what is in work for it and by what it lets wait.
// Runs in a process of its own, since it replaces the timers of all in it.

import { mock } from 'node:test';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Outgoing } from '../../src/adapters/outgoing.ts';
import { Intake, Sockets } from '../../src/adapters/sockets.ts';
import { socketPair, type SocketPair } from '../support/socket-pair.ts';
import { until } from '../support/until.ts';

const test = suite('sockets');

let pair: SocketPair;
test.before.each(async () => {
  pair = await socketPair();
});
test.after.each(() => pair.end());

const nothing = (): Promise<void> => Promise.resolve();

test('WS-21 a client with too much in work is not read from until some of it is done', async () => {
  const intake = new Intake(new Outgoing(pair.server));
  const ends: (() => void)[] = [];
  const work = (): Promise<void> => new Promise((resolve) => ends.push(resolve));
  const big = intake.run(9 * 1024 * 1024, work);
  assert.ok(pair.server.isPaused);
  ends.pop()!();
  await big;
  assert.not.ok(pair.server.isPaused);
  const small = Array.from({ length: 10_000 }, () => intake.run(1, work));
  assert.ok(pair.server.isPaused, 'small frames count as well');
  for (const end of ends) end();
  await Promise.all(small);
  assert.not.ok(pair.server.isPaused);
});

test('WS-21 a client that lets too much wait is not read from until it has read', async () => {
  const outgoing = new Outgoing(pair.server);
  const intake = new Intake(outgoing);
  pair.client.pause();
  outgoing.send(Buffer.alloc(32 * 1024 * 1024));
  await intake.run(1, nothing);
  assert.ok(pair.server.isPaused);
  pair.client.resume();
  await until('it is read from again', () => !pair.server.isPaused);
});

test('a client is not read from again while the server stops, whatever gets done', async () => {
  const sockets = new Sockets();
  sockets.add(pair.server);
  const intake = new Intake(new Outgoing(pair.server));
  intake.isLoading = true;
  let end = (): void => undefined;
  const work = intake.run(9 * 1024 * 1024, () => new Promise((resolve) => (end = resolve)));
  sockets.pause();
  end();
  await work;
  intake.isLoading = false;
  assert.ok(pair.server.isPaused);
  await sockets.close(5_000);
});

test.run();

const timed = suite('pings');

timed.before.each(async () => {
  pair = await socketPair();
  mock.timers.enable({ apis: ['setInterval'] });
});
timed.after.each(() => {
  mock.timers.reset();
  pair.end();
});

timed('WS-21 YJS-11 a client that reads nothing is cut off, since it answers no ping', async () => {
  const sockets = new Sockets();
  sockets.add(pair.server);
  pair.client.pause();
  mock.timers.tick(60_000);
  assert.is(pair.server.readyState, pair.server.CLOSING);
  await sockets.close(0);
});

timed('WS-21 one that is not read from has nothing more to answer until it is', async () => {
  const sockets = new Sockets();
  sockets.add(pair.server);
  const intake = new Intake(new Outgoing(pair.server));
  intake.isLoading = true;
  let pings = 0;
  pair.client.on('ping', () => pings++);
  mock.timers.tick(10 * 30_000);
  intake.isLoading = false;
  await until('its answer came', () => pings > 0);
  pair.client.ping();
  await new Promise((resolve) => pair.client.once('pong', resolve));
  mock.timers.tick(30_000);
  await until('it is asked again', () => pings > 1);
  assert.is(pings, 2);
  assert.is(pair.server.readyState, pair.server.OPEN);
  await sockets.close(0);
});

timed.run();
