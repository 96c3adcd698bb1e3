// Spoils what a server in memory has stored, and gives it back what it has lost from another one, as a link does it.

import { ProjectKeys } from '../../src/store/keys.ts';
import { readQuarantine } from '../../src/store/quarantine.ts';
import type { Store } from '../../src/store/store.ts';
import { memoryServer, type MemoryServer } from './memory-servers.ts';
import { until } from './until.ts';

const keys = new ProjectKeys('p');

/** Opened anew, behind something that was done to its store. */
export async function reopened(
  server: MemoryServer,
  change: (store: Store) => Promise<void> = () => Promise.resolve(),
): Promise<MemoryServer> {
  await server.projects.close();
  const { store } = server;
  await store.reopen();
  await change(store);
  return memoryServer(server.replicas.serverId, store);
}

/** What the damaged server has lost of `p` is noted. */
export async function checked(server: MemoryServer): Promise<void> {
  server.projects.checks.suspect('p');
  await until('what is lost was noted', async () => (await readQuarantine(server.store, keys)).length > 0);
}

/** What the peer has of it is put back. */
export async function putBack(damaged: MemoryServer, peer: MemoryServer): Promise<void> {
  for (const range of await damaged.replicas.lost('p'))
    for await (const records of peer.replicas.read('p', range))
      await damaged.replicas.repair('p', records, peer.replicas.serverId);
}

/** As `putBack`; what nobody knows of is closed. */
export async function heal(damaged: MemoryServer, peer: MemoryServer): Promise<void> {
  await putBack(damaged, peer);
  await damaged.replicas.finishRepair('p');
}
