// What a database holds, in a few numbers: for who has made a backup or restored one.

import { ProjectKeys } from './keys.ts';
import { readLastNumber } from './read-key.ts';
import { listProjectIds, readProjectInfo } from './project-info.ts';
import { decodeRecord } from './record.ts';
import { hasCode } from '../errors.ts';
import { firstOf, type Entry, type Store } from './store.ts';

export interface FolderContents {
  /** Those that aren't deleted. */
  readonly projects: number;
  readonly deleted: number;
  /** Of all projects, also of deleted ones that aren't purged. */
  readonly changes: number;
  /** When the newest change was made, by the clock of its server; null if there is none. Milliseconds since 1970. */
  readonly newestMs: number | null;
}

/** It costs one seek or two for each project. */
export async function readContents(store: Store): Promise<FolderContents> {
  let [projects, deleted, changes] = [0, 0, 0];
  let newestMs: number | null = null;
  for await (const project of listProjectIds(store)) {
    if (await isDeleted(store, project)) deleted++;
    else projects++;
    const last = await firstOf(store, { ...new ProjectKeys(project).allRecords(), reverse: true });
    if (!last) continue;
    changes += readLastNumber(last.key);
    newestMs = Math.max(newestMs ?? 0, timeOf(last));
  }
  return { projects, deleted, changes, newestMs };
}

async function isDeleted(store: Store, project: string): Promise<boolean> {
  return (await orDamaged(() => readProjectInfo(store, project)))?.tombstone ? true : false;
}

function timeOf({ value }: Entry): number {
  try {
    return decodeRecord(value).timeMs;
  } catch (error) {
    if (hasCode(error, 'damaged')) return 0; // whoever reads it is told
    throw error;
  }
}

/** What is damaged is told by whoever reads it. */
async function orDamaged<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (error) {
    if (hasCode(error, 'damaged')) return undefined;
    throw error;
  }
}
