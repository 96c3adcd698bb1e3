// The composition root: store → projects → adapters on one HTTP server.

import type { Logger } from 'pino';
import { isLoopback, type AccessRules } from './adapters/access.ts';
import { Sockets } from './adapters/sockets.ts';
import { StreamAdapter } from './adapters/stream.ts';
import { UdtAdapter } from './adapters/udt.ts';
import { YjsAdapter } from './adapters/yjs.ts';
import { Projects } from './core/projects.ts';
import { RejoinError } from './errors.ts';
import { HttpFront } from './http-front.ts';
import { realEnvironment, type Environment } from './model/environment.ts';
import { Observations } from './observations.ts';
import { openDataFolder } from './store/data-folder.ts';

export interface ServerOptions {
  /** The folder of the database; it is made if there is none. */
  readonly data: string;
  readonly host?: string;
  /** 0 takes any free port. */
  readonly port?: number;
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

export const defaultAddress = { host: '127.0.0.1', port: 6003 } as const;

/** How long clients have to finish when the server stops. */
const graceMs = 5_000;

/**
 * Starts a server. Resolves when it answers.
 * @throws RejoinError `usage`, `data-in-use`, `data-unusable`, `data-newer`, `address-in-use`,
 *   `address-unusable`.
 */
export async function createServer(options: ServerOptions): Promise<RejoinServer> {
  const { host = defaultAddress.host, port = defaultAddress.port, log } = options;
  const environment = options.environment ?? realEnvironment;
  if (!isLoopback(host) && options.insecure !== true) {
    const message = `--host ${host} would let everybody who reaches that address read and write: add --insecure if that is all right`;
    throw new RejoinError('usage', message);
  }
  const folder = await openDataFolder(options.data, {
    environment,
    serverId: options.serverId,
    onTrouble: (detail) => log?.error({ type: 'data-folder' }, detail),
  });
  for (const warning of folder.warnings) log?.warn({ type: 'data-folder' }, warning);

  const observations = new Observations(log);
  const { store, life } = folder;
  const projects = new Projects({ store, life, environment, observer: observations });
  const access: AccessRules = {
    host,
    publicUrl: options.publicUrl ?? null,
    allowedOrigins: options.allowedOrigins ?? [],
  };
  const sockets = new Sockets();
  const yjs = new YjsAdapter(projects, { environment, log: observations });
  const front: HttpFront = new HttpFront({
    access,
    sockets,
    observations,
    stream: new StreamAdapter(projects, observations),
    yjs,
    udt: new UdtAdapter({
      projects,
      log: observations,
      shareAll: options.udtAll ?? false,
      baseUrl: (requestHost) =>
        options.publicUrl?.href.replace(/\/$/, '') ?? `http://${requestHost ?? 'localhost'}`,
    }),
  });

  const closeAll = async (): Promise<void> => {
    await front.stop(graceMs, () => projects.finish());
    yjs.end();
    await projects.close();
    await folder.close();
  };
  try {
    await front.listen(host, port);
  } catch (error) {
    await closeAll();
    throw error;
  }
  let closing: Promise<void> | null = null;
  return {
    serverId: life.serverId,
    url: `http://${front.address}`,
    close: () => (closing ??= closeAll()),
  };
}
