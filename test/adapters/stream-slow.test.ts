// WS-21: clients of `/ws` that don't read.

import type { Duplex } from 'node:stream';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { WebSocket } from 'ws';
import type { Projects } from '../../src/core/projects.ts';
import { SharedFrames } from '../../src/adapters/frames.ts';
import { StreamOutgoing } from '../../src/adapters/stream-outgoing.ts';
import { Stream, type StreamContext } from '../../src/adapters/stream-reader.ts';
import type { Vocabulary } from '../../src/wire/stream/messages.ts';
import { defects } from '../support/metrics.ts';
import { newEntry } from '../support/stream-client.ts';
import { socketPair } from '../support/socket-pair.ts';
import { until } from '../support/until.ts';
import { withServer } from '../support/with-server.ts';

const slow = suite('slow readers');
const { atEnd, connect, newProject, server } = withServer(slow);

async function openSocket(): Promise<WebSocket> {
  const socket = new WebSocket(`${server().socketUrl}/ws`);
  socket.on('error', () => undefined);
  await new Promise((resolve) => socket.once('open', resolve));
  atEnd(() => socket.terminate());
  return socket;
}

slow('WS-21 a client that reads no answers is not read from; when it reads, all is answered', async () => {
  const socket = await openSocket();
  socket.pause();
  let answers = 0;
  socket.on('message', () => answers++);
  const close = JSON.stringify({ type: 'close', mux_id: 'm'.repeat(256) });
  const batchMax = 100; // of 300 kB
  let count = 0;
  let isStuck = false;
  for (let batch = 0; batch < batchMax && !isStuck; batch++) {
    let isSent = false;
    for (let i = 0; i < 1_000; i++) socket.send(close, () => (isSent = i === 999));
    count += 1_000;
    const deadlineMs = Date.now() + 1_000;
    await until('it is sent, or stuck', () => isSent || Date.now() > deadlineMs);
    isStuck = !isSent;
  }
  assert.ok(isStuck, `the server has read ${count} messages`);
  socket.resume();
  await until('all is answered', () => answers === count);
});

slow('WS-19 a bad frame of a client that does not read is no defect of the server', async () => {
  const project = newProject();
  const uploader = await connect();
  for (let i = 0; i < 40; i++) await uploader.upload(newEntry(project, { clip_id: 'x'.repeat(500_000) }));
  const socket = await openSocket();
  socket.pause();
  socket.send(JSON.stringify({ type: 'subscribe', mux_id: 1, project_id: project, entries: '*' }));
  await new Promise((resolve) => setTimeout(resolve, 500)); // the stream stands still
  const closed = new Promise((resolve) => socket.once('close', resolve));
  (Reflect.get(socket, '_socket') as Duplex).write(Buffer.from([0xff, 0xff, 0, 0, 0, 0]));
  socket.resume();
  await closed;
  assert.is(await defects(server().url), 0);
});

function contextOf(socket: WebSocket, projects: Projects): StreamContext {
  const transport = Reflect.get(socket, '_socket') as Duplex;
  return { outgoing: new StreamOutgoing(socket, transport), projects, shared: new SharedFrames() };
}

/** A stream whose project has this many pages of small objects, and no end. */
function streamOf(
  pageCount: number,
  socket: WebSocket,
  vocabulary: Vocabulary,
): { stream: Stream; read: () => number; rests: () => number } {
  let pages = 0;
  let rests = 0;
  const object = Buffer.from('{"version_uuid":"v"}');
  const page = Array.from({ length: 512 }, () => ({
    type: 'object',
    kind: 'entry',
    serverId: 1,
    seqno: 1,
    object,
  }));
  const feed = {
    atHead: false,
    next: () => (pages === pageCount ? new Promise(() => undefined) : Promise.resolve(++pages && page)),
    rest: () => rests++,
    close: () => undefined,
  };
  const project = { select: () => Promise.resolve(feed) };
  const projects = {
    acquire: () => Promise.resolve({ project, release: () => undefined }),
  } as unknown as Projects;
  const request = {
    type: 'subscribe',
    muxId: 1,
    projectId: 'p',
    vocabulary,
    selection: { objects: [{ kind: 'entry', since: new Map(), match: null }], udt: null },
  };
  const stream = new Stream(request as never, contextOf(socket, projects));
  return { stream, read: () => pages, rests: () => rests };
}

for (const vocabulary of ['original', 'later'] as const)
  slow(
    `WS-21 for a stream that is not read, little waits, and the store is let go of (${vocabulary})`,
    async () => {
      const pair = await socketPair();
      atEnd(() => pair.end());
      let heard = 0;
      pair.client.on('message', () => heard++);
      const network = Reflect.get(pair.server, '_socket') as Duplex;
      network.cork(); // as if it were full
      const { stream, read, rests } = streamOf(20, pair.server, vocabulary);
      const over = stream.run(() => undefined);
      await until('the store is let go of', () => rests() === 1);
      assert.is(read(), 2, 'pages of 512 were read');
      assert.ok(
        pair.server.bufferedAmount < 256 * 1024,
        `${pair.server.bufferedAmount} bytes of small frames wait`,
      );
      network.uncork();
      await until('all is sent', () => heard === 20 * 512);
      assert.is(rests(), 1, 'not of a client that reads');
      stream.end();
      pair.server.terminate();
      void over;
    },
  );

slow('WS-21 nothing is read for a socket that closes', async () => {
  const pair = await socketPair();
  atEnd(() => pair.end());
  let pages = 0;
  const feed = {
    atHead: false,
    next: () => Promise.resolve(++pages < 100 ? [] : null),
    close: () => undefined,
  };
  const project = { select: () => Promise.resolve(feed) };
  const projects = {
    acquire: () => Promise.resolve({ project, release: () => undefined }),
  } as unknown as Projects;
  const selection = { objects: [], udt: null };
  const request = { type: 'fetch', muxId: 1, projectId: 'p', vocabulary: 'original', selection } as const;
  pair.server.close();
  await new Stream(request, contextOf(pair.server, projects)).run(() => undefined);
  assert.ok(pages <= 1, `${pages} pages were read`);
});

slow.run();
