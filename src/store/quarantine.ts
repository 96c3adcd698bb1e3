// Which changes of a project are lost or damaged, and wanted back from another server that has them: one value per project,
// written by `rejoin verify --repair`. Who has fetched all of them removes it.

import { z } from 'zod';
import { sealJson, unsealJson } from './digest.ts';
import type { ProjectKeys } from './keys.ts';
import type { Store, Write } from './store.ts';

/** A change that is missing. What isn't known of it is 0. */
export interface MissingChange {
  readonly serverId: number;
  readonly seqno: number;
  readonly position: number;
}

const quarantineShape = z.object({
  foundMs: z.number(),
  /** Server id, seqno, position. */
  missing: z.array(z.tuple([z.number(), z.number(), z.number()])),
});

/** The changes that are wanted back; none if nothing is known to be missing. @throws RejoinError `damaged`. */
export async function readQuarantine(store: Store, keys: ProjectKeys): Promise<MissingChange[]> {
  const sealed = await store.get(keys.quarantine);
  if (!sealed) return [];
  const { missing } = quarantineShape.parse(unsealJson(keys.quarantine, sealed));
  return missing.map(([serverId, seqno, position]) => ({ serverId, seqno, position }));
}

/** @param missing none removes it. */
export function writeQuarantine(
  keys: ProjectKeys,
  foundMs: number,
  missing: readonly MissingChange[],
): Write {
  const key = keys.quarantine;
  if (missing.length === 0) return { key, value: null };
  const places = missing.map(({ serverId, seqno, position }) => [serverId, seqno, position]);
  return { key, value: sealJson(key, { foundMs, missing: places }) };
}
