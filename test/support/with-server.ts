// One server for all tests of a suite, and its clients: what a test connects is closed behind it.

import { randomUUID } from 'node:crypto';
import type { suite } from 'uvu';
import type { ServerOptions } from '../../src/server.ts';
import { startServer, type TestServer } from './server.ts';
import { StreamClient } from './stream-client.ts';
import { connectProvider, type TestProvider } from './yjs-client.ts';

export interface WithServer {
  readonly server: () => TestServer;
  readonly connect: () => Promise<StreamClient>;
  readonly connectYjs: (project: string) => Promise<TestProvider>;
  /** Has something done behind the test, also when it fails; what was said last is done first. */
  readonly atEnd: (end: () => void | Promise<void>) => void;
  /** The id of a project that nobody has used. */
  readonly newProject: () => string;
}

export function withServer(
  tests: ReturnType<typeof suite>,
  options: Partial<ServerOptions> = {},
): WithServer {
  const endings: (() => void | Promise<void>)[] = [];
  let started: TestServer | undefined;
  const server = (): TestServer => {
    if (!started) throw new Error('the server did not start');
    return started;
  };
  tests.before(async () => {
    started = await startServer(options);
  });
  tests.after.each(async () => {
    for (const end of endings.splice(0).reverse()) await end();
  });
  tests.after(() => server().remove());
  return {
    server,
    connect: async () => {
      const client = await StreamClient.connect(server().socketUrl);
      endings.push(() => client.close());
      return client;
    },
    connectYjs: async (project) => {
      const client = await connectProvider(server().socketUrl, project);
      endings.push(() => client.destroy());
      return client;
    },
    atEnd: (end) => void endings.push(end),
    newProject: () => `project-${randomUUID()}`,
  };
}
