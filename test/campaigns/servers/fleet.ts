// Two or three servers as processes that replicate over relays which can be cut, each with a relay of its own for its clients: so
// that a server that was killed and started again has the address that it had.

import { setTimeout as sleep } from 'node:timers/promises';
import { FaultyRelay } from '../../support/faulty-relay.ts';
import { startProcess, type ServerProcess } from '../../support/server.ts';
import { removeFolder, temporaryFolder } from '../../support/temporary.ts';
import type { Address } from '../kill9/writer.ts';
import { within } from '../kill9/within.ts';

/** Who connects to whom, by server ids. */
export const shapes = {
  alone: [],
  pair: [[1, 2]],
  chain: [
    [1, 2],
    [2, 3],
  ],
  star: [
    [2, 1],
    [3, 1],
  ],
  ring: [
    [1, 2],
    [2, 3],
    [3, 1],
  ],
} as const satisfies Readonly<Record<string, readonly (readonly [number, number])[]>>;
export type Shape = keyof typeof shapes;

export interface Line {
  readonly from: number;
  readonly to: number;
  readonly relay: FaultyRelay;
}

export class FleetServer implements Address {
  process: ServerProcess | null = null;
  private isNew = true;
  /** Everything that its processes have said. */
  private said = '';

  constructor(
    readonly id: number,
    /** Its folder. */
    readonly data: string,
    readonly front: FaultyRelay,
    private readonly peers: readonly string[],
    private readonly lines: readonly Line[],
  ) {}

  get url(): string {
    return this.front.url;
  }

  get socketUrl(): string {
    return this.url.replace('http', 'ws');
  }

  get output(): string {
    return this.said + (this.process?.output() ?? '');
  }

  async start(): Promise<void> {
    const flags = this.peers.flatMap((url) => ['--peer', url]);
    if (this.isNew) flags.push('--server-id', String(this.id)); // later it may have taken another
    this.process = await startProcess(this.data, { flags });
    this.isNew = false;
    for (const relay of [this.front, ...this.lines.map((line) => line.relay)]) relay.leadTo(this.process.url);
  }

  /** @returns the exit code, or null if the signal has ended it. */
  async end(signal: NodeJS.Signals): Promise<number | null> {
    if (!this.process) return null;
    const code = await within(this.process.kill(signal), `the end of server ${this.id}`);
    this.said += this.process.output();
    this.process = null;
    return code;
  }
}

export class Fleet {
  private constructor(
    readonly shape: Shape,
    readonly servers: readonly FleetServer[],
    readonly lines: readonly Line[],
  ) {}

  /** Over new folders. All lines are open. */
  static async start(shape: Shape): Promise<Fleet> {
    const lines: Line[] = [];
    for (const [from, to] of shapes[shape]) lines.push({ from, to, relay: await FaultyRelay.open() });
    const ids = [...new Set([1, ...shapes[shape].flat()])].sort();
    const servers: FleetServer[] = [];
    for (const id of ids) {
      const peers = lines.filter(({ from }) => from === id).map(({ relay }) => relay.url);
      const own = lines.filter(({ to }) => to === id);
      servers.push(new FleetServer(id, await temporaryFolder(), await FaultyRelay.open(), peers, own));
    }
    const fleet = new Fleet(shape, servers, lines);
    try {
      await Promise.all(servers.map((server) => server.start()));
    } catch (error) {
      await fleet.remove();
      throw error;
    }
    return fleet;
  }

  /** All lines are open and all servers run. */
  async heal(): Promise<void> {
    for (const { relay } of this.lines) relay.heal();
    for (const { front } of this.servers) front.heal();
    await Promise.all(this.servers.filter(({ process }) => !process).map((server) => server.start()));
  }

  /** In an orderly way; the folders stay. @returns what was wrong with that. */
  async stop(): Promise<string[]> {
    const problems: string[] = [];
    for (const server of this.servers) {
      const code = await server.end('SIGTERM');
      if (code !== 0) problems.push(`server ${server.id} ended with ${code ?? 'a signal'}`);
    }
    return problems;
  }

  /** Leaves no process and no folder behind. */
  async remove(): Promise<void> {
    await Promise.all(this.servers.map((server) => server.end('SIGKILL')));
    for (const { relay } of this.lines) await relay.close();
    for (const { front, data } of this.servers) {
      await front.close();
      await removeFolder(data);
    }
  }
}

/** Lines of the log that a server writes when something is wrong with itself. */
export function errorLines(output: string): string[] {
  return output.match(/^.*"level":(?:50|60).*$/gm) ?? [];
}

/** Only a failure takes as long: a link that is dead unnoticed is given up after 80 s, and tried again after 30 s. */
const eventuallyMs = 240_000;
/** What it asks costs the servers something. */
const askEveryMs = 300;

/**
 * Asks until there is nothing left to wait for.
 * @param missing says what is still to come, or null.
 * @param everyMs between two looks.
 * @returns what never came, or null.
 */
export async function eventually(
  missing: () => Promise<string | null>,
  everyMs = askEveryMs,
): Promise<string | null> {
  const deadline = Date.now() + eventuallyMs;
  for (;;) {
    const reason = await missing();
    if (reason === null) return null;
    if (Date.now() > deadline) return `not within ${eventuallyMs / 1000} s: ${reason}`;
    await sleep(everyMs);
  }
}
