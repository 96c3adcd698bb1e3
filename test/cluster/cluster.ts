// Three servers on one machine, each linked with the two others through a line that can be cut: for trying out how they heal.
// `npm run cluster` runs it in a terminal (terminal.ts).

import type { TestServer } from '../support/server.ts';
import { startServer } from '../support/server.ts';
import { metric } from '../support/metrics.ts';
import { startRelay, type Relay } from '../support/relay.ts';

const ids = [1, 2, 3] as const;

interface Line {
  /** The lower one accepts, the higher one connects. */
  readonly lower: number;
  readonly higher: number;
  readonly relay: Relay;
}

export const commands = 'cut 1 2 · join 1 2 · status · quit';

export class Cluster {
  private constructor(
    private readonly servers: ReadonlyMap<number, TestServer>,
    private readonly lines: readonly Line[],
  ) {}

  /** Starts the servers over new folders, on free ports; all lines are open. */
  static async start(): Promise<Cluster> {
    const servers = new Map<number, TestServer>();
    const lines: Line[] = [];
    for (const id of ids) {
      const own: Line[] = [];
      for (const [lower, { url }] of servers) own.push({ lower, higher: id, relay: await startRelay(url) });
      const peers = own.map(({ relay }) => relay.url);
      const peerRetry = { shortestMs: 200, longestMs: 1_000 };
      servers.set(id, await startServer({ serverId: id, peers, peerRetry }));
      lines.push(...own);
    }
    return new Cluster(servers, lines);
  }

  /** `http://127.0.0.1:PORT` of a server. */
  url(id: number): string {
    return this.servers.get(id)?.url ?? '';
  }

  /** Does what a line of the terminal says. @returns what to print. */
  async run(command: string): Promise<string> {
    const [verb = '', ...rest] = command.trim().split(/\s+/);
    if (verb === 'status') return this.status();
    if (verb !== 'cut' && verb !== 'join') return `Say one of: ${commands}`;
    const line = this.between(rest.map(Number));
    if (!line) return `${verb} needs two different servers of ${ids.join(', ')}: ${verb} 1 2`;
    line.relay.isShut = verb === 'cut';
    if (verb === 'cut') line.relay.cut();
    return `${line.lower} and ${line.higher} are ${verb === 'cut' ? 'cut off from each other' : 'joined'}`;
  }

  async close(): Promise<void> {
    for (const { relay } of this.lines) await relay.close();
    for (const server of this.servers.values()) await server.remove();
  }

  private between([one, other]: readonly number[]): Line | undefined {
    return this.lines.find(
      ({ lower, higher }) =>
        lower === Math.min(one ?? 0, other ?? 0) && higher === Math.max(one ?? 0, other ?? 0),
    );
  }

  private async status(): Promise<string> {
    const servers = [...this.servers].map(([id, { url }]) => `server ${id}   ${url}`);
    const lines = await Promise.all(
      this.lines.map(async ({ lower, higher, relay }) => {
        const peer = { peer: relay.url };
        const isConnected = (await metric(this.url(higher), 'rejoin_peer_connected', peer)) === 1;
        const lag = await metric(this.url(higher), 'rejoin_peer_lag_changes', peer);
        const state = relay.isShut
          ? 'cut'
          : isConnected
            ? `linked, ${higher} lacks ${lag} changes`
            : 'connecting';
        return `${lower} – ${higher}      ${state}`;
      }),
    );
    return [...servers, ...lines].join('\n');
  }
}
