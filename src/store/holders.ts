// Which projects hold objects of a report or a topic: one small value for each in the whole store, for streams that name no
// project.

import type { Match } from '../model/selection.ts';
import { seal } from './digest.ts';
import { holderKey, holdersOf, projectOfHolderKey } from './store-keys.ts';
import type { Store, Write } from './store.ts';

/** A report or a topic. */
export type HeldMatch = Match & { readonly field: 'report' | 'topic' };

export function isHeld(match: Match): match is HeldMatch {
  return match.field !== 'user';
}

export function writeHolder(match: HeldMatch, project: string): Write {
  const key = holderKey(match, project);
  return { key, value: seal(key, new Uint8Array()) };
}

/** The projects that have had objects of it, deleted ones too. */
export async function readHolders(store: Store, match: HeldMatch): Promise<string[]> {
  const projects: string[] = [];
  for await (const page of store.scan(holdersOf(match)))
    for (const { key } of page) projects.push(projectOfHolderKey(match, key));
  return projects;
}
