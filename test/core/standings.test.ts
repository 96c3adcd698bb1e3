// What a server tells others that it has: read from the store once, and again when something of it is another.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Replicas } from '../../src/core/replicas.ts';
import { RejoinError } from '../../src/errors.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { readQuarantine } from '../../src/store/quarantine.ts';
import type { Store } from '../../src/store/store.ts';
import { FaultyStore } from '../support/faulty-store.ts';
import { give, memoryServer, type MemoryServer } from '../support/memory-servers.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

interface Context {
  server: MemoryServer;
}

const test = suite<Context>('standings');
const keys = new ProjectKeys('p');

test.before.each((context) => {
  context.server = memoryServer(1);
});

test.after.each(({ server }) => server.projects.close());

test('REP-2 a standing is read once, however often it is asked for', async ({ server }) => {
  await uploadEntry(server.projects, 'p', 'e1');
  const first = await server.replicas.standing('p');
  const digest = await server.replicas.digest('p');
  const reads = countReads(server.store);
  assert.equal(await server.replicas.standing('p'), first);
  assert.equal(await server.replicas.digest('p'), digest);
  const meeting = await server.replicas.meet('p', first);
  assert.is(meeting.lacks || meeting.has, false);
  assert.is(reads(), 0);
});

test('REP-2 what is told is what is stored, after writes, groups of others, deletion and undeletion', async ({
  server,
}) => {
  const other = memoryServer(2);
  await uploadEntry(other.projects, 'p', 'of the other');
  const seen = new Set<string>();
  const steps = [
    () => uploadEntry(server.projects, 'p', 'e1'),
    () => uploadEntry(server.projects, 'p', 'e2'),
    () => give(other, server),
    () => server.projects.use('p', (project) => project.delete()),
    () => server.projects.use('p', (project) => project.undelete()),
    () => uploadEntry(server.projects, 'p', 'e3'),
  ];
  for (const step of steps) {
    await step();
    const told = await server.replicas.standing('p');
    const digest = await server.replicas.digest('p');
    const anew = new Replicas(server.projects);
    assert.equal(told, await anew.standing('p'));
    assert.equal(digest, await anew.digest('p'));
    seen.add(JSON.stringify([...(digest ?? [])]));
  }
  assert.is(seen.size, steps.length, 'each step changes what is told');
  await other.projects.close();
});

test('REP-2 a change whose write failed and that is stored all the same is told when the store is back', async () => {
  const store = new FaultyStore();
  const server = memoryServer(1, store);
  await uploadEntry(server.projects, 'p', 'e1');
  const before = await server.replicas.standing('p');
  const moved = new Promise<void>((resolve) => server.replicas.listen(() => resolve()));
  store.failNext('is stored');
  await uploadEntry(server.projects, 'p', 'e2').then(
    () => assert.unreachable(),
    (error: unknown) => assert.is(error instanceof RejoinError && error.code, 'outcome-unknown'),
  );
  await moved;
  const [head] = (await server.replicas.standing('p')).heads;
  assert.is(before.heads[0]?.seqno, 1);
  assert.is(head?.seqno, 2);
  await server.projects.close();
});

test('REP-2 of a project that does not exist nothing is kept', async ({ server }) => {
  assert.equal(await server.replicas.standing('p'), { lifecycle: 0, deletedMs: 0, heads: [] });
  assert.is(await server.replicas.digest('p'), null);
  const reads = countReads(server.store);
  await server.replicas.standing('p');
  assert.ok(reads() > 0);
});

test('REP-9 a flipped bit in the checksum of the last record is damage, which is checked, and no other change', async ({
  server,
}) => {
  const other = memoryServer(2);
  for (const uuid of ['a', 'b', 'c']) await uploadEntry(server.projects, 'p', uuid);
  await give(server, other);
  const record = Buffer.from((await server.store.get(keys.record(3))) ?? []);
  record[3]! ^= 4;
  await server.store.write([{ key: keys.record(3), value: record }]);
  const anew = new Replicas(server.projects);
  const told = await anew.standing('p');
  assert.equal(told.heads, [{ serverId: 1, seqno: 3, checksum: new Uint8Array(8) }]);
  assert.is((await other.replicas.meet('p', told)).lacks, false);
  assert.is((await anew.meet('p', await other.replicas.standing('p'))).lacks, false);
  await until('it was noted', async () => (await readQuarantine(server.store, keys)).length === 1);
  await other.projects.close();
});

/** @returns how many there were since. */
function countReads(store: Store): () => number {
  let reads = 0;
  const get = store.get.bind(store);
  const scan = store.scan.bind(store);
  store.get = (key) => {
    reads++;
    return get(key);
  };
  store.scan = (range) => {
    reads++;
    return scan(range);
  };
  return () => reads;
}

test.run();
