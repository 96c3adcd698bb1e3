// A way to a server that misbehaves as networks do: it cuts connections, lets none through, takes them and forwards nothing, or
// takes its time. Its address stays when the server behind it comes back on another port. The campaigns with real servers use it.

import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

/** `shut` lets no connection through; `stalled` takes them, and forwards nothing until it is healed. */
export type RelayState = 'open' | 'shut' | 'stalled';

export class FaultyRelay {
  /** Each piece that goes through waits that long, one after the other. */
  delayMs = 0;
  private state: RelayState = 'open';
  private target: { readonly port: number; readonly hostname: string } | null = null;
  private readonly sockets = new Set<Socket>();
  private readonly waiting = new Set<() => void>();

  private constructor(private readonly listener: Server) {
    listener.on('connection', (client) => this.accept(client));
  }

  /** Listens on a free port of loopback; it leads nowhere yet. */
  static async open(): Promise<FaultyRelay> {
    const listener = createServer();
    await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
    return new FaultyRelay(listener);
  }

  /** `http://127.0.0.1:PORT` */
  get url(): string {
    return `http://127.0.0.1:${(this.listener.address() as AddressInfo).port}`;
  }

  /** How many connections are open now, from both sides. */
  get connections(): number {
    return this.sockets.size;
  }

  /** New connections go there. @param url `http://HOST:PORT` */
  leadTo(url: string): void {
    const { hostname, port } = new URL(url);
    this.target = { hostname, port: Number(port) };
  }

  /** Ends all connections at once. New ones are let through unless it is shut. */
  cut(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  set(state: RelayState): void {
    this.state = state;
    if (state === 'shut') this.cut();
    if (state !== 'stalled') this.wake();
  }

  /** Open, and as fast as it can be. */
  heal(): void {
    this.delayMs = 0;
    this.set('open');
  }

  async close(): Promise<void> {
    this.set('shut');
    await new Promise((resolve) => this.listener.close(resolve));
  }

  private accept(client: Socket): void {
    client.on('error', () => undefined); // its close follows
    if (this.state === 'shut' || !this.target) {
      client.destroy();
      return;
    }
    const server = connect(this.target.port, this.target.hostname);
    for (const [from, to] of [
      [client, server],
      [server, client],
    ] as const) {
      this.sockets.add(from);
      from.on('error', () => undefined);
      from.on('close', () => {
        this.sockets.delete(from);
        if (from.errored) to.destroy();
      });
      void this.forward(from, to);
    }
  }

  private async forward(from: Socket, to: Socket): Promise<void> {
    try {
      for await (const piece of from) {
        if (this.delayMs > 0) await sleep(this.delayMs);
        while (this.state === 'stalled') await new Promise<void>((resolve) => this.waiting.add(resolve));
        await new Promise<void>((resolve) => to.write(piece as Buffer, () => resolve()));
      }
      to.end();
    } catch {
      to.destroy(); // the connection broke: so does the other half
    }
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }
}
