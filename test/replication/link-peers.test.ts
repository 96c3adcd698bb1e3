// Who may be at the other end of a link (REP-9, REP-13), and what a peer that breaks the rules can do: end its own link, with
// a sentence that says why, and nothing else.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { printFrame } from '../../src/wire/replication/print-message.ts';
import type { Head } from '../../src/model/standing.ts';
import type { ReplicationMessage } from '../../src/wire/replication/messages.ts';
import type { LinkRefusal } from '../../src/replication/link-transport.ts';
import { LinkServers, type LinkServer } from '../support/link-servers.ts';
import { RawPeer } from '../support/raw-peer.ts';
import { testSeed } from '../support/seed.ts';

const test = suite('link peers');

function aServer(): { world: LinkServers; server: LinkServer } {
  const world = new LinkServers();
  return { world, server: world.add() };
}

function headOf(serverId: number, seqno: number): Head {
  return { serverId, seqno, checksum: new Uint8Array(8).fill(seqno) };
}

function standing(project: string, seqno = 1): ReplicationMessage {
  return {
    type: 'standing',
    project,
    standing: { lifecycle: 0, deletedMs: 0, heads: [headOf(4_711, seqno)] },
  };
}

function refusedAs(peer: RawPeer, reason: LinkRefusal['reason'], message: RegExp): void {
  assert.is(peer.got('refused').length, 1);
  const refused = peer.got('refused')[0]!;
  assert.is(refused.reason, reason);
  assert.match(refused.message, message);
  assert.equal(peer.ends, [{ type: 'refused', by: 'us', reason, message: refused.message }]);
  assert.ok(peer.closed, 'the socket was closed');
  const received = peer.received.length;
  peer.hello();
  peer.link.receive(new Uint8Array([1, 2, 3]));
  assert.is(peer.received.length, received, 'nothing is said any more');
}

test('REP-13 a newer protocol is refused with a sentence', () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.hello({ protocol: 2 });
  refusedAs(peer, 'protocol', /version 1 .* the other one 2: update the server that is older/);
});

test('REP-13 capabilities that are unknown are ignored', async () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.hello({ capabilities: ['telepathy'] });
  await world.time.advance(100);
  assert.is(peer.got('catalogue').length, 1);
  assert.equal(peer.link.state.peer?.capabilities, ['telepathy']);
});

test('REP-9 a server that is connected to itself is told so', () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.hello({ serverId: 1, instance: server.instance });
  refusedAs(peer, 'self', /connected to itself/);
});

test('REP-9 of two twins the one that has connected takes a new server id, once', async () => {
  const world = new LinkServers();
  const [connecting, accepting] = [world.add({}, 5), world.add({}, 5)];
  const link = world.link(connecting, accepting);
  await world.time.advance(400);
  assert.equal(connecting.replicas.renewals.length, 1);
  assert.match(connecting.replicas.renewals[0]!, /Another server has the server id 5/);
  assert.is(accepting.replicas.renewals.length, 0);
  assert.equal(
    link.ends.map((end) => end.type === 'refused' && end.reason),
    ['twin', 'twin'],
  );
  void connecting.replicas.write('p', 1);
  await world.converge();
  assert.is(connecting.replicas.renewals.length, 1);
});

test('REP-9 a server that is refused as the twin of a third takes a new server id, whoever has connected', async () => {
  for (const role of ['connects', 'accepts'] as const) {
    const { world, server } = aServer();
    const peer = new RawPeer(world, server, { role });
    peer.hello();
    peer.send({ type: 'refused', reason: 'twin', message: 'There is another one of you' });
    await world.time.advance(100);
    assert.is(server.replicas.renewals.length, 1);
    assert.equal(peer.ends, [
      { type: 'refused', by: 'peer', reason: 'twin', message: 'There is another one of you' },
    ]);
  }
});

test('REP-9 a server that refuses a peer as the twin of a third keeps its own server id', async () => {
  for (const role of ['connects', 'accepts'] as const) {
    const { world, server } = aServer();
    const admit = (): Promise<LinkRefusal> => Promise.resolve({ reason: 'twin', message: 'A second one' });
    const peer = new RawPeer(world, server, { role, admit });
    peer.hello();
    await world.time.advance(100);
    refusedAs(peer, 'twin', /^A second one$/);
    assert.is(server.replicas.renewals.length, 0);
  }
});

test('REP-9 whoever accepts may refuse a peer once it has said who it is; nothing of it is dealt with before', async () => {
  const { world, server } = aServer();
  let decide: (refusal: LinkRefusal | null) => void = () => undefined;
  const admit = (): Promise<LinkRefusal | null> => new Promise((resolve) => (decide = resolve));
  const [refused, admitted] = [new RawPeer(world, server, { admit }), new RawPeer(world, server, { admit })];
  for (const [peer, refusal] of [
    [refused, { reason: 'twin', message: 'A second one with this id' }],
    [admitted, null],
  ] as const) {
    peer.hello();
    peer.send(standing('p'));
    await world.time.advance(1_000);
    assert.equal(
      peer.received.map(({ type }) => type),
      ['hello'],
    );
    decide(refusal);
    await world.time.advance(1_000);
  }
  refusedAs(refused, 'twin', /^A second one with this id$/);
  assert.is(admitted.got('want').length, 1);
});

test('REP-8 when a server takes a new server id its links begin anew at once, also those on which nothing happens', async () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.hello();
  await world.time.advance(100);
  await server.replicas.renewLife('for the test');
  assert.equal(peer.closed, { code: 1012, reason: 'This server has taken a new server id' });
  assert.equal(peer.ends, [{ type: 'cut', detail: 'This server has taken a new server id' }]);
});

test('REP-3 a frame that comes twice is ignored, a frame that is missing ends the link', async () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.hello();
  await world.time.advance(100);
  peer.send(standing('p'));
  peer.sendNumbered(0, standing('q'));
  await world.time.advance(100);
  assert.equal(
    peer.got('want').map(({ project }) => project),
    ['p'],
  );
  peer.sendNumbered(2, standing('r'));
  assert.equal(peer.ends, [{ type: 'cut', detail: 'Frame 4 came behind frame 2' }]);
});

test('a server that stops says so', async () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.hello();
  await world.time.advance(100);
  peer.link.stop();
  refusedAs(peer, 'stopping', /stops/);
  assert.is(peer.closed?.code, 1012);
  await Promise.all([peer.link.settled(), world.time.advance(1_000)]);
});

const want = (stream: number): ReplicationMessage => ({
  type: 'want',
  project: 'p',
  stream,
  vector: new Map(),
});
const page = (projects: readonly string[], isLast = false): ReplicationMessage => ({
  type: 'catalogue',
  entries: projects.map((project) => ({ project, digest: new Uint8Array(8) })),
  isLast,
});

const wrong: readonly (readonly [name: string, messages: readonly ReplicationMessage[], message: RegExp])[] =
  [
    ['a second hello', [helloOf(9)], /hello must be sent once/],
    ['an acknowledgement of what was not sent', [{ type: 'ack', bytes: 10_000 }], /ack\.bytes is 10000/],
    ['streams whose numbers do not rise', [want(2), want(2)], /want\.stream is 2 behind 2/],
    ['groups that nobody asked for', [groupsOf(1)], /groups\.stream is 1: no such stream/],
    [
      'the end of a stream that nobody asked for',
      [{ type: 'ended', project: 'p', stream: 3, reason: '' }],
      /no such/,
    ],
    ['a catalogue out of order', [page(['b', 'a'])], /must rise: "a" came behind "b"/],
    ['a catalogue out of order from page to page', [page(['b']), page(['b'])], /must rise/],
    ['pages in a heap', Array.from({ length: 30 }, (_, i) => page([`p${i + 10}`])), /at most 8 pages ahead/],
    ['more pages behind the last', [page([], true), page(['a'])], /must be empty|both are complete/],
    [
      'records that nobody asked for',
      [{ type: 'fetched', project: 'p', serverId: 1, records: [], isLast: true }],
      /fetched must not be sent: this server has not asked/,
    ],
    [
      'questions in a heap',
      Array.from({ length: 200 }, () => ({ type: 'fetch', project: 'p', serverId: 1, first: 1, last: 9 })),
      /fetch: 64 are not answered yet/,
    ],
  ];

function helloOf(serverId: number): ReplicationMessage {
  return { type: 'hello', protocol: 1, serverId, instance: new Uint8Array(16), capabilities: [] };
}

function groupsOf(stream: number, bytes = 4): ReplicationMessage {
  return { type: 'groups', project: 'p', stream, isUnfinished: false, records: [new Uint8Array(bytes)] };
}

for (const [name, messages, message] of wrong) {
  test(`REP-3 ${name}: the link ends with a sentence`, async () => {
    const { world, server } = aServer();
    const peer = new RawPeer(world, server);
    peer.hello();
    for (const each of messages) peer.send(each);
    await world.time.advance(100);
    refusedAs(peer, 'malformed', message);
  });
}

test('REP-3 anything before hello ends the link', () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.send(standing('p'));
  refusedAs(peer, 'malformed', /first message must be hello; it was standing/);
});

test('a peer that never says hello is not waited for', async () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  await world.time.advance(31_000);
  assert.equal(peer.ends, [{ type: 'cut', detail: 'The peer has not said hello within 30 s' }]);
});

test('REP-3 records that are none pause their project, and leave the link alone', async () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.hello();
  peer.send(standing('p'));
  await world.time.advance(100);
  peer.send(groupsOf(1));
  await world.time.advance(100);
  assert.equal(
    peer.events.map(({ type, project }) => [type, project]),
    [['project-paused', 'p']],
  );
  assert.is(peer.ends.length, 0);
  await world.time.advance(1_000);
  assert.equal(
    peer.got('want').map(({ stream }) => stream),
    [1, 2],
  );
});

test('REP-3 who sends beyond the window is refused', async () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.hello();
  peer.send(standing('p'));
  await world.time.advance(100);
  for (let i = 0; i < 5; i++) peer.send(groupsOf(1, 1_000_000));
  refusedAs(peer, 'malformed', /beyond the window of 4194304 bytes/);
});

test('REP-3 a peer that never acknowledges costs no more than the window', async () => {
  const { world, server } = aServer();
  for (let i = 0; i < 200; i++) void server.replicas.write(`p${i}`, 1, 100_000);
  await world.time.advance(1_000);
  const peer = new RawPeer(world, server);
  peer.hello();
  for (let i = 0; i < 200; i++)
    peer.send({ type: 'want', project: `p${i}`, stream: i + 1, vector: new Map() });
  await world.time.advance(60_000);
  assert.ok(peer.bytesReceived <= 4 * 1024 * 1024, `${peer.bytesReceived} bytes were sent`);
  assert.ok(peer.bytesReceived > 3 * 1024 * 1024);
  assert.ok(server.replicas.mostReaders <= 8 + 64, `${server.replicas.mostReaders} readers are open`);
  peer.link.end();
  await Promise.all([peer.link.settled(), world.time.advance(1_000)]);
  assert.is(server.replicas.openReaders, 0);
});

test('REP-2 a catalogue of very many projects is compared page by page', async () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.hello();
  const pages = 200;
  for (let sent = 0; sent < pages; sent++) {
    const names = Array.from({ length: 500 }, (_, i) => `p${sent * 500 + i + 1_000_000}`);
    peer.send(page(names, sent === pages - 1));
    await world.time.advance(1);
  }
  await world.time.advance(100);
  assert.is(peer.ends.length, 0, JSON.stringify(peer.ends));
  assert.is(peer.got('catalogue').length, pages - 1, 'each but the last was answered');
  assert.is(peer.got('standing').length, 0, 'what is unknown here is for the peer to announce');
});

test('REP-2 a peer that asks for far too much at once is refused', async () => {
  const { world, server } = aServer();
  for (let i = 0; i < 20; i++) void server.replicas.write(`p${i}`, 1, 500_000);
  await world.time.advance(1_000);
  const peer = new RawPeer(world, server);
  peer.hello();
  await world.time.advance(100);
  for (let i = 0; i < 60_000 && peer.ends.length === 0; i++)
    peer.send({ type: 'want', project: `p${i}`, stream: i + 1, vector: new Map() });
  refusedAs(peer, 'malformed', /too many|too much/);
});

test('REP-2 a peer that announces far too much at once ends its link', async () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.hello();
  for (let i = 0; i < 25_000 && peer.ends.length === 0; i++) {
    peer.send(standing(`p${i}`));
    if (i % 500 === 0) await world.time.advance(10);
  }
  assert.match(
    peer.ends.map((end) => (end.type === 'cut' ? end.detail : end.type)).join(),
    /20001 projects wait/,
  );
});

test('REP-2 standings that are said again and again are not answered, but for what is asked', async () => {
  const { world, server } = aServer();
  void server.replicas.write('p', 3);
  await world.time.advance(100);
  const peer = new RawPeer(world, server);
  peer.hello();
  await world.time.advance(100);
  for (let i = 0; i < 500; i++) {
    peer.send(standing('p', 1));
    await world.time.advance(10);
  }
  assert.is(peer.got('want').length, 1);
  assert.is(peer.got('standing').length, 1, 'once, before it asks (REP-9)');
});

test('REP-2 a project that moves all the time is announced now and then until it is asked for', async () => {
  const { world, server } = aServer();
  const peer = new RawPeer(world, server);
  peer.hello();
  for (let i = 0; i < 1_000; i++) {
    void server.replicas.write('p', 1);
    await world.time.advance(2);
  }
  const announced = peer.got('standing').length;
  assert.ok(announced >= 10 && announced <= 25, `${announced} times in two seconds`);
  peer.send(want(1));
  await world.time.advance(500);
  const before = peer.got('standing').length;
  void server.replicas.write('p', 1);
  await world.time.advance(500);
  assert.is(peer.got('standing').length, before);
  assert.is(peer.got('groups').flatMap(({ records }) => records).length, 1_001);
});

for (const isStreamed of [false, true])
  test(`REP-14 that a project was deleted or brought back goes out at once, ${isStreamed ? 'with' : 'without'} a stream of it`, async () => {
    const { world, server } = aServer();
    const peer = new RawPeer(world, server);
    peer.hello();
    if (isStreamed) peer.send(want(1));
    void server.replicas.write('p', 1);
    await world.time.advance(1_000);
    void server.replicas.write('p', 1);
    await world.time.advance(50);
    for (const lifecycle of [1, 2, 3]) {
      server.replicas.setLifecycle('p', lifecycle);
      await world.time.advance(20);
      const told = peer.got('standing').map(({ standing: { lifecycle: said } }) => said);
      assert.is(told.at(-1), lifecycle);
    }
  });

test('REP-3 whatever the bytes are, nothing is thrown', async () => {
  const seed = testSeed('frames of peers');
  const generator = prng.create(seed);
  const corpus = [
    standing('p'),
    want(3),
    page(['a', 'b'], true),
    groupsOf(1, 40),
    { type: 'ack', bytes: 1 } as const,
  ];
  for (let round = 0; round < 60; round++) {
    const { world, server } = aServer();
    void server.replicas.write('a', 2);
    const peer = new RawPeer(world, server);
    peer.hello();
    for (let number = 2; number < 14 && peer.ends.length === 0; number++) {
      const frame = printFrame({ number, message: prng.oneOf(generator, corpus) });
      for (let flips = prng.uint32(generator, 0, 3); flips > 0; flips--)
        frame[prng.uint32(generator, 0, frame.length - 1)] = prng.uint32(generator, 0, 255);
      peer.link.receive(frame.subarray(0, prng.uint32(generator, frame.length >> 1, frame.length)));
      await world.time.advance(20);
    }
    const ends = peer.ends.filter((end) => end.type === 'refused' && end.reason === 'internal');
    assert.equal(ends, [], `round ${round}`);
    peer.link.end();
    await Promise.all([peer.link.settled(), world.time.advance(1_000)]);
  }
});

test.run();
