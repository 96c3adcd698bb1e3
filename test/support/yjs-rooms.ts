// The adapter of `/yjs` on a socket server of its own, over a store that the test chooses: tests that hold or fail the
// store, or look at the server's ends of the sockets.

import type { AddressInfo } from 'node:net';
import { WebSocketServer, type WebSocket } from 'ws';
import { YjsAdapter, yjsFrameBytesMax } from '../../src/adapters/yjs.ts';
import { Projects } from '../../src/core/projects.ts';
import { realEnvironment as environment } from '../../src/model/environment.ts';
import type { Store } from '../../src/store/store.ts';
import { parseYjsPath } from '../../src/wire/yjs-path.ts';

export interface YjsRooms {
  /** `ws://127.0.0.1:PORT` */
  readonly url: string;
  readonly projects: Projects;
  /** The server's end of the socket that was opened last. */
  newest(): WebSocket;
  /** How many sockets were opened. */
  opened(): number;
  /** Closes all sockets and the store. */
  end(): Promise<void>;
}

/** @param acquire takes the place of the projects' own, for rooms that can't be opened. */
export async function startYjsRooms(store: Store, acquire?: Projects['acquire']): Promise<YjsRooms> {
  const observer = { observe: () => undefined };
  const projects = new Projects({ store, life: { serverId: 7, epoch: 1 }, environment, observer });
  if (acquire) projects.acquire = acquire;
  const log = {
    refused: () => undefined,
    defect: (_wire: string, error: unknown) => {
      if (!acquire) throw error;
    },
  };
  const adapter = new YjsAdapter(projects, { environment, log });
  const sockets = new WebSocketServer({ port: 0, host: '127.0.0.1', maxPayload: yjsFrameBytesMax });
  const opened: WebSocket[] = [];
  sockets.on('connection', (socket, { url }) => {
    opened.push(socket);
    socket.on('error', () => undefined); // its close follows
    void adapter.accept(socket, parseYjsPath(url!)!);
  });
  await new Promise((resolve) => sockets.on('listening', resolve));
  return {
    url: `ws://127.0.0.1:${(sockets.address() as AddressInfo).port}`,
    projects,
    newest: () => opened.at(-1)!,
    opened: () => opened.length,
    end: async () => {
      for (const client of sockets.clients) client.terminate();
      await new Promise((resolve) => sockets.close(resolve));
      adapter.end();
      await projects.close();
      await store.close();
    },
  };
}
