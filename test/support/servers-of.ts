// Servers that a test starts for itself: each is stopped and its folder removed behind the test.

import type { suite } from 'uvu';
import type { ServerOptions } from '../../src/server.ts';
import { startServer, type TestServer } from './server.ts';

export function serversOf(
  tests: ReturnType<typeof suite>,
): (options?: Partial<ServerOptions>) => Promise<TestServer> {
  const started: TestServer[] = [];
  tests.after.each(async () => {
    for (const server of started.splice(0)) await server.remove();
  });
  return async (options = {}) => {
    const server = await startServer(options);
    started.push(server);
    return server;
  };
}
