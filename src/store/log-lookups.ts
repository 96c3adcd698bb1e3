// Finds places in the log of a project by what leads to them: the object of a version uuid, and where begins what somebody lacks.
// ProjectLog calls this.

import { hasCode } from '../errors.ts';
import type { Json } from '../model/json.ts';
import type { ObjectKind } from '../model/objects.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { unseal } from './digest.ts';
import { readNumber } from './key-parts.ts';
import type { ProjectKeys } from './keys.ts';
import { decodeRecord } from './record.ts';
import type { Heads } from './recover-heads.ts';
import type { Store } from './store.ts';

/** The first durable object of this kind with the version uuid; null if there is none that can be read. */
export async function findObject(
  store: Store,
  keys: ProjectKeys,
  kind: ObjectKind,
  versionUuid: string,
): Promise<Json> {
  const key = keys.uuid(kind, versionUuid);
  const sealed = await store.get(key);
  if (!sealed) return null;
  try {
    const record = await store.get(keys.record(readNumber(unseal(key, sealed))));
    const object = record && decodeRecord(record, 'object').object;
    return object ? (JSON.parse(Buffer.from(object).toString('utf8')) as Json) : null;
  } catch (error) {
    if (hasCode(error, 'damaged')) return null;
    throw error;
  }
}

/**
 * The position after which everything comes that a client lacks who knows `since`: the highest seqno per server,
 * exclusive (WS-4). Some of what follows it may be known to the client.
 */
export async function positionBehind(
  store: Store,
  keys: ProjectKeys,
  { position, vector }: Heads,
  since: VersionVector,
): Promise<number> {
  let after = position;
  for (const [serverId, head] of vector) {
    const known = since.get(serverId) ?? 0;
    if (known >= head) continue;
    const key = keys.sequence(serverId, known + 1);
    const sealed = await store.get(key);
    if (!sealed) return 0; // lost: the reader goes through all of the log, and meets the hole if there is one
    after = Math.min(after, readNumber(unseal(key, sealed)) - 1);
  }
  return after;
}
