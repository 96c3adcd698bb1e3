// A server in this process over a store whose writes can be made to fail: all three wires, no disk.

import { RestAdapter } from '../../src/adapters/rest.ts';
import { StreamAdapter } from '../../src/adapters/stream.ts';
import { Sockets } from '../../src/adapters/sockets.ts';
import { UdtAdapter } from '../../src/adapters/udt.ts';
import { YjsAdapter } from '../../src/adapters/yjs.ts';
import { Projects } from '../../src/core/projects.ts';
import { HttpFront } from '../../src/http-front.ts';
import { Metrics } from '../../src/metrics.ts';
import { realEnvironment, type Environment } from '../../src/model/environment.ts';
import { Observations, eventTypes } from '../../src/observations.ts';
import { FaultyStore } from './faulty-store.ts';
import { noPeers } from './no-peers.ts';

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
  options: { store?: FaultyStore; writersWaitMs?: number; environment?: Environment } = {},
): Promise<FaultyServer> {
  const { store = new FaultyStore(), writersWaitMs, environment = realEnvironment } = options;
  const metrics = new Metrics(
    {
      measuresProcess: false,
      openProjects: () => 0,
      isWritable: () => projects.writingProblem === null,
      bytesOnDisk: () => Promise.resolve(0),
      bytesFree: () => Promise.resolve(0),
      peers: () => noPeers,
    },
    eventTypes,
  );
  const log = new Observations({ log: undefined, metrics, environment });
  const projects: Projects = new Projects({
    store,
    life: { serverId: faultyServerId, epoch: 3 },
    environment,
    observer: log,
    ...(writersWaitMs !== undefined && { writersWaitMs }),
  });
  const yjs = new YjsAdapter(projects, { environment, log });
  const front = new HttpFront({
    publicUrl: null,
    allowedOrigins: [],
    sockets: new Sockets(),
    metrics,
    observations: log,
    writingProblem: () => projects.writingProblem,
    stream: new StreamAdapter(projects, log),
    yjs,
    peers: noPeers,
    peerToken: null,
    rest: new RestAdapter({ projects, log, bodyBytesMax: 1e6 }),
    udt: new UdtAdapter({
      projects,
      log,
      shareAll: false,
      bodyBytesMax: 1e6,
      baseUrl: (host) => `http://${host ?? 'localhost'}`,
    }),
  });
  await front.listen({ host: '127.0.0.1', port: 0, inherited: [] }, false);
  return {
    url: `http://${front.address}`,
    socketUrl: `ws://${front.address}`,
    store,
    projects,
    stop: async () => {
      await front.stop({ holdMs: 0, requestsMs: 1_000, socketsMs: 1_000 }, () => projects.finish());
      yjs.end();
      await projects.close();
    },
  };
}
