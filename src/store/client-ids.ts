// The Yjs clientIDs under which this server writes to a project: one for edits of an open document, one for uploads,
// which are encoded without it. They belong to the server id: a new life draws new ones (REP-8).

import { z } from 'zod';
import { RejoinError } from '../errors.ts';
import { randomInteger, type Environment } from '../model/environment.ts';
import { sealJson, unsealJson } from './digest.ts';
import type { ProjectKeys } from './keys.ts';
import type { Store, Write } from './store.ts';

const clientIdsShape = z.object({
  edits: z.number(),
  uploads: z.number(),
  /** The clock that the next upload starts at. */
  uploadsClock: z.number(),
});

export type ClientIds = z.infer<typeof clientIdsShape>;

/** The clientIDs of this life, or undefined if it has not written to the project yet. */
export async function readClientIds(
  store: Store,
  keys: ProjectKeys,
  serverId: number,
): Promise<ClientIds | undefined> {
  const key = keys.clients(serverId);
  const sealed = await store.get(key);
  if (!sealed) return undefined;
  const parsed = clientIdsShape.safeParse(unsealJson(key, sealed));
  if (!parsed.success) throw new RejoinError('damaged', 'The stored clientIDs of a project are damaged');
  return parsed.data;
}

export function drawClientIds(environment: Environment): ClientIds {
  const edits = randomInteger(environment, 32);
  const uploads = randomInteger(environment, 32);
  return edits === uploads ? drawClientIds(environment) : { edits, uploads, uploadsClock: 0 };
}

export function writeClientIds(keys: ProjectKeys, serverId: number, ids: ClientIds): Write {
  const key = keys.clients(serverId);
  return { key, value: sealJson(key, ids) };
}
