// Projects in a data folder that no server runs on: `import` and `export` open it as a server does.

import type { Projects } from '../core/projects.ts';
import { RejoinError } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import { anonymous } from '../model/origin.ts';
import { defaultAddress } from '../server-defaults.ts';
import { shellWord } from '../model/shell-word.ts';
import { withProjects } from './open-folder.ts';
import type { Sessions } from './sessions.ts';

export interface FolderOptions {
  readonly publicUrl: URL | undefined;
  /** Whether there must be a database already; else it is made. */
  readonly mustExist: boolean;
  /** Is told in a sentence what the operator should know. */
  readonly onWarning: (sentence: string) => void;
}

/** Runs `use` on the projects of a data folder, and closes it. @throws RejoinError as `openDataFolder`, `not-found`. */
export function withFolder<T>(
  data: string,
  { publicUrl, mustExist, onWarning }: FolderOptions,
  use: (sessions: Sessions) => Promise<T>,
): Promise<T> {
  const elseAdvice = 'If it is a server, go through it: --url http://HOST:PORT';
  return withProjects(data, { mustExist, onWarning, elseAdvice }, (projects) =>
    use(sessionsOf(projects, data, publicUrl)),
  );
}

function sessionsOf(projects: Projects, data: string, publicUrl: URL | undefined): Sessions {
  const { host, port } = defaultAddress;
  return {
    create: async (udt, id = projects.newId(), onProgress) => {
      const origin = { protocol: 'udt', user: anonymous } as const;
      await projects.use(id, (project) => project.udt.createSession(udt, origin, onProgress));
      return id;
    },
    read: (id) =>
      projects.find(id, async (project): Promise<JsonObject> => {
        if (!project)
          throw new RejoinError('not-found', `There is no project ${JSON.stringify(id)} in ${data}`);
        if (project.info?.tombstone)
          throw new RejoinError('deleted', `The project ${JSON.stringify(id)} was deleted`);
        return (await project.udt.read()).view;
      }),
    baseUrl: publicUrl?.href.replace(/\/$/, '') ?? `http://${host}:${port}`,
    place: `${data} (start the server on it: rejoin --data ${shellWord(data)})`,
  };
}
