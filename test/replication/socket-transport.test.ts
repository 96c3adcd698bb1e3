// A WebSocket as links know it: binary frames, and whether somebody is there.

import { once } from 'node:events';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { SocketTransport } from '../../src/replication/socket-transport.ts';
import { ManualTimers } from '../support/manual-timers.ts';
import { socketPair, type SocketPair } from '../support/socket-pair.ts';
import { until } from '../support/until.ts';

interface Context {
  pair: SocketPair;
  timers: ManualTimers;
  below: { bytesRead: number };
  received: Uint8Array[];
  transport: SocketTransport;
}

const sockets = suite<Context>('sockets of links');

sockets.before.each(async (context) => {
  context.pair = await socketPair();
  context.timers = new ManualTimers();
  context.below = { bytesRead: 0 };
  context.received = [];
  const { pair, below, timers, received } = context;
  context.transport = new SocketTransport(pair.server, below, timers, (frame) => received.push(frame));
});
sockets.after.each(({ pair }) => pair.end());

sockets('frames go out as binary messages and come in as they were sent', async (context) => {
  const { transport, pair, received } = context;
  transport.send(Uint8Array.of(1, 2, 3));
  const [data, isBinary] = (await once(pair.client, 'message')) as [Buffer, boolean];
  assert.equal([[...data], isBinary], [[1, 2, 3], true]);
  pair.client.send(Uint8Array.of(4, 5));
  await until('it has come', () => received.length > 0);
  assert.equal([...(received[0] ?? [])], [4, 5]);
});

sockets('a text message closes the socket with 1003', async ({ pair, received }) => {
  pair.client.send('{"type":"hello"}');
  const [code] = (await once(pair.client, 'close')) as [number];
  assert.is(code, 1003);
  assert.equal(received, []);
});

sockets(
  'REP-12 a socket from which nothing has come for three pings is cut, and not before',
  async (context) => {
    const { timers, below, pair } = context;
    const isPing = (delayMs: number): boolean => delayMs === 20_000;
    below.bytesRead = 10;
    assert.is(timers.run(isPing), 1);
    for (let quiet = 0; quiet < 2; quiet++) timers.run(isPing);
    below.bytesRead = 11; // a part of a frame over a slow line
    timers.run(isPing);
    for (let quiet = 0; quiet < 2; quiet++) timers.run(isPing);
    assert.is(pair.server.readyState, pair.server.OPEN);
    timers.run(isPing);
    const [code] = (await once(pair.client, 'close')) as [number];
    assert.is(code, 1006);
    assert.equal(timers.delays, [], 'no timer is left');
  },
);

sockets(
  'REP-12 it pings, so that the other side hears of it however long a frame takes',
  async ({ timers, pair }) => {
    timers.run();
    await once(pair.client, 'ping');
  },
);

sockets('a close that is never answered is cut', async ({ transport, timers, pair }) => {
  pair.client.pause();
  transport.close(1012, 'x'.repeat(200));
  assert.is(
    timers.run((delayMs) => delayMs === 2_000),
    1,
  );
  await once(pair.server, 'close');
  assert.equal(timers.delays, []);
});

sockets('a close that is answered leaves no timer, and nothing is sent behind it', async (context) => {
  const { transport, timers, pair } = context;
  const closed = Promise.all([once(pair.client, 'close'), once(pair.server, 'close')]);
  transport.close(1012, `${'x'.repeat(119)}ü and more`);
  transport.send(Uint8Array.of(1));
  const [[code, reason]] = (await closed) as [[number, Buffer], unknown];
  assert.equal([code, reason.toString()], [1012, 'x'.repeat(119)]);
  assert.equal(timers.delays, []);
});

sockets(
  'REP-9 whether somebody is there: an answer says so, silence and a close say not',
  async (context) => {
    const { transport, timers, below, pair } = context;
    const answered = transport.isAnswered(5_000);
    await once(pair.client, 'ping');
    below.bytesRead = 6; // of the pong
    assert.is(await answered, true);

    pair.client.pause();
    const silent = transport.isAnswered(5_000);
    timers.run((delayMs) => delayMs === 5_000);
    assert.is(await silent, false);

    const busy = transport.isAnswered(5_000);
    below.bytesRead = 500; // a long frame is on its way before the pong
    timers.run((delayMs) => delayMs === 5_000);
    assert.is(await busy, true);

    const gone = transport.isAnswered(5_000);
    below.bytesRead = 501;
    transport.cut();
    assert.is(await gone, false);
    assert.is(await transport.isAnswered(5_000), false);
  },
);

sockets.run();
