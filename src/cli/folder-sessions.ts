// Projects in a data folder that no server runs on: `import` and `export` open it as a server does.

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import type { ObservedEvent } from '../core/observer.ts';
import { Projects } from '../core/projects.ts';
import { RejoinError } from '../errors.ts';
import { realEnvironment } from '../model/environment.ts';
import type { JsonObject } from '../model/json.ts';
import { anonymous } from '../model/origin.ts';
import { defaultAddress } from '../server-defaults.ts';
import { openDataFolder, type DataFolder } from '../store/data-folder.ts';
import type { Sessions } from './sessions.ts';

export interface FolderOptions {
  readonly publicUrl: URL | undefined;
  /** Whether there must be a database already; else it is made. */
  readonly mustExist: boolean;
  /** Is told in a sentence what the operator should know. */
  readonly onWarning: (sentence: string) => void;
}

/** Runs `use` on the projects of a data folder, and closes it. @throws RejoinError as `openDataFolder`, `not-found`. */
export async function withFolder<T>(
  data: string,
  { publicUrl, mustExist, onWarning }: FolderOptions,
  use: (sessions: Sessions) => Promise<T>,
): Promise<T> {
  if (mustExist) await checkThere(data);
  const folder = await openFolder(data, onWarning);
  try {
    folder.warnings.forEach(onWarning);
    const projects = new Projects({
      store: folder.store,
      life: folder.life,
      takeLife: (reason) => folder.takeLife(reason),
      witness: folder.witness,
      environment: realEnvironment,
      observer: { observe: (event) => isTold(event) && onWarning(event.detail) },
    });
    try {
      return await use(sessionsOf(projects, data, publicUrl));
    } finally {
      await projects.close();
    }
  } finally {
    await folder.close();
  }
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
    place: `${data} (start the server on it: rejoin --data ${data})`,
  };
}

async function checkThere(data: string): Promise<void> {
  try {
    await access(join(data, 'db'));
  } catch (cause) {
    const message = `There is no database in ${data}: say with --data which folder is meant`;
    throw new RejoinError('not-found', message, { cause });
  }
}

async function openFolder(data: string, onTrouble: (sentence: string) => void): Promise<DataFolder> {
  try {
    return await openDataFolder(data, { environment: realEnvironment, onTrouble });
  } catch (error) {
    if (!(error instanceof RejoinError) || error.code !== 'data-in-use') throw error;
    const message = `${error.message}. If it is a server, go through it: --url http://HOST:PORT`;
    throw new RejoinError(error.code, message, { cause: error });
  }
}

/** What clients did long ago is nobody's matter here. */
function isTold({ type }: ObservedEvent): boolean {
  return ['damage', 'life-renewed', 'store-failed', 'change-dropped', 'client-ids-replaced'].includes(type);
}
