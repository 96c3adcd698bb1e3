// A server in this process over a store whose writes can be made to fail: all three wires, no disk.

import { StreamAdapter } from '../../src/adapters/stream.ts';
import { Sockets } from '../../src/adapters/sockets.ts';
import { UdtAdapter } from '../../src/adapters/udt.ts';
import { YjsAdapter } from '../../src/adapters/yjs.ts';
import { Projects } from '../../src/core/projects.ts';
import { HttpFront } from '../../src/http-front.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import { Observations } from '../../src/observations.ts';
import { FaultyStore } from './faulty-store.ts';

export interface FaultyServer {
  readonly url: string;
  readonly socketUrl: string;
  readonly store: FaultyStore;
  readonly projects: Projects;
  stop(): Promise<void>;
}

export const faultyServerId = 9;

/** @param writersWaitMs for so long after a failure writers wait. */
export async function startFaultyServer(
  options: { store?: FaultyStore; writersWaitMs?: number } = {},
): Promise<FaultyServer> {
  const { store = new FaultyStore(), writersWaitMs } = options;
  const environment = realEnvironment;
  const log = new Observations(undefined);
  const projects = new Projects({
    store,
    life: { serverId: faultyServerId, epoch: 3 },
    environment,
    observer: log,
    ...(writersWaitMs !== undefined && { writersWaitMs }),
  });
  const yjs = new YjsAdapter(projects, { environment, log });
  const front = new HttpFront({
    access: { host: '127.0.0.1', publicUrl: null, allowedOrigins: [] },
    sockets: new Sockets(),
    observations: log,
    stream: new StreamAdapter(projects, log),
    yjs,
    udt: new UdtAdapter({
      projects,
      log,
      shareAll: false,
      baseUrl: (host) => `http://${host ?? 'localhost'}`,
    }),
  });
  await front.listen('127.0.0.1', 0);
  return {
    url: `http://${front.address}`,
    socketUrl: `ws://${front.address}`,
    store,
    projects,
    stop: async () => {
      await front.stop(1_000, () => projects.finish());
      yjs.end();
      await projects.close();
    },
  };
}
