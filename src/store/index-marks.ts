// How far the index is complete: of one project from a position on, and of the store for all projects. What an older release
// wrote isn't indexed, and what was damaged may not be any more: a mark counts only in the life in which it was set.

import { z } from 'zod';
import { hasCode } from '../errors.ts';
import { sealJson, unsealJson } from './digest.ts';
import type { ProjectKeys } from './keys.ts';
import { holdersMarkKey } from './store-keys.ts';
import type { Store, Write } from './store.ts';

const projectMarkShape = z.object({ from: z.number(), serverId: z.number() });
const holdersMarkShape = z.object({ serverId: z.number() });

/** From which position on a project is indexed; null if that isn't known. */
export async function readIndexMark(
  store: Store,
  keys: ProjectKeys,
  serverId: number,
): Promise<number | null> {
  const mark = await readMark(store, keys.indexMark, projectMarkShape);
  return mark?.serverId === serverId ? mark.from : null;
}

export function writeIndexMark(keys: ProjectKeys, from: number, serverId: number): Write {
  return { key: keys.indexMark, value: sealJson(keys.indexMark, { from, serverId }) };
}

/** Whether every report and topic of every project is known to the index of holders. */
export async function areHoldersComplete(store: Store, serverId: number): Promise<boolean> {
  return (await readMark(store, holdersMarkKey, holdersMarkShape))?.serverId === serverId;
}

export function writeHoldersMark(serverId: number): Write {
  return { key: holdersMarkKey, value: sealJson(holdersMarkKey, { serverId }) };
}

/** One that is damaged is as good as none: all is indexed again. */
async function readMark<T>(store: Store, key: Uint8Array, shape: z.ZodType<T>): Promise<T | undefined> {
  const sealed = await store.get(key);
  if (!sealed) return undefined;
  try {
    return shape.safeParse(unsealJson(key, sealed)).data;
  } catch (error) {
    if (hasCode(error, 'damaged')) return undefined;
    throw error;
  }
}
