// A server id is one life of one data folder. The life is kept in the store; what belongs to it, the epoch of UDT
// versions and the Yjs clientIDs of each project, goes with it.

import { RejoinError } from '../errors.ts';
import { isJsonObject } from '../model/json.ts';
import { randomInteger, type Environment } from '../model/environment.ts';
import { sealJson, unsealJson } from './digest.ts';
import { lifeKey } from './store-keys.ts';
import type { Store, Write } from './store.ts';

export interface Life {
  /** 1 to 2^48 − 1: writer of the changes made in this life. */
  readonly serverId: number;
  /** 1 to 2^20 − 1: the epoch of versions of sessions that another life created (UDT-3). */
  readonly epoch: number;
}

/** The life that the store is in, or undefined for a new store. */
export async function readLife(store: Store): Promise<Life | undefined> {
  const value = await readValue(store);
  if (value === undefined) return undefined;
  if (!isJsonObject(value) || typeof value.serverId !== 'number' || typeof value.epoch !== 'number') {
    throw new RejoinError('damaged', 'The record of the server id is damaged');
  }
  return { serverId: value.serverId, epoch: value.epoch };
}

/** Why that life was taken; undefined if it isn't known. @throws RejoinError `damaged`. */
export async function readLifeReason(store: Store): Promise<string | undefined> {
  const value = await readValue(store);
  return isJsonObject(value) && typeof value.reason === 'string' ? value.reason : undefined;
}

async function readValue(store: Store): Promise<unknown> {
  const sealed = await store.get(lifeKey);
  return sealed && unsealJson(lifeKey, sealed);
}

/**
 * Takes a new server id, and with it a new epoch and new clientIDs: those are kept per server id, so that the new
 * id has none yet and draws its own. From then on nothing is written under the old numbers (REP-8).
 * @param reason is kept with the life, for people.
 * @param more is written in the same batch.
 */
export async function takeNewLife(
  store: Store,
  environment: Environment,
  reason: string,
  { serverId, more = [] }: { serverId?: number | undefined; more?: readonly Write[] } = {},
): Promise<Life> {
  const life = {
    serverId: serverId ?? 1 + (randomInteger(environment, 48) % (2 ** 48 - 1)),
    epoch: 1 + (randomInteger(environment, 32) % (2 ** 20 - 1)),
  };
  const value = { ...life, reason, takenAtMs: environment.now() };
  await store.write([...more, { key: lifeKey, value: sealJson(lifeKey, value) }]);
  return life;
}
