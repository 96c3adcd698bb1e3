// `rejoin serve`: its flags, its signals, and what it prints when it is ready.

import { resolve } from 'node:path';
import { Command, Option } from 'commander';
import type { Logger } from 'pino';
import type { RejoinServer } from '../server.ts';
import { defaultAddress, defaultBodyBytesMax } from '../server-defaults.ts';
import { bodySize, duration, integer, list, origin } from './flag-values.ts';
import { dataOption, forgetEmptyLists, publicUrlOption, readBooleanVariables } from './flags.ts';
import { readListenFds } from './listen-fds.ts';
import { packageVersion } from '../package-version.ts';

/** Tells of an error on standard error. @returns the exit code. */
type Report = (error: unknown) => number;

export function serveCommand(report: Report): Command {
  const command = new Command('serve')
    .description('start the server (this is what `rejoin` alone does)')
    .hook('preAction', readBooleanVariables)
    .action((flags: ServeFlags) => runServer(flags, report));
  const options = serveOptions();
  forgetEmptyLists(options);
  for (const option of options) command.addOption(option);
  return command;
}

interface ServeFlags {
  readonly host: string;
  readonly port: number;
  readonly data: string;
  readonly serverId?: number;
  readonly publicUrl?: URL;
  readonly allowOrigin: string[];
  readonly insecure: boolean;
  readonly peer: string[];
  readonly peerToken?: string;
  readonly peerProjects: string[];
  readonly udtAll: boolean;
  readonly cacheMb: number;
  readonly keepUpdates: number;
  readonly udtHistory: number;
  readonly maxBody: number;
  readonly logLevel: string;
}

function serveOptions(): Option[] {
  const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'silent'];
  return [
    new Option('--host <address>', 'address to listen on').default(defaultAddress.host).env('REJOIN_HOST'),
    new Option('--port <number>', 'port to listen on; 0 takes any free one')
      .default(defaultAddress.port)
      .env('REJOIN_PORT')
      .argParser(integer(0, 65_535)),
    dataOption(),
    new Option('--server-id <number>', 'server id of a new data folder (default: random)')
      .env('REJOIN_SERVER_ID')
      .argParser(integer(1, 2 ** 48 - 1)),
    publicUrlOption('address that users reach the server at, behind a proxy'),
    new Option(
      '--allow-origin <origin>',
      'let pages of this origin open sockets (repeatable; in the environment: separated by commas)',
    )
      .default([], 'none')
      .env('REJOIN_ALLOW_ORIGIN')
      .argParser((text, before: string[]) => [...before, ...text.split(',').map(origin)]),
    new Option('--insecure', 'listen on other than loopback addresses, though there is no access control')
      .default(false)
      .env('REJOIN_INSECURE'),
    new Option(
      '--peer <url>',
      'another rejoin to replicate with (repeatable; in the environment: separated by commas)',
    )
      .default([], 'none')
      .env('REJOIN_PEER')
      .argParser(list),
    new Option(
      '--peer-token <token>',
      'what servers that replicate show each other: better in the variable, as others can see command lines',
    ).env('REJOIN_PEER_TOKEN'),
    new Option(
      '--peer-projects <pattern>',
      'replicate only projects with such ids: * stands for anything (repeatable, as --peer)',
    )
      .default([], 'all')
      .env('REJOIN_PEER_PROJECTS')
      .argParser(list),
    new Option('--udt-all', "let UDT's API serve every project, not only sessions")
      .default(false)
      .env('REJOIN_UDT_ALL'),
    new Option('--cache-mb <number>', 'how much memory open projects may take, about')
      .default(256)
      .env('REJOIN_CACHE_MB')
      .argParser(integer(1, 1_000_000)),
    new Option('--keep-updates <time>', 'how long the log keeps updates that a snapshot covers')
      .default(duration(0)('30d'), '30d')
      .env('REJOIN_KEEP_UPDATES')
      .argParser(duration(0)),
    new Option('--udt-history <time>', "how long a UDT client's version can be answered with patches")
      .default(duration(0)('30d'), '30d')
      .env('REJOIN_UDT_HISTORY')
      .argParser(duration(60 * 60 * 1000)),
    new Option('--max-body <size>', 'largest request body: bytes, or such as 64mb')
      .default(defaultBodyBytesMax, '128mb')
      .env('REJOIN_MAX_BODY')
      .argParser(bodySize),
    new Option('--log-level <level>', 'how much to log, on standard error')
      .default('info')
      .env('REJOIN_LOG_LEVEL')
      .choices(logLevels),
  ];
}

async function runServer(flags: ServeFlags, report: Report): Promise<void> {
  // Whoever asks for help, or runs another command, doesn't wait for the server to load.
  const [{ createServer }, { destination, pino }] = await Promise.all([
    import('../server.ts'),
    import('pino'),
  ]);
  const log = pino({ level: flags.logLevel, base: null }, destination({ dest: 2, sync: true }));
  const listenFds = takeListenFds(log);
  const server = await createServer({
    host: flags.host,
    port: flags.port,
    listenFds,
    data: flags.data,
    serverId: flags.serverId,
    publicUrl: flags.publicUrl,
    allowedOrigins: flags.allowOrigin,
    insecure: flags.insecure,
    peers: flags.peer,
    peerToken: flags.peerToken,
    peerProjects: flags.peerProjects,
    udtAll: flags.udtAll,
    cacheBytes: flags.cacheMb * 1024 * 1024,
    keepUpdatesMs: flags.keepUpdates,
    udtHistoryMs: flags.udtHistory,
    bodyBytesMax: flags.maxBody,
    measuresProcess: true,
    log,
  });
  stopOnSignals(server, log, report);
  const data = resolve(flags.data);
  const { url, serverId } = server;
  const started = { type: 'started', version: packageVersion(), url, data, serverId, pid: process.pid };
  log.info(started, `rejoin serves ${data} as server ${serverId} on ${url}`);
  process.stdout.write(readyText(server, flags));
}

/** The sockets that a supervisor has opened for this process; what it starts in turn shall not take them for its own. */
function takeListenFds(log: Logger): readonly number[] {
  const { fds, warning } = readListenFds(process.env, process.pid);
  if (warning !== null) log.warn({ type: 'listen-fds' }, warning);
  delete process.env.LISTEN_FDS;
  delete process.env.LISTEN_PID;
  delete process.env.LISTEN_FDNAMES;
  return fds;
}

/** The ready line, which programs wait for, and the addresses that users paste. */
function readyText({ url, serverId }: RejoinServer, { data, publicUrl }: ServeFlags): string {
  const base = (publicUrl?.href ?? url).replace(/\/$/, '');
  const socket = base.replace(/^http/, 'ws');
  return [
    `rejoin ${packageVersion()} listening on ${url}`,
    `  Universal Data Tool   ${base}`,
    `  stream clients        ${socket}/ws`,
    `  Yjs (y-websocket)     ${socket}/yjs`,
    `  data                  ${data} (server id ${serverId})`,
    '',
  ].join('\n');
}

function stopOnSignals(server: RejoinServer, log: Logger, report: Report): void {
  let isStopping = false;
  const stop = (signal: NodeJS.Signals): void => {
    if (isStopping) process.exit(1); // asked twice: at once
    isStopping = true;
    const sinceMs = Date.now();
    log.info(
      { type: 'stopping', signal },
      `${signal}: finishing what is in flight; a second one ends it at once`,
    );
    server.close().then(
      () => {
        const tookMs = Date.now() - sinceMs;
        log.info({ type: 'stopped', tookMs }, `stopped in order after ${tookMs} ms: everything is on disk`);
        process.exit(0);
      },
      (error: unknown) => process.exit(report(error)),
    );
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
}
