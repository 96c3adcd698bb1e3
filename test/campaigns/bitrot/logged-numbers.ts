// What stands under each number in the logs of a data folder that nobody has open, read record by record: a log with a
// hole has numbers, too.

import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { ProjectKeys } from '../../../src/store/keys.ts';
import { LevelStore } from '../../../src/store/level.ts';
import { decodeRecord, type LogRecord } from '../../../src/store/record.ts';

export interface LoggedNumbers {
  /** Project, server id and seqno → what tells its content from any other. */
  readonly contents: ReadonlyMap<string, string>;
  /** How many records lack their update's bytes, which compaction has dropped. */
  readonly compacted: number;
  /** How many chunks of snapshots there are. */
  readonly snapshotChunks: number;
}

/** Opening rewrites the logs of the database: call it when nothing else is to be learned of them. */
export async function loggedNumbers(data: string, projects: readonly string[]): Promise<LoggedNumbers> {
  const store = await LevelStore.open(join(data, 'db'));
  const contents = new Map<string, string>();
  let compacted = 0;
  let snapshotChunks = 0;
  try {
    for (const project of projects) {
      const keys = new ProjectKeys(project);
      for await (const page of store.scan(keys.allRecords())) {
        for (const { value } of page) {
          const record = decoded(value);
          if (!record) continue;
          contents.set(`${project} ${record.serverId} ${record.seqno}`, contentOf(record));
          if (record.groupIndex === 0 && record.update === null) compacted++;
        }
      }
      for await (const page of store.scan(keys.snapshotsBelow(null))) snapshotChunks += page.length;
    }
  } finally {
    await store.close();
  }
  return { contents, compacted, snapshotChunks };
}

/** What is damaged is not served, and has no number. */
function decoded(bytes: Uint8Array): LogRecord | undefined {
  try {
    return decodeRecord(bytes);
  } catch {
    return undefined;
  }
}

/** Without the update: compaction may drop it. */
function contentOf({ kind, timeMs, groupIndex, groupSize, object }: LogRecord): string {
  const hash = createHash('sha256').update(object ?? '');
  return `${kind} ${timeMs} ${groupIndex}/${groupSize} ${hash.digest('base64')}`;
}
