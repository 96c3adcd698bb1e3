// What a log has lost comes back from another server into its place: nothing else is taken, and nothing shows that it was lost.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { ProjectKeys } from '../../src/store/keys.ts';
import { readQuarantine } from '../../src/store/quarantine.ts';
import type { Store } from '../../src/store/store.ts';
import { give, exchange, memoryServer, sameProject, type MemoryServer } from '../support/memory-servers.ts';
import { until } from '../support/until.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const test = suite('repair of a project');
const keys = new ProjectKeys('p');

async function twoServers(): Promise<{ a: MemoryServer; b: MemoryServer }> {
  const [a, b] = [memoryServer(1), memoryServer(2)];
  for (const uuid of ['a', 'b', 'c', 'd']) await uploadEntry(a.projects, 'p', uuid);
  await give(a, b);
  await uploadEntry(b.projects, 'p', 'of b');
  await edit(b, 'text of b');
  await exchange(a, b);
  await edit(a, 'text of a');
  await exchange(a, b);
  return { a, b };
}

async function edit({ projects }: MemoryServer, text: string): Promise<void> {
  await projects.use('p', async (project) => {
    const state = await project.encode((doc) => Y.encodeStateAsUpdate(doc));
    const doc = new Y.Doc();
    Y.applyUpdate(doc, state);
    const before = Y.encodeStateVector(doc);
    doc.getText('text').insert(doc.getText('text').length, text);
    await project.applyUpdate(Y.encodeStateAsUpdate(doc, before), { protocol: 'yjs', user: 'ann' });
  });
}

/** As a link does it. */
async function heal(damaged: MemoryServer, peer: MemoryServer): Promise<void> {
  for (const range of await damaged.replicas.lost('p'))
    for await (const records of peer.replicas.read('p', range))
      await damaged.replicas.repair('p', records, peer.replicas.serverId);
  await damaged.replicas.finishRepair('p');
}

/** Opened anew, behind something that was done to its store. */
async function reopened(
  server: MemoryServer,
  change: (store: Store) => Promise<void>,
): Promise<MemoryServer> {
  await server.projects.close();
  const { store } = server;
  await store.reopen();
  await change(store);
  return memoryServer(server.replicas.serverId, store);
}

async function spoil(store: Store, position: number): Promise<void> {
  const record = Buffer.from((await store.get(keys.record(position))) ?? []);
  record[record.length - 3]! ^= 4;
  await store.write([{ key: keys.record(position), value: record }]);
}

async function checked(server: MemoryServer): Promise<void> {
  server.projects.checks.suspect('p');
  await until('what is lost was noted', async () => (await readQuarantine(server.store, keys)).length > 0);
}

test('a record that fails its checksum comes back into its place, and the mark goes with it', async () => {
  const { a, b } = await twoServers();
  const damaged = await reopened(a, (store) => spoil(store, 2));
  await checked(damaged);
  assert.equal(await readQuarantine(damaged.store, keys), [{ serverId: 1, seqno: 2, position: 2 }]);
  await heal(damaged, b);
  assert.equal(await readQuarantine(damaged.store, keys), []);
  await sameProject(damaged, b);
});

test('a hole comes back, though the index has lost its numbers too', async () => {
  const { a, b } = await twoServers();
  const damaged = await reopened(a, async (store) => {
    for (const at of [2, 3])
      await store.write([
        { key: keys.record(at), value: null },
        { key: keys.sequence(1, at), value: null },
        { key: keys.uuid('entry', at === 2 ? 'b' : 'c'), value: null },
      ]);
  });
  await checked(damaged);
  await heal(damaged, b);
  await sameProject(damaged, b);
  assert.equal(await readQuarantine(damaged.store, keys), []);
});

test.run();
