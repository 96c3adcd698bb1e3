// A way to a server that a test can cut, as a network does: for clients that wouldn't notice by themselves for a while.

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Relay {
  /** `http://127.0.0.1:PORT`, which leads to the server. */
  readonly url: string;
  /** How many have gone through, in both directions. */
  readonly bytes: number;
  /** Ends all connections at once; new ones are let through, unless it is shut. */
  cut(): void;
  /** While it is true no connection is let through. */
  isShut: boolean;
  close(): Promise<void>;
}

export async function startRelay(serverUrl: string): Promise<Relay> {
  const { hostname, port } = new URL(serverUrl);
  const sockets = new Set<Socket>();
  let bytes = 0;
  const cut = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const relay = createServer((client) => {
    if (opened.isShut) {
      client.destroy();
      return;
    }
    const server = connect(Number(port), hostname);
    for (const [socket, other] of [
      [client, server],
      [server, client],
    ] as const) {
      sockets.add(socket);
      socket.on('error', () => undefined); // its close follows
      socket.on('close', () => {
        sockets.delete(socket);
        other.destroy();
      });
      socket.on('data', (chunk) => (bytes += chunk.length));
      socket.pipe(other);
    }
  });
  await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
  const opened: Relay = {
    isShut: false,
    url: `http://127.0.0.1:${(relay.address() as AddressInfo).port}`,
    get bytes() {
      return bytes;
    },
    cut,
    close: async () => {
      cut();
      await new Promise((resolve) => relay.close(resolve));
    },
  };
  return opened;
}
