// The log of a project as it lies in a data folder whose server has stopped.

import { join } from 'node:path';
import { ProjectKeys } from '../../src/store/keys.ts';
import { LevelStore } from '../../src/store/level.ts';

/** The records, in base64, in an order of their own: two logs with the same are equal sets. */
export async function logRecords(data: string, project: string): Promise<readonly string[]> {
  const store = await LevelStore.open(join(data, 'db'));
  try {
    const keys = new ProjectKeys(project);
    const records: string[] = [];
    for await (const page of store.scan({ from: keys.record(0), before: keys.record(2 ** 48 - 1) }))
      for (const { value } of page) records.push(Buffer.from(value).toString('base64'));
    return records.sort();
  } finally {
    await store.close();
  }
}
