// How often samples were changed (UDT-16), as it is kept in the store: one small value per sample that ever was.

import { hasCode } from '../errors.ts';
import { sealJson, unsealJson } from '../store/digest.ts';
import type { ProjectKeys } from '../store/keys.ts';
import type { Store, Write } from '../store/store.ts';
import { derivedId, parseDerivedId } from './sample-ids.ts';
import type { SampleChanges } from './udt-samples.ts';

export function writeSampleChanges(keys: ProjectKeys, changes: readonly SampleChanges[]): Write[] {
  return changes.map(({ item, count }) => {
    const key = keys.sampleChanges(derivedId(item));
    return { key, value: count === 0 ? null : sealJson(key, count) };
  });
}

/** A count that is damaged is as good as none: clients only look whether it is another than before. */
export async function readSampleChanges(
  store: Store,
  keys: ProjectKeys,
  onDamage: (detail: string) => void,
): Promise<SampleChanges[]> {
  const found: SampleChanges[] = [];
  const prefixBytes = keys.sampleChanges('').length;
  for await (const page of store.scan(keys.allSampleChanges())) {
    for (const { key, value } of page) {
      const id = Buffer.from(key.subarray(prefixBytes)).toString('utf8');
      const item = parseDerivedId(id);
      const count = countIn(key, value);
      if (item && count !== undefined) found.push({ item, count });
      else onDamage(`how often the sample ${JSON.stringify(id)} was changed`);
    }
  }
  return found;
}

function countIn(key: Uint8Array, value: Uint8Array): number | undefined {
  try {
    const count = unsealJson(key, value);
    return typeof count === 'number' ? count : undefined;
  } catch (error) {
    if (!hasCode(error, 'damaged')) throw error;
    return undefined;
  }
}
