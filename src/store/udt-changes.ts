// Where in a project's log `udt` changed, and which version of it each change made: written in the change's batch, so that a
// reader of the log finds the patch without the document.

import { seal, unseal } from './digest.ts';
import { number, readNumber } from './key-parts.ts';
import type { ProjectKeys } from './keys.ts';
import { readLastNumber } from './read-key.ts';
import { hasCode } from '../errors.ts';
import type { RecordKind } from './record.ts';
import { firstOf, type Entry, type Store, type Write } from './store.ts';

/** Whether a record of this kind tells of `udt`. */
export function isUdtChange({ kind }: { readonly kind: RecordKind }): boolean {
  return kind === 'udt' || kind === 'session' || kind === 'closing';
}

/** @param n of the version; null if no reader can rely on a version's patch here. */
export function writeUdtChange(keys: ProjectKeys, position: number, n: number | null): Write[] {
  const key = keys.udtChange(position);
  const writes = [{ key, value: seal(key, n === null ? new Uint8Array() : number(n)) }];
  return n === null ? [...writes, writeUnkeptPatch(keys, position)] : writes;
}

/** Notes that the patch of a change was never kept. */
export function writeUnkeptPatch(keys: ProjectKeys, position: number): Write {
  const key = keys.unkeptPatch(position);
  return { key, value: seal(key, new Uint8Array()) };
}

/** What is stored of a change of `udt`: n of its version, null if there is none to rely on; undefined if there is no such change. */
export async function readUdtChange(
  store: Store,
  keys: ProjectKeys,
  position: number,
): Promise<number | null | undefined> {
  const key = keys.udtChange(position);
  const value = await store.get(key);
  return value && versionIn({ key, value });
}

/** The first change of `udt` in the index, or undefined. */
export async function firstUdtChange(
  store: Store,
  keys: ProjectKeys,
  last: number,
): Promise<{ position: number; n: number | null } | undefined> {
  const found = await firstOf(store, keys.udtChanges(0, last));
  return found && { position: readLastNumber(found.key), n: versionIn(found) };
}

/** The position of the last change of `udt` in the index, up to one; 0 if there is none. */
export async function lastUdtChange(store: Store, keys: ProjectKeys, last: number): Promise<number> {
  const found = await firstOf(store, { ...keys.udtChanges(0, last), reverse: true });
  return found ? readLastNumber(found.key) : 0;
}

/** Whether there is a change up to a position, included, whose patch was never kept. */
export async function hasUnkeptPatch(store: Store, keys: ProjectKeys, last: number): Promise<boolean> {
  return (await firstOf(store, keys.unkeptPatches(last))) !== undefined;
}

/** One that is damaged names no version. */
function versionIn({ key, value }: Entry): number | null {
  try {
    const bytes = unseal(key, value);
    return bytes.length > 0 ? readNumber(bytes) : null;
  } catch (error) {
    if (hasCode(error, 'damaged')) return null;
    throw error;
  }
}
