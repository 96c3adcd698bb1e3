// The dialogue of two servers over a link, against a model of their cores: what is said, in which order, and when nothing is.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { decodeRecord } from '../../src/store/record.ts';
import { NetworkLink } from '../support/link-network.ts';
import { LinkServers, type LinkServer } from '../support/link-servers.ts';
import { RawPeer } from '../support/raw-peer.ts';

const test = suite('link');

function types(link: NetworkLink, by?: 'connects' | 'accepts'): string[] {
  return link.sent.filter((sent) => !by || sent.by === by).map(({ message }) => message.type);
}

function count(link: NetworkLink, type: string): number {
  return types(link).filter((sent) => sent === type).length;
}

test('REP-2 two servers that wrote apart become equal, and stay so', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  for (const project of ['only a', 'both']) void a.replicas.write(project, 2);
  for (const project of ['both', 'only b', 'z']) void b.replicas.write(project, 3);
  await world.time.advance(100);
  const link = world.link(a, b);
  await world.converge();
  void a.replicas.write('only b', 1);
  void b.replicas.write('new', 1);
  await world.time.advance(100);
  await world.converge(1_000);
  assert.is(link.ends.length, 0);
});

test('REP-2 servers that have the same show their catalogues and say no more', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  for (let i = 0; i < 50; i++) void a.replicas.write(`p${i}`, 1);
  await world.time.advance(100);
  const link = world.link(a, b);
  await world.converge();
  link.down();
  await world.time.advance(1_000);
  link.sent.length = 0;
  link.up();
  await world.converge();
  assert.equal(new Set(types(link)), new Set(['hello', 'catalogue', 'ack']));
  await world.idle();
});

test('REP-2 a live change takes one message of groups, and what came from the peer is not sent back', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  const link = world.link(a, b);
  await world.converge();
  await Promise.all([a.replicas.write('p', 1), world.time.advance(1_000)]);
  await world.converge();
  link.sent.length = 0;
  for (let i = 0; i < 5; i++) await Promise.all([a.replicas.write('p', 2), world.time.advance(500)]);
  await world.converge();
  assert.equal(types(link, 'connects'), Array<string>(5).fill('groups'));
  assert.equal(types(link, 'accepts'), Array<string>(5).fill('ack'));
  await world.idle();
});

test('REP-2 what a server has from its peer is not sent back, while both write', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  const link = world.link(a, b);
  for (const { replicas } of [a, b]) void replicas.write('p', 1);
  await world.converge();
  link.sent.length = 0;
  for (let i = 0; i < 30; i++) {
    for (const { replicas } of [a, b]) void replicas.write('p', 2);
    await world.time.advance(40);
  }
  await world.converge();
  for (const [by, serverId] of [
    ['connects', 1],
    ['accepts', 2],
  ] as const) {
    const sent = link.sent.flatMap((each) =>
      each.by === by && each.message.type === 'groups' ? each.message.records : [],
    );
    assert.equal(new Set(sent.map((record) => decodeRecord(record).serverId)), new Set([serverId]));
  }
});

test('REP-2 many projects come, with few readers open at once, and go on live', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add({ pageProjects: 100 }), world.add()];
  for (let i = 0; i < 400; i++) void a.replicas.write(`p${i}`, 5);
  await world.time.advance(100);
  const link = world.link(a, b);
  await world.converge();
  assert.ok(a.replicas.mostReaders <= 64 + 8 + 1, `at most ${a.replicas.mostReaders} readers`);
  assert.is(count(link, 'want'), 400, 'each project was asked for once');
  for (let i = 0; i < 400; i++) void a.replicas.write(`p${i}`, 1);
  await world.converge();
  assert.ok(a.replicas.mostReaders <= 64 + 8 + 1, `at most ${a.replicas.mostReaders} readers`);
  await world.idle();
  assert.is(link.ends.length, 0);
});

test('REP-2 a change that comes just when its stream makes room for another is not forgotten', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add({ readMs: 40 }), world.add()];
  const link = world.link(a, b);
  await world.converge();
  for (let i = 0; i < 64; i++) await Promise.all([a.replicas.write(`p${i}`, 1), world.time.advance(200)]);
  // Each round ends the two oldest streams: one for the new project, one for the old one if it had to come back.
  for (let i = 0; i < 30; i++) {
    void a.replicas.write(`new ${i}`, 1);
    await world.time.advance(20 + 7 * (i % 10));
    void a.replicas.write(`p${2 * i}`, 1);
    await world.time.advance(300);
  }
  await world.converge();
  assert.ok(count(link, 'ended') >= 30);
  await world.idle();
});

test('REP-2 a project with endless history does not keep the others from their turn', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add({ batchRecords: 1, readMs: 20 }), world.add({ syncMs: () => 1 })];
  for (let i = 0; i < 8; i++) for (let n = 0; n < 250; n++) void a.replicas.write(`long ${i}`, 1);
  void a.replicas.write('short', 1);
  await world.time.advance(100);
  world.link(a, b);
  const isThere = await world.time.until(() => b.replicas.vectorOf('short').get(1) === 1, 60_000);
  assert.ok(isThere, 'the short one came');
  for (let i = 0; i < 8; i++)
    assert.ok((b.replicas.vectorOf(`long ${i}`).get(1) ?? 0) < 250, 'while the long ones went on');
  await world.converge();
});

test('REP-3 what was cut is taken up where it was', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  for (let n = 0; n < 300; n++) void a.replicas.write('p', 1);
  await world.time.advance(100);
  const link = world.link(a, b);
  await world.time.until(() => (b.replicas.vectorOf('p').get(1) ?? 0) >= 100, 10_000);
  const isThere = b.replicas.vectorOf('p').get(1)!;
  link.cut();
  link.sent.length = 0;
  await world.converge();
  const sent = link.sent.flatMap(({ message }) => (message.type === 'groups' ? message.records : []));
  assert.ok(
    sent.length <= 300 - isThere,
    `${sent.length} records were sent when ${isThere} of 300 were there`,
  );
});

test('REP-7 a snapshot counts when all of it is there: one that was cut is gone on with', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add({ givesSnapshots: true }), world.add()];
  for (let n = 0; n < 300; n++) void a.replicas.write('p', 1);
  await world.time.advance(100);
  const link = world.link(a, b);
  const isUnderWay = (): boolean => count(link, 'part') > 20;
  assert.ok(await world.time.until(isUnderWay, 10_000));
  assert.is(b.replicas.openReceipts, 1);
  link.cut();
  await world.time.advance(100);
  assert.is(b.replicas.openReceipts, 0);
  assert.is(b.replicas.vectorOf('p').size, 0);
  link.sent.length = 0;
  assert.ok(await world.time.until(isUnderWay, 10_000));
  void a.replicas.write('p', 1); // behind what goes with the snapshot
  await world.converge();
  assert.is(b.replicas.snapshotsTaken, 1);
  assert.is(b.replicas.openReceipts, 0);
  const parts = link.sent.flatMap(({ message }) => (message.type === 'part' ? [message] : []));
  assert.equal(
    [parts.findIndex(({ isFirst }) => isFirst), parts.findIndex(({ isLast }) => isLast)],
    [-1, parts.length - 1],
  );
  assert.is(count(link, 'groups'), 1);
  await world.idle();
});

test('REP-7 cut again and again, a snapshot comes in the end, and hardly anything comes twice', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add({ givesSnapshots: true, batchRecords: 1 }), world.add()];
  for (let n = 0; n < 300; n++) void a.replicas.write('p', 1);
  await world.time.advance(100);
  const link = world.link(a, b);
  let cuts = 0;
  for (; b.replicas.snapshotsTaken === 0 && cuts < 40; cuts++) {
    const before = count(link, 'part');
    await world.time.until(() => count(link, 'part') >= before + 20 || b.replicas.snapshotsTaken > 0, 10_000);
    await world.time.advance(35); // of what was sent most has come
    link.cut();
  }
  assert.ok(cuts > 3 && cuts < 40, `${cuts} cuts`);
  await world.converge();
  const parts = link.sent.flatMap(({ message }) => (message.type === 'part' ? [message] : []));
  assert.is(parts.filter(({ isFirst }) => isFirst).length, 1);
  assert.ok(parts.length < 300 + 100 * cuts, `${parts.length} parts with ${cuts} cuts`);
  assert.is(b.replicas.openReceipts, 0);
  assert.ok(a.replicas.openReaders <= 1, 'those of the links that were cut are closed');
});

test('REP-7 REP-13 an older peer is sent and asked for a snapshot as ever, from its beginning', async () => {
  const world = new LinkServers();
  const a = world.add({ givesSnapshots: true });
  for (let n = 0; n < 30; n++) void a.replicas.write('p', 1);
  await world.time.advance(100);
  const older = new RawPeer(world, a);
  older.hello({ capabilities: ['fetch'] });
  older.send({ type: 'catalogue', entries: [], isLast: true });
  older.send({ type: 'want', project: 'p', stream: 1, vector: new Map() });
  await world.time.advance(1_000);
  assert.ok(older.got('snapshot').length > 3);
  assert.is(older.got('part').length, 0);
  older.link.end();

  const b = world.add();
  const newer = new RawPeer(world, b);
  newer.hello({ capabilities: ['fetch', 'resume'] });
  await startSnapshot(world, newer, a);
  const [first, ...rest] = older.got('snapshot');
  assert.ok(first);
  newer.send({ ...first, type: 'part', name: new Uint8Array(16) });
  await world.time.advance(100);
  newer.link.end();
  const again = new RawPeer(world, b);
  again.hello({ capabilities: ['fetch'] });
  await startSnapshot(world, again, a);
  assert.is(again.got('resume').length, 0);
  for (const part of [first, ...rest]) again.send(part);
  await world.time.advance(1_000);
  assert.equal(b.replicas.recordsOf('p'), a.replicas.recordsOf('p'));
  again.link.end();
});

/** The peer announces what a server has, and is asked for it. */
async function startSnapshot(world: LinkServers, peer: RawPeer, { replicas }: LinkServer): Promise<void> {
  peer.send({ type: 'catalogue', entries: [], isLast: true });
  peer.send({ type: 'standing', project: 'p', standing: await world.passing(replicas.standing('p')) });
  await world.time.advance(100);
  assert.is(peer.got('want').length, 1);
}

test('REP-7 a long snapshot is given in one go, though other projects wait for their turn', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add({ givesSnapshots: true, batchRecords: 1 }), world.add()];
  for (let i = 0; i < 20; i++) for (let n = 0; n < 150; n++) void a.replicas.write(`p${i}`, 1);
  await world.time.advance(100);
  world.link(a, b);
  await world.converge();
  assert.is(b.replicas.snapshotsTaken, 20);
});

test('REP-3 a gap is asked for again at once, and what was under way is discarded', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  for (let n = 0; n < 30; n++) void a.replicas.write('p', 1);
  await world.time.advance(100);
  const accept = b.replicas.accept.bind(b.replicas);
  let calls = 0;
  b.replicas.accept = (project, groups) =>
    ++calls === 3 ? Promise.resolve({ type: 'gap', detail: 'made up' }) : accept(project, groups);
  const link = world.link(a, b);
  await world.converge(900);
  assert.is(count(link, 'want'), 2);
});

test('REP-3 a gap that stays is asked for again after pauses', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  void a.replicas.write('p', 2);
  await world.time.advance(100);
  const accept = b.replicas.accept.bind(b.replicas);
  b.replicas.accept = () => Promise.resolve({ type: 'gap', detail: 'Something is missing' });
  const link = world.link(a, b);
  await world.time.advance(120_000);
  assert.ok(count(link, 'want') >= 6 && count(link, 'want') <= 20, `${count(link, 'want')} tries`);
  b.replicas.accept = accept;
  await world.converge(31_000);
});

test('REP-3 a project that cannot be taken is asked for again after pauses that become longer', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  void a.replicas.write('full', 4);
  void a.replicas.write('fine', 4);
  await world.time.advance(100);
  b.replicas.failsToAccept = (project) =>
    project === 'full' ? new RejoinError('unavailable', 'The disk is full') : null;
  const link = world.link(a, b);
  await world.time.advance(300_000);
  assert.is(b.replicas.vectorOf('fine').get(1), 4);
  const pauses = link.events.map((event) => (event.type === 'project-paused' ? event.pauseMs : 0));
  assert.ok(pauses.length >= 10 && pauses.length <= 30, `${pauses.length} tries in five minutes`);
  assert.ok(pauses[0]! >= 500 && pauses[0]! <= 1_000, `the first pause: ${pauses[0]}`);
  assert.ok(Math.max(...pauses) > 15_000 && Math.max(...pauses) <= 30_000);
  assert.ok(link.sent.length < 200, `${link.sent.length} frames in five minutes`);
  assert.is(link.states[1]?.pausedProjects, 1);
  assert.is(link.states[1]?.lastError, 'The disk is full');
  b.replicas.failsToAccept = () => null;
  await world.converge(31_000);
  assert.is(link.ends.length, 0, 'the link went on');
  await world.idle();
});

test('REP-3 a project that the peer cannot read leaves the others alone', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  for (const project of ['broken', 'fine']) void a.replicas.write(project, 4);
  await world.time.advance(100);
  a.replicas.failsToRead = (project) =>
    project === 'broken' ? new RejoinError('damaged', 'A record is damaged') : null;
  const link = world.link(a, b);
  await world.time.advance(300_000);
  assert.is(b.replicas.vectorOf('fine').get(1), 4);
  assert.match(link.states[1]?.lastError ?? '', /^The peer can't send it: A record is damaged/);
  assert.ok(link.sent.length < 200, `${link.sent.length} frames in five minutes`);
  a.replicas.failsToRead = () => null;
  await world.converge(31_000);
});

test('REP-3 a comparison that failed is made again', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  void a.replicas.write('p', 4);
  await world.time.advance(100);
  const meet = b.replicas.meet.bind(b.replicas);
  let calls = 0;
  b.replicas.meet = (project, theirs) =>
    ++calls <= 2 ? Promise.reject(new RejoinError('unavailable', 'Not now')) : meet(project, theirs);
  world.link(a, b);
  await world.converge(5_000);
  assert.is(calls, 3);
});

test('REP-9 one number with two contents: that project is left alone, and said so', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add({}, 7), world.add({}, 7)];
  void a.replicas.write('p', 1, 10);
  void b.replicas.write('p', 1, 20);
  await world.time.advance(100);
  b.replicas.serverId = 8;
  void a.replicas.write('fine', 2);
  const link = world.link(a, b);
  await world.time.advance(60_000);
  assert.is(b.replicas.vectorOf('fine').get(7), 2);
  assert.ok(link.events.some((event) => event.type === 'project-failed' && event.project === 'p'));
  assert.is(link.ends.length, 0);
  await world.idle();
});

test('REP-9 one number with two contents is found where one side has gone on, and nothing hides it', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add({}, 7), world.add({}, 7)];
  void a.replicas.write('p', 3, 10);
  void b.replicas.write('p', 1, 20);
  void a.replicas.write('fine', 2);
  await world.time.advance(100);
  b.replicas.serverId = 8;
  const link = world.link(a, b);
  const hasTold = (detail: RegExp): boolean =>
    link.events.some((event) => event.project === 'p' && detail.test(event.detail));
  await world.time.advance(60_000);
  assert.is(b.replicas.vectorOf('fine').get(7), 2);
  assert.is(b.replicas.vectorOf('p').get(7), 1, 'with more of it both would seem to have the same');
  assert.ok(hasTold(/^p: change 1 of 7 has two contents/), 'the one that has more tells');
  assert.ok(hasTold(/^The peer can't send it: p: change 1 of 7 has two contents/), 'and so does the other');
  assert.is(link.ends.length, 0);
  assert.ok(link.sent.length < 60, `${link.sent.length} frames in a minute`);
  assert.ok(link.states.some(({ lagChanges }) => lagChanges === 2));
});

test('REP-9 two servers that follow each other, and a server and its copy, are told that one number has two contents', async () => {
  const world = new LinkServers();
  const [a, b, c] = [world.add(), world.add(), world.add({}, 7)];
  const { time, environment } = world;
  const between = new NetworkLink(a, b, { time, environment, delayMs: () => 2_000 });
  world.links.push(between);
  between.up();
  world.link(c, a);
  void c.replicas.write('p', 1);
  void b.replicas.write('p', 1);
  await world.converge();
  const twin = world.add({}, 7);
  void twin.replicas.accept('p', { records: c.replicas.bytesOf('p'), isUnfinished: false });
  world.link(twin, b);
  await world.converge();
  void c.replicas.write('p', 1, 10);
  void twin.replicas.write('p', 1, 20);
  await world.time.advance(5_000); // each of a and b had its own when it heard of the other's
  void c.replicas.write('p', 1);
  await world.time.advance(60_000);
  const told = between.events.filter(({ type }) => type === 'project-failed');
  assert.ok(told.some(({ detail }) => detail === 'p: change 2 of 7 has two contents'));
  assert.is(a.replicas.vectorOf('p').get(7), 3);
  assert.is(b.replicas.vectorOf('p').get(7), 2, 'with more of it both would seem to have the same');
  assert.ok(between.sent.length < 100, `${between.sent.length} frames`);
});

test('REP-14 a deletion comes to the peer whether a stream is open or not, and so does bringing back', async () => {
  const world = new LinkServers();
  const [a, b, c] = [world.add(), world.add(), world.add()];
  world.link(a, b);
  world.link(b, c);
  void a.replicas.write('live', 2);
  void c.replicas.write('live', 1);
  await world.converge();
  a.replicas.setLifecycle('live', 1);
  void c.replicas.write('live', 3); // it was written meanwhile, and stays where it is
  a.replicas.setLifecycle('never written', 1);
  await world.converge();
  assert.is(c.replicas.projects.get('live')?.lifecycle, 1);
  assert.is(c.replicas.projects.get('never written')?.lifecycle, 1);
  await world.idle();
  c.replicas.setLifecycle('live', 2);
  await world.converge();
  assert.is(a.replicas.vectorOf('live').get(3), 4, 'what was written meanwhile comes');
  await world.idle();
});

test('REP-14 what was deleted and brought back before anybody looked is known to the peer all the same', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  world.link(a, b);
  void a.replicas.write('p', 2);
  await world.converge();
  a.replicas.setLifecycle('p', 1);
  a.replicas.setLifecycle('p', 2);
  await world.converge(10_000);
  assert.is(b.replicas.projects.get('p')?.lifecycle, 2);
  await world.idle();
});

test('REP-14 what came while a project was deleted comes when it is back, even if nobody else knew that it was', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  world.link(a, b);
  void a.replicas.write('p', 2);
  await world.converge();
  void a.replicas.write('p', 2);
  await world.time.advance(100);
  const standing = b.replicas.standing.bind(b.replicas);
  b.replicas.standing = (project) => world.time.passes(300).then(() => standing(project)); // it is slow to say so
  b.replicas.setLifecycle('p', 1);
  void a.replicas.write('p', 3);
  await world.time.advance(250);
  b.replicas.setLifecycle('p', 2);
  await world.converge(10_000);
  assert.is(b.replicas.vectorOf('p').get(1), 7);
  await world.idle();
});

test('REP-14 what came while a project was deleted comes when it is back, also if its stream had ended by then', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  world.link(a, b);
  void a.replicas.write('p', 2);
  await world.converge();
  void a.replicas.write('p', 2); // a stream is open
  await world.time.advance(1_000);
  const meet = a.replicas.meet.bind(a.replicas);
  a.replicas.meet = async (project, theirs) => {
    const meeting = await meet(project, theirs);
    // It is deleted here, too, before the dialogue hears of it.
    if (theirs.lifecycle === 1) await world.time.passes(100);
    return meeting;
  };
  const standing = b.replicas.standing.bind(b.replicas);
  b.replicas.standing = (project) => world.time.passes(300).then(() => standing(project)); // it is slow to say so
  b.replicas.setLifecycle('p', 1);
  void a.replicas.write('p', 3);
  await world.time.advance(1_000);
  assert.is(b.replicas.vectorOf('p').get(1), 4, 'it takes nothing while it is deleted');
  b.replicas.setLifecycle('p', 2);
  await world.converge(20_000);
  assert.is(b.replicas.vectorOf('p').get(1), 7);
  await world.idle();
});

test('REP-14 what a stream brought a peer that had the project deleted comes, when this server hears elsewhere that it is back', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  world.link(a, b);
  void a.replicas.write('p', 2);
  await world.converge();
  void a.replicas.write('p', 2); // a stream is open
  await world.time.advance(10_000);
  const meet = a.replicas.meet.bind(a.replicas);
  a.replicas.meet = async (project, theirs) => {
    if (theirs.lifecycle === 1) await world.time.passes(8_000); // by then it has told of more
    return meet(project, theirs);
  };
  b.replicas.setLifecycle('p', 1);
  await world.time.advance(100);
  void a.replicas.write('p', 3);
  await world.time.advance(500);
  assert.is(b.replicas.vectorOf('p').get(1), 4, 'it takes nothing while it is deleted');
  a.replicas.setLifecycle('p', 2);
  await world.converge(60_000);
  assert.is(b.replicas.vectorOf('p').get(1), 7);
  await world.idle();
});

test('REP-2 projects that are not replicated are neither named nor taken', async () => {
  const world = new LinkServers();
  const a = world.add();
  const b = world.add({ isReplicated: (project) => !project.startsWith('private') });
  const [c] = [world.add()];
  void a.replicas.write('private of a', 1);
  void b.replicas.write('private of b', 1);
  void b.replicas.write('shared', 1);
  await world.time.advance(100);
  const link = world.link(a, b);
  world.link(b, c);
  await world.time.advance(10_000);
  void a.replicas.write('private of a', 1);
  void b.replicas.write('private of b', 1);
  await world.time.advance(10_000);
  assert.is(b.replicas.recordsOf('private of a').length, 0);
  assert.is(a.replicas.recordsOf('private of b').length, 0);
  assert.is(a.replicas.recordsOf('shared').length, 1);
  const named = link.sent.flatMap(({ by, message }) => {
    if (by === 'connects') return [];
    if (message.type === 'catalogue') return message.entries.map(({ project }) => project);
    return 'project' in message ? [message.project] : [];
  });
  assert.not.ok(named.includes('private of b'));
});

test('REP-2 projects are compared in the order of UTF-8, page by page, whoever has more', async () => {
  for (const [ofA, ofB] of [
    [0, 40],
    [40, 0],
    [3, 41],
    [41, 41],
  ] as const) {
    const world = new LinkServers();
    const [a, b] = [world.add({ pageProjects: 2 }), world.add({ pageProjects: 2 })];
    const names = ['a', 'é', '\uffee', '😀', 'z'];
    for (let i = 0; i < ofA; i++) void a.replicas.write(`${names[i % 5]}${i}`, 1);
    for (let i = 0; i < ofB; i++) void b.replicas.write(`${names[i % 5]}${i % 2 === 0 ? i : -i}`, 1);
    await world.time.advance(100);
    const link = world.link(a, b);
    await world.converge();
    assert.is(link.ends.length, 0, JSON.stringify(link.ends));
    await world.idle();
  }
});

test('REP-12 a link says how far behind each side is', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add({ batchRecords: 10 }), world.add()];
  for (let n = 0; n < 500; n++) void a.replicas.write('p', 2);
  await world.time.advance(100);
  const link = world.link(a, b);
  await world.time.until(() => (b.replicas.vectorOf('p').get(1) ?? 0) >= 200, 10_000);
  const [ofA, ofB] = link.states;
  assert.ok(ofB!.lagChanges > 0 && ofB!.lagChanges <= 800, `lag ${ofB!.lagChanges}`);
  assert.is(ofB!.lagChanges + ofB!.changesReceived, 1_000);
  assert.is(ofA!.aheadChanges + ofA!.changesSent, 1_000);
  assert.not.ok(ofB!.isInStep);
  assert.is(ofA!.peer?.serverId, 2);
  await world.converge();
  assert.is(link.states[1]!.lagChanges, 0);
  assert.is(link.states[0]!.aheadChanges, 0);
  assert.is(link.states[0]!.bytesSent, link.states[1]!.bytesReceived);
});

test('a link that has ended leaves nothing behind', async () => {
  const world = new LinkServers();
  const [a, b] = [world.add(), world.add()];
  for (let i = 0; i < 20; i++) for (let n = 0; n < 20; n++) void a.replicas.write(`p${i}`, 2);
  b.replicas.failsToAccept = (project) => (project === 'p3' ? new RejoinError('unavailable', 'No') : null);
  await world.time.advance(100);
  const link = world.link(a, b);
  await world.time.advance(200);
  const standing = a.replicas.standing.bind(a.replicas);
  a.replicas.standing = (project) => world.time.passes(50).then(() => standing(project));
  void a.replicas.write('announced at the end', 1);
  await world.time.advance(40);
  link.down();
  await Promise.all([link.settled(), world.time.advance(1_000)]);
  assert.is(a.replicas.openReaders, 0);
  assert.is(a.replicas.listening + b.replicas.listening, 0);
  assert.equal(
    link.ends.map(({ type }) => type),
    ['closed', 'closed'],
  );
  const sent = link.sent.length;
  void a.replicas.write('p1', 1);
  await world.time.advance(100_000);
  assert.is(link.sent.length, sent);
});

test.run();
