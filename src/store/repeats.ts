// Which objects of a log are repeats: a version uuid can have several records, when a Yjs client hands to one server what
// another has already (REP-6). The first in this server's order stands for all; the others are noted when they are logged.

import { seal, unseal } from './digest.ts';
import type { ProjectKeys } from './keys.ts';
import { readLastNumber } from './read-key.ts';
import type { Store, Write } from './store.ts';

/** `same` has the content of the first and isn't streamed; `other` has another content and is. Neither is counted. */
export type Repeat = 'same' | 'other';

export function writeRepeat(keys: ProjectKeys, position: number, repeat: Repeat): Write {
  const key = keys.repeat(position);
  return { key, value: seal(key, Uint8Array.of(repeat === 'same' ? 0 : 1)) };
}

/**
 * The repeats from one position to another, both included.
 * @throws RejoinError `damaged` if one fails its seal.
 */
export async function readRepeats(
  store: Store,
  keys: ProjectKeys,
  first: number,
  last: number,
): Promise<Map<number, Repeat>> {
  const repeats = new Map<number, Repeat>();
  for await (const page of store.scan(keys.repeats(first, last)))
    for (const { key, value } of page)
      repeats.set(readLastNumber(key), unseal(key, value)[0] === 0 ? 'same' : 'other');
  return repeats;
}
