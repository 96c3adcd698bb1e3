// Sessions whose creation in slices was cut off, by a crash or an error: nobody has seen any of them, and nothing of them stays.

import { ProjectKeys } from './keys.ts';
import { allUnfinished, projectOfKey, unfinishedKey } from './store-keys.ts';
import { removeRange } from './remove-range.ts';
import type { Store } from './store.ts';

/** Removes all that is stored of them. To be called before any is begun. @returns how many there were. */
export async function removeUnfinishedSessions(store: Store): Promise<number> {
  const projects = await listUnfinishedSessions(store);
  for (const project of projects) await removeUnfinishedSession(store, project);
  return projects.length;
}

/** The projects whose creation is under way or was cut off. */
export async function listUnfinishedSessions(store: Store): Promise<string[]> {
  const projects: string[] = [];
  for await (const page of store.scan(allUnfinished))
    for (const { key } of page) projects.push(projectOfKey(key));
  return projects;
}

export async function isUnfinishedSession(store: Store, project: string): Promise<boolean> {
  return (await store.get(unfinishedKey(project))) !== undefined;
}

export async function removeUnfinishedSession(store: Store, project: string): Promise<void> {
  await removeRange(store, new ProjectKeys(project).all());
  await store.write([{ key: unfinishedKey(project), value: null }]); // last, so that a crash leaves nothing unknown
}
