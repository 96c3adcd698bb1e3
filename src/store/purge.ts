// Removes all that the store has of a project that was deleted for good, but for its entry in the catalogue. The core calls
// it; what a crash has cut off, the data folder goes on with when it is opened.

import { seal } from './digest.ts';
import { ProjectKeys } from './keys.ts';
import { allHolders, allPurges, isHolder, projectOfKey, purgeKey } from './store-keys.ts';
import { removeRange, type RemovalOptions } from './remove-range.ts';
import type { Store, Write } from './store.ts';

export type PurgeOptions = Pick<RemovalOptions, 'stopping' | 'onRemoved'>;

/** Goes with the catalogue's entry: from then on the removal is gone on with until it is done. */
export function beginPurge(project: string): Write {
  const key = purgeKey(project);
  return { key, value: seal(key, new Uint8Array()) };
}

/** May be stopped and begun again at any time. To be called when nothing writes to the project any more. */
export async function removeProject(
  store: Store,
  project: string,
  options: PurgeOptions = {},
): Promise<void> {
  const everything = new ProjectKeys(project).all();
  await removeRange(store, everything, options);
  await removeRange(store, allHolders, { ...options, isMeant: (key) => isHolder(key, project) });
  await store.write([{ key: purgeKey(project), value: null }]); // last, so that a crash leaves nothing unknown
  await store.compact(everything);
}

/** Goes on with what a crash has cut off. @returns the projects that it concerned. */
export async function finishPurges(store: Store): Promise<string[]> {
  const projects: string[] = [];
  for await (const page of store.scan(allPurges))
    for (const { key } of page) projects.push(projectOfKey(key));
  for (const project of projects) await removeProject(store, project);
  return projects;
}
