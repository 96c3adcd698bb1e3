// The `_id` of a sample (UDT-15): the file's own where it can be a part of a path, else one derived from its Yjs item, which
// is the same on all servers and isn't stored.

import { isJsonObject, type Json } from '../model/json.ts';

/** Of a Yjs item. */
export interface ItemId {
  readonly client: number;
  readonly clock: number;
}

/** @param index of the sample in a plain array, all of which is one item. */
export function derivedId({ client, clock }: ItemId, index?: number): string {
  return index === undefined ? `s${client}-${clock}` : `s${client}-${clock}-${index}`;
}

const derivedPattern = /^s\d{1,16}-\d{1,16}(-\d{1,16})?$/;
const itemPattern = /^s(\d{1,16})-(\d{1,16})$/;

/** The item that is the sample with this derived `_id`. */
export function parseDerivedId(id: string): ItemId | undefined {
  const [, client, clock] = itemPattern.exec(id) ?? [];
  return client === undefined ? undefined : { client: Number(client), clock: Number(clock) };
}

export function isDerivedId(id: Json | undefined): boolean {
  return typeof id === 'string' && derivedPattern.test(id);
}

/**
 * UDT's clients put an `_id` into paths and URLs as it is, and digits alone are an index there (UDT-14): one that would be
 * read as something else can't be used, nor one that looks like a derived one.
 */
const usablePattern =
  /^(?!\d+$)(?!-$)(?!\.{1,2}$)(?!__proto__$)(?!s\d{1,16}-\d{1,16}(?:-\d{1,16})?$)[^\s/~?#%\\\p{Cc}]+$/u;

/** The file's own `_id` of a sample, if it can be used. */
export function ownIdOf(sample: Json | undefined): string | undefined {
  if (!isJsonObject(sample) || !Object.hasOwn(sample, '_id')) return undefined;
  const { _id: id } = sample;
  return typeof id === 'string' && usablePattern.test(id) ? id : undefined;
}
