// Real servers for tests: in this process, or as a process of its own that can be killed.

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer, type RejoinServer, type ServerOptions } from '../../src/server.ts';
import { removeFolder, temporaryFolder } from './temporary.ts';

export interface TestServer {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** `ws://127.0.0.1:PORT` */
  readonly socketUrl: string;
  readonly data: string;
  /** Of the present life. */
  readonly serverId: number;
  /** Stops the server; the folder stays. */
  stop(): Promise<void>;
  /** Stops the server and removes its folder. */
  remove(): Promise<void>;
}

/** A server in this process on a free port, over a new folder unless one is given. */
export async function startServer(options: Partial<ServerOptions> = {}): Promise<TestServer> {
  const data = options.data ?? (await temporaryFolder());
  const server: RejoinServer = await createServer({ port: 0, holdMs: 0, ...options, data });
  return {
    url: server.url,
    socketUrl: server.url.replace('http', 'ws'),
    data,
    get serverId() {
      return server.serverId;
    },
    stop: () => server.close(),
    remove: async () => {
      await server.close();
      await removeFolder(data);
    },
  };
}

export interface ServerProcess {
  readonly url: string;
  readonly socketUrl: string;
  readonly data: string;
  readonly child: ChildProcess;
  /** Everything on standard output and standard error so far. */
  output(): string;
  /** Ends the process and waits until it is gone. @returns its exit code, or null when a signal ended it. */
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

interface ProcessOptions {
  readonly port?: number;
  readonly flags?: readonly string[];
  /** A command, with its arguments, that runs the one which follows. */
  readonly under?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
}

const readyWithinMs = 60_000;

/** The built server as a process of its own, through the same entry that users run. Resolves with the ready line. */
export async function startProcess(
  data: string,
  { port = 0, flags = [], under = [], env }: ProcessOptions = {},
): Promise<ServerProcess> {
  const args = ['--port', String(port), '--data', data, ...flags];
  const child = spawnRejoin(args, { under, ...(env && { env }) });
  let output = '';
  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => {
      child.kill('SIGKILL');
      reject(new Error(`no ready line in ${readyWithinMs} ms: ${output}`));
    }, readyWithinMs);
    const read = (chunk: Buffer): void => {
      output += chunk.toString();
      const ready = /listening on (http:\/\/\S+)/.exec(output);
      if (!ready?.[1]) return;
      clearTimeout(late);
      resolve(ready[1]);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.on('exit', (code) => {
      clearTimeout(late);
      reject(new Error(`the server ended with ${code ?? 'a signal'}: ${output}`));
    });
  });
  return {
    url,
    socketUrl: url.replace('http', 'ws'),
    data,
    child,
    output: () => output,
    kill: async (signal) => {
      if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
      const ended = once(child, 'exit');
      if (under.length === 0) child.kill(signal);
      else process.kill(await pidOf(data), signal); // what it runs under ends with it
      await ended;
      return child.exitCode;
    },
  };
}

/** `rejoin` with these arguments, from the build. */
export function spawnRejoin(
  args: readonly string[],
  { under = [], ...options }: { cwd?: string; env?: NodeJS.ProcessEnv; under?: readonly string[] } = {},
): ChildProcess & { stdout: NodeJS.ReadableStream; stderr: NodeJS.ReadableStream } {
  const entry = fileURLToPath(new URL('../../bin/rejoin.js', import.meta.url));
  const [command = process.execPath, ...rest] = [...under, process.execPath, entry, ...args];
  return spawn(command, rest, { stdio: ['ignore', 'pipe', 'pipe'], ...options });
}

/** The process that has a data folder. */
async function pidOf(data: string): Promise<number> {
  const { pid } = JSON.parse(await readFile(join(data, 'rejoin.pid'), 'utf8')) as { pid: number };
  return pid;
}
