// What a server has lost comes back over its links (docs/replication-protocol.md, Fetch): with the model of a core, then with
// real projects.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { ProjectKeys } from '../../src/store/keys.ts';
import { readQuarantine } from '../../src/store/quarantine.ts';
import type { ReplicationMessage } from '../../src/wire/replication/messages.ts';
import type { NetworkLink } from '../support/link-network.ts';
import { LinkServers } from '../support/link-servers.ts';
import { LinkedProjects } from '../support/linked-projects.ts';
import { RawPeer } from '../support/raw-peer.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const test = suite('repair over links');

function fetches({ sent }: NetworkLink, by: 'connects' | 'accepts'): ReplicationMessage[] {
  return sent.filter((each) => each.by === by && each.message.type === 'fetch').map(({ message }) => message);
}

test('what is lost before the link is up, and what is lost later, comes back; each row is asked for at once', async () => {
  const world = new LinkServers();
  const [one, other] = [world.add(), world.add()];
  for (let at = 0; at < 20; at++) await Promise.all([one.replicas.write('p', 1), world.time.advance(50)]);
  const link = world.link(one, other);
  await world.converge();
  link.down();
  for (const seqno of [3, 4, 5, 9]) one.replicas.lose('p', 1, seqno);
  link.up();
  await world.converge();
  const ranges = fetches(link, 'connects').map(
    (message) => message.type === 'fetch' && [message.first, message.last],
  );
  assert.equal(ranges, [
    [3, 5],
    [9, 9],
  ]);
  one.replicas.lose('p', 1, 20);
  assert.not(world.isSame);
  await world.converge();
  assert.equal(fetches(link, 'accepts'), []);
  assert.equal(new Set(one.replicas.repairsFrom), new Set([2]));
  await world.idle();
});

test('both lose something of one project: each gets back what the other has', async () => {
  const world = new LinkServers();
  const [one, other] = [world.add(), world.add()];
  for (let at = 0; at < 10; at++)
    await Promise.all([one.replicas.write('p', 1, 100_000), world.time.advance(50)]);
  world.link(one, other);
  await world.converge();
  for (const seqno of [1, 2, 3]) one.replicas.lose('p', 1, seqno);
  for (const seqno of [4, 5, 6]) other.replicas.lose('p', 1, seqno);
  await world.converge();
});

test('a peer that has lost it too gives what it has; another peer the rest', async () => {
  const world = new LinkServers();
  const [one, other, third] = [world.add(), world.add(), world.add()];
  for (let at = 0; at < 4; at++) await Promise.all([one.replicas.write('p', 1), world.time.advance(50)]);
  const links = [world.link(one, other), world.link(one, third)];
  await world.converge();
  links[1]!.down();
  one.replicas.lose('p', 1, 1);
  one.replicas.lose('p', 1, 2);
  other.replicas.lose('p', 1, 2);
  await world.time.advance(20_000);
  const [lost] = await Promise.all([one.replicas.lost('p'), world.time.advance(10)]);
  assert.equal(lost, [{ serverId: 1, first: 2, last: 2 }]);
  links[1]!.up();
  await world.converge(300_000);
});

test('a peer that does not say that it answers is not asked', async () => {
  const world = new LinkServers();
  const server = world.add();
  await Promise.all([server.replicas.write('p', 1), world.time.advance(50)]);
  server.replicas.lose('p', 1, 1);
  const peers = [[], ['fetch']].map((capabilities) => {
    const peer = new RawPeer(world, server);
    peer.hello({ capabilities });
    return peer;
  });
  await world.time.advance(1_000);
  assert.equal(
    peers.map((peer) => peer.got('fetch').length),
    [0, 1],
  );
});

test('a peer that has lost the same is not asked again and again', async () => {
  const world = new LinkServers();
  const [one, other] = [world.add(), world.add()];
  for (let at = 0; at < 80; at++) await Promise.all([one.replicas.write('p', 1), world.time.advance(50)]);
  const link = world.link(one, other);
  await world.converge();
  for (let seqno = 2; seqno < 80; seqno += 2)
    for (const { replicas } of [one, other]) replicas.lose('p', 1, seqno);
  await world.time.advance(600_000);
  const asked = fetches(link, 'connects').length;
  assert.ok(asked > 0 && asked < 150, `${asked} questions in ten minutes`);
});

test('a peer that answers slowly has time to; one that falls silent keeps a project from no other peer, and may still answer', async () => {
  const world = new LinkServers();
  const [one, third] = [world.add(), world.add()];
  for (let at = 0; at < 4; at++) await Promise.all([one.replicas.write('p', 1), world.time.advance(50)]);
  const link = world.link(one, third);
  await world.converge();
  link.down();
  one.replicas.lose('p', 1, 2);
  const peer = new RawPeer(world, one);
  peer.hello({ capabilities: ['fetch'] });
  await world.time.advance(1_000);
  link.up();
  const answer = { type: 'fetched', project: 'p', serverId: 1, records: [] } as const;
  for (let parts = 0; parts < 4; parts++) {
    await world.time.advance(100_000);
    assert.equal(fetches(link, 'connects'), [], 'who answers is asked alone');
    peer.send({ ...answer, isLast: false });
  }
  await world.converge(300_000);
  assert.is(fetches(link, 'connects').length, 1);
  peer.send({ ...answer, isLast: true });
  one.replicas.lose('p', 1, 3);
  await world.converge(300_000);
  assert.is(peer.closed, null);
  assert.equal(peer.ends, []);
});

test('REP-5 with real projects: a damaged server that meets its peer has all again', async () => {
  const linked = new LinkedProjects(2);
  const [a, b] = [linked.server(0), linked.server(1)];
  const link = linked.link(0, 1);
  for (let at = 0; at < 30; at++) await uploadEntry((at % 3 === 0 ? b : a).projects, 'p', `entry ${at}`);
  await linked.converged(['p']);
  const keys = new ProjectKeys('p');
  for (const position of [4, 5, 6, 20]) await a.store.write([{ key: keys.record(position), value: null }]);
  a.projects.checks.suspect('p');
  await until('the changes are back', async () => {
    const isThere = await Promise.all([4, 5, 6, 20].map((at) => a.store.get(keys.record(at))));
    return isThere.every((value) => value !== undefined);
  });
  await linked.converged(['p']);
  assert.equal(await readQuarantine(a.store, keys), []);
  const events = a.events.filter(({ type }) => type === 'changes-repaired');
  assert.match(events.at(-1)?.detail ?? '', /back from server 2: [0-9]+; still missing: 0/);
  assert.ok(fetches(link, 'connects').length >= 2);
  await linked.close();
});

test.run();
