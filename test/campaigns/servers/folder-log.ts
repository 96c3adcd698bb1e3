// What lies in the folder of a server that has stopped: the records of each project in their order, read by docs/format.md alone.

import { join } from 'node:path';
import { LevelStore } from '../../../src/store/level.ts';
import { readEntry, readKey, RecordReader, type SeenRecord } from '../../simulation/log-reader.ts';
import { marksIn } from './ledger.ts';

export interface LoggedProject {
  readonly records: SeenRecord[];
  /** How often it was deleted and brought back: odd while it is deleted. */
  lifecycle: number;
}

export type FolderLog = ReadonlyMap<string, LoggedProject>;

/** @throws Error if a record fails its checksum. */
export async function readFolder(data: string): Promise<FolderLog> {
  const projects = new Map<string, LoggedProject>();
  const projectOf = (id: string): LoggedProject => {
    const project = projects.get(id) ?? { records: [], lifecycle: 0 };
    projects.set(id, project);
    return project;
  };
  const reader = new RecordReader();
  const store = await LevelStore.open(join(data, 'db'));
  try {
    for await (const page of store.scan({ from: Buffer.from('d'), before: Buffer.from('q') }))
      for (const { key, value } of page) {
        const seen = readKey(key);
        if (seen.type === 'project') projectOf(seen.project).lifecycle = readEntry(value).lifecycle;
        else if (seen.type === 'record') projectOf(seen.project).records.push(reader.read(value));
      }
  } finally {
    await store.close();
  }
  return projects;
}

/** Server id and seqno. */
export function nameOf({ serverId, seqno }: SeenRecord): string {
  return `${serverId}/${seqno}`;
}

/** All marks in the objects and updates of a project. */
export function marksOf({ records }: LoggedProject): Set<string> {
  const marks = new Set<string>();
  for (const { object, update } of records) {
    const text = (object ?? '') + (update ? Buffer.from(update).toString('latin1') : '');
    for (const mark of marksIn(text)) marks.add(mark);
  }
  return marks;
}
