// Servers of the model with links between them, for the tests of links.

import * as assert from 'uvu/assert';
import * as prng from 'lib0/prng';
import type { Environment } from '../../src/model/environment.ts';
import type { LinkOptions } from '../../src/replication/link-transport.ts';
import { NetworkLink, type NetworkOptions } from './link-network.ts';
import { ModelReplicas, type ModelOptions } from './model-replicas.ts';
import { SimulatedTime } from './simulated-time.ts';

export interface LinkServer {
  readonly replicas: ModelReplicas;
  readonly instance: Uint8Array;
}

export class LinkServers {
  readonly time = new SimulatedTime();
  readonly environment: Environment;
  readonly servers: LinkServer[] = [];
  readonly links: NetworkLink[] = [];

  constructor(
    readonly generator: prng.PRNG = prng.create(1),
    private readonly network: Partial<NetworkOptions> = {},
  ) {
    this.environment = {
      now: () => this.time.nowMs,
      randomBytes: (count) => Uint8Array.from({ length: count }, () => prng.uint32(generator, 0, 255)),
      after: (delayMs, run) => this.time.after(delayMs, run),
    };
  }

  add(options: Partial<ModelOptions> = {}, serverId = this.servers.length + 1): LinkServer {
    const syncMs = (): number => prng.uint32(this.generator, 1, 20);
    const replicas = new ModelReplicas(serverId, this.time, {
      batchRecords: 3,
      pageProjects: 3,
      readMs: 1,
      syncMs,
      ...options,
    });
    const server = { replicas, instance: this.environment.randomBytes(16) };
    this.servers.push(server);
    return server;
  }

  link(connecting: LinkServer, accepting: LinkServer, options: Partial<LinkOptions> = {}): NetworkLink {
    const network = {
      time: this.time,
      environment: this.environment,
      delayMs: () => prng.uint32(this.generator, 1, 30),
      ...this.network,
    };
    const link = new NetworkLink(connecting, accepting, network, options);
    this.links.push(link);
    link.up();
    return link;
  }

  /** Lets time pass until all servers have the same, and their links say so. */
  async converge(limitMs = 120_000): Promise<void> {
    const isDone = await this.time.until(
      () => this.isSame && this.links.every(({ isInStep }) => isInStep),
      limitMs,
    );
    assert.ok(isDone, `the servers became equal: ${this.differences().join('; ')}`);
    this.noFaults();
  }

  /** What comes of it after a moment. */
  async passing<T>(result: Promise<T>): Promise<T> {
    await this.time.advance(10);
    return result;
  }

  get isSame(): boolean {
    return this.differences().length === 0;
  }

  /** Projects in which a server differs from the first. */
  differences(): string[] {
    const ids = new Set(this.servers.flatMap(({ replicas }) => [...replicas.projects.keys()]));
    const [first, ...rest] = this.servers;
    return [...ids].flatMap((id) =>
      rest
        .filter(({ replicas }) => stateOf(replicas, id) !== stateOf(first!.replicas, id))
        .map(({ replicas }) => `${id} of ${replicas.serverId}`),
    );
  }

  noFaults(): void {
    assert.equal(
      this.servers.flatMap(({ replicas }) => replicas.faults),
      [],
    );
    assert.equal(
      this.links.flatMap(({ faults }) => faults),
      [],
    );
  }

  /** Asserts that the links are silent. */
  async idle(forMs = 300_000): Promise<void> {
    await this.time.advance(60_000); // what was under way may come to its end
    const before = this.links.map(({ sent }) => sent.length);
    await this.time.advance(forMs);
    const after = this.links.map(({ sent }, at) => sent.slice(before[at]).map(({ message }) => message.type));
    assert.equal(
      after,
      this.links.map(() => []),
      'an idle link sends nothing',
    );
  }
}

/** What must be equal on two servers: of a deleted project, that it is. */
function stateOf(replicas: ModelReplicas, id: string): string {
  const lifecycle = replicas.projects.get(id)?.lifecycle ?? 0;
  return lifecycle % 2 === 1 ? `deleted ${lifecycle}` : `${lifecycle} ${replicas.recordsOf(id).join('\n')}`;
}
