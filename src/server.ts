// The composition root: store → projects → adapters on one HTTP server.

import type { Logger } from 'pino';
import { isLoopback } from './adapters/access.ts';
import { RestAdapter } from './adapters/rest.ts';
import { Sockets } from './adapters/sockets.ts';
import { StreamAdapter } from './adapters/stream.ts';
import { UdtAdapter } from './adapters/udt.ts';
import { YjsAdapter } from './adapters/yjs.ts';
import { Control } from './control.ts';
import { Operations } from './core/operations.ts';
import { Projects } from './core/projects.ts';
import { Replicas } from './core/replicas.ts';
import { RejoinError } from './errors.ts';
import { HttpFront, type StopTimes } from './http-front.ts';
import { MeasuredStore } from './measured-store.ts';
import { Metrics } from './metrics.ts';
import { realEnvironment, type Environment } from './model/environment.ts';
import { Observations, eventTypes } from './observations.ts';
import { readPeerSettings, type PeerOptions } from './peer-settings.ts';
import { Link } from './replication/link.ts';
import { Peers } from './replication/peers.ts';
import type { RetryLimits } from './replication/retry-pauses.ts';
import { openDataFolder } from './store/data-folder.ts';
import { bytesFree, bytesIn } from './store/disk-usage.ts';
import { realTimers } from './replication/real-timers.ts';
import { defaultAddress, defaultBodyBytesMax } from './server-defaults.ts';

export interface ServerOptions extends PeerOptions {
  /** The folder of the database; it is made if there is none. */
  readonly data: string;
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port?: number;
  /** File descriptors of listening sockets that a supervisor opened: served in place of host and port. */
  readonly listenFds?: readonly number[];
  /** The server id of a new folder: 1 to 2^48 − 1. */
  readonly serverId?: number | undefined;
  /** The address that users reach the server at, behind a proxy. */
  readonly publicUrl?: URL | undefined;
  /** Origins whose pages may open sockets, beside loopback ones and the server's own. */
  readonly allowedOrigins?: readonly string[];
  /** Bind to other than loopback addresses, though there is no access control. */
  readonly insecure?: boolean;
  /** UDT's API serves every project, not only sessions. */
  readonly udtAll?: boolean;
  /** How much memory open projects may take, about. Bytes. */
  readonly cacheBytes?: number;
  /** How long the update bytes of the log stay after a snapshot covers them. Milliseconds. */
  readonly keepUpdatesMs?: number;
  /** How long versions of UDT sessions stay (UDT-13). Milliseconds, at least an hour. */
  readonly udtHistoryMs?: number;
  /** A larger request body is refused: bytes (default 128 MiB). */
  readonly bodyBytesMax?: number;
  /** How long an idle HTTP connection is held for one more request when the server stops (default 3 s). */
  readonly holdMs?: number;
  /** GET /metrics tells of the whole process too: for whoever has it to itself. */
  readonly measuresProcess?: boolean;
  /** How long to wait before a lost peer is tried again (default 1 to 30 s). */
  readonly peerRetry?: RetryLimits;
  readonly log?: Logger;
  readonly environment?: Environment;
}

export interface RejoinServer {
  readonly serverId: number;
  /** `http://HOST:PORT`. */
  readonly url: string;
  /** Finishes what is in flight, closes sockets with 1012, then the database. */
  close(): Promise<void>;
}

/** UDT's clients poll every second or so, and stop for good when one poll fails: each is to be heard once more. */
const defaultHoldMs = 3_000;
const stopTimes: Omit<StopTimes, 'holdMs'> = { requestsMs: 20_000, socketsMs: 5_000 };

/**
 * Starts a server. Resolves when it answers.
 * @throws RejoinError `usage`, `data-in-use`, `data-unusable`, `data-newer`, `address-in-use`,
 *   `address-unusable`.
 */
export async function createServer(options: ServerOptions): Promise<RejoinServer> {
  const { host = defaultAddress.host, port = defaultAddress.port, listenFds: inherited = [], log } = options;
  const environment = options.environment ?? realEnvironment;
  const mayBeOpen = options.insecure ?? false;
  if (inherited.length === 0 && !isLoopback(host) && !mayBeOpen) {
    const message = `--host ${host} would let everybody who reaches that address read and write: add --insecure if that is all right`;
    throw new RejoinError('usage', message);
  }
  const peerSettings = readPeerSettings(options);
  for (const warning of peerSettings.warnings) log?.warn({ type: 'peer-settings' }, warning);
  const folder = await openDataFolder(options.data, {
    environment,
    serverId: options.serverId,
    onTrouble: (detail) => log?.error({ type: 'data-folder' }, detail),
  });
  for (const warning of folder.warnings) log?.warn({ type: 'data-folder' }, warning);

  const metrics: Metrics = new Metrics(
    {
      measuresProcess: options.measuresProcess ?? false,
      openProjects: () => projects.openCount,
      isWritable: () => projects.writingProblem === null,
      bytesOnDisk: () => bytesIn(options.data),
      bytesFree: () => bytesFree(options.data),
      peers: () => peers,
    },
    eventTypes,
  );
  const observations: Observations = new Observations({ log, metrics, environment });
  const { life } = folder;
  const store = new MeasuredStore(folder.store, () => metrics.startCommit());
  const projects: Projects = new Projects({
    store,
    life,
    takeLife: (reason) => folder.takeLife(reason),
    witness: folder.witness,
    environment,
    observer: observations,
    memory: options.cacheBytes === undefined ? {} : { bytesMax: options.cacheBytes },
    upkeep: {
      ...(options.keepUpdatesMs !== undefined && { keepUpdatesMs: options.keepUpdatesMs }),
      ...(options.udtHistoryMs !== undefined && { udtHistoryMs: options.udtHistoryMs }),
    },
  });
  projects.wanted.hasPeers = peerSettings.urls.length > 0;
  const replicas = new Replicas(projects, { isReplicated: peerSettings.isReplicated });
  const peers: Peers = new Peers({
    serverId: () => replicas.serverId,
    environment,
    timers: realTimers,
    observe: (event) => observations.observe(event),
    urls: peerSettings.urls,
    token: peerSettings.token,
    ...(options.peerRetry && { retry: options.peerRetry }),
    makeLink: (linkOptions) => new Link({ ...linkOptions, replicas }),
  });
  const bodyBytesMax = options.bodyBytesMax ?? defaultBodyBytesMax;
  const yjs = new YjsAdapter(projects, { environment, log: observations });
  const front: HttpFront = new HttpFront({
    publicUrl: options.publicUrl ?? null,
    allowedOrigins: options.allowedOrigins ?? [],
    sockets: new Sockets(),
    metrics,
    observations,
    writingProblem: () => projects.writingProblem,
    stream: new StreamAdapter(projects, observations),
    yjs,
    peers,
    peerToken: peerSettings.token,
    rest: new RestAdapter({ projects, log: observations, bodyBytesMax }),
    udt: new UdtAdapter({
      projects,
      log: observations,
      shareAll: options.udtAll ?? false,
      bodyBytesMax,
      baseUrl: (requestHost) =>
        options.publicUrl?.href.replace(/\/$/, '') ?? `http://${requestHost ?? 'localhost'}`,
    }),
  });

  let control: Control | null = null;
  const closeAll = async (): Promise<void> => {
    const uncontrolled = control?.close(stopTimes.requestsMs);
    uncontrolled?.catch(() => undefined); // it is waited for below
    const holdMs = options.holdMs ?? defaultHoldMs;
    const unlinked = peers.close();
    await front.stop({ ...stopTimes, holdMs }, () => projects.finish());
    yjs.end();
    await unlinked;
    await uncontrolled;
    await projects.close();
    await folder.close();
  };
  try {
    await front.listen({ host, port, inherited }, mayBeOpen);
    const operations = new Operations(projects, (stopping) => folder.checkFiles(stopping));
    control = await Control.open(options.data, { operations, environment, log });
  } catch (error) {
    await closeAll();
    throw error;
  }
  if (folder.isDamaged) projects.checks.suspectAll();
  peers.start();
  let closing: Promise<void> | null = null;
  return {
    get serverId() {
      return projects.context.life.serverId;
    },
    url: `http://${front.address}`,
    close: () => (closing ??= closeAll()),
  };
}
