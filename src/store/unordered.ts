// The mark of a log whose changes may stand in another order than the one in which they were made: written with what makes it so, and there until
// their updates are compacted away. The repair of a project keeps it.

import { seal } from './digest.ts';
import type { ProjectKeys } from './keys.ts';
import type { Store, Write } from './store.ts';

/** One that is damaged counts as well: what follows from it does no harm. */
export async function isUnordered(store: Store, keys: ProjectKeys): Promise<boolean> {
  return (await store.get(keys.unordered)) !== undefined;
}

export function writeUnordered({ unordered: key }: ProjectKeys, isUnordered: boolean): Write {
  return { key, value: isUnordered ? seal(key, new Uint8Array()) : null };
}
