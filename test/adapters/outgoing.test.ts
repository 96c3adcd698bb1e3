// WS-21, YJS-11: what waits for a client that doesn't read is counted as what it takes.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Outgoing } from '../../src/adapters/outgoing.ts';
import { socketPair, type SocketPair } from '../support/socket-pair.ts';
import { until } from '../support/until.ts';

const test = suite('outgoing');

let pair: SocketPair;
test.before.each(async () => {
  pair = await socketPair();
});
test.after.each(() => pair.end());

/** More than the kernel takes. */
const filling = Buffer.alloc(32 * 1024 * 1024);

test('waiting for a socket to drain ends with the socket', async () => {
  const outgoing = new Outgoing(pair.server);
  pair.client.pause();
  outgoing.send(filling);
  const waiting = outgoing.drained();
  pair.server.terminate();
  await waiting;
});

test('WS-21 YJS-11 small frames count with what they take beside their bytes', async () => {
  const outgoing = new Outgoing(pair.server);
  pair.client.pause();
  outgoing.send(filling);
  const before = outgoing.unsentBytes;
  for (let i = 0; i < 1_000; i++) outgoing.send(new Uint8Array(1));
  assert.ok(outgoing.unsentBytes - before > 500_000, `${outgoing.unsentBytes - before} bytes`);
  pair.client.resume();
  await until('nothing waits', () => outgoing.unsentBytes === 0);
  assert.not.ok(outgoing.isFull);
});

test('WS-21 YJS-11 a client is not slow for what its network takes at once', () => {
  const outgoing = new Outgoing(pair.server);
  for (let i = 0; i < 2_000; i++) outgoing.send(new Uint8Array(1));
  assert.not.ok(outgoing.isFull);
});

test.run();
