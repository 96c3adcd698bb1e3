// Servers with their real cores over stores in memory, and links between them in real time.

import * as assert from 'uvu/assert';
import { realEnvironment } from '../../src/model/environment.ts';
import type { LinkTimers } from '../../src/replication/link-transport.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import { NetworkLink, type NetworkOptions } from './link-network.ts';
import { memoryServer, sameProject, type MemoryServer } from './memory-servers.ts';
import { until } from './until.ts';

export interface LinkedServer extends MemoryServer {
  readonly instance: Uint8Array;
  readonly disk: MemoryDisk;
}

const realTime: LinkTimers & { readonly nowMs: number } = {
  get nowMs() {
    return performance.now();
  },
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

export function linkedServer(serverId: number, disk = new MemoryDisk()): LinkedServer {
  return {
    ...memoryServer(serverId, new MemoryStore(disk)),
    disk,
    instance: new Uint8Array(16).fill(serverId),
  };
}

export class LinkedProjects {
  readonly servers: LinkedServer[];
  readonly links: NetworkLink[] = [];

  constructor(count: number) {
    this.servers = Array.from({ length: count }, (_, at) => linkedServer(at + 1));
  }

  link(from: number, to: number, trouble: Partial<NetworkOptions> = {}): NetworkLink {
    const [connecting, accepting] = [this.server(from), this.server(to)];
    const network = { time: realTime, environment: realEnvironment, delayMs: () => 1, ...trouble };
    const link = new NetworkLink(connecting, accepting, network);
    this.links.push(link);
    link.up();
    return link;
  }

  server(at: number): LinkedServer {
    const server = this.servers[at];
    assert.ok(server);
    return server;
  }

  /** Resolves when all have the same of all projects: records, documents and hashes. */
  async converged(projects: readonly string[]): Promise<void> {
    await until('the servers have the same', async () => {
      const { isSame } = await this.digests(projects);
      return isSame && this.links.every(({ isInStep }) => isInStep);
    });
    const [first, ...rest] = this.servers;
    for (const other of rest)
      for (const project of projects) if (first) await sameProject(first, other, project);
    assert.equal(
      this.links.flatMap(({ faults }) => faults),
      [],
    );
  }

  /** Digests of all standings, as text. */
  async digests(projects: readonly string[]): Promise<{ isSame: boolean; ofServers: string[] }> {
    const ofServers = await Promise.all(
      this.servers.map(async ({ replicas }) => {
        const digests = await Promise.all(projects.map((project) => replicas.digest(project)));
        return digests.map((digest) => Buffer.from(digest ?? []).toString('hex')).join();
      }),
    );
    return { isSame: new Set(ofServers).size === 1, ofServers };
  }

  async close(): Promise<void> {
    for (const link of this.links) link.down();
    await Promise.all(this.links.map((link) => link.settled()));
    for (const { projects } of this.servers) await projects.close();
  }
}
