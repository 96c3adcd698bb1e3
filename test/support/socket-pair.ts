// Both ends of a WebSocket, for tests of what the server does with its end.

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';

export interface SocketPair {
  readonly server: WebSocket;
  readonly client: WebSocket;
  end(): void;
}

export async function socketPair(): Promise<SocketPair> {
  const listener = new WebSocketServer({ host: '127.0.0.1', port: 0 });
  await once(listener, 'listening');
  const accepted = new Promise<WebSocket>((resolve) => listener.once('connection', resolve));
  const client = new WebSocket(`ws://127.0.0.1:${(listener.address() as AddressInfo).port}`);
  const [server] = await Promise.all([accepted, once(client, 'open')]);
  for (const socket of [server, client]) socket.on('error', () => undefined);
  return {
    server,
    client,
    end: () => {
      for (const socket of [server, client]) socket.terminate();
      listener.close();
    },
  };
}
