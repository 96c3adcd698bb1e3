// Lets `import` and `export` work where they were told to: behind a server, or in a data folder. Only the one of both that
// is wanted is loaded.

import type { FolderOptions } from './folder-sessions.ts';
import type { Sessions } from './sessions.ts';

/** @param server without one it is the folder. @throws RejoinError as `withFolder`, and whatever `use` throws. */
export async function withSessions<T>(
  server: URL | undefined,
  data: string,
  options: FolderOptions,
  use: (sessions: Sessions) => Promise<T>,
): Promise<T> {
  if (server) {
    const { serverSessions } = await import('./server-sessions.ts');
    return use(serverSessions(server));
  }
  const { withFolder } = await import('./folder-sessions.ts');
  return withFolder(data, options, use);
}
