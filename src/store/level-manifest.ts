// Reads LevelDB's MANIFEST: which tables make up the database, and which log holds what isn't in a table yet. Used
// where the files are checked; LevelDB reads it again for itself.

import { messageOf } from '../errors.ts';
import { ByteReader, Unreadable } from './byte-reader.ts';
import { readLevelLog, type LogState } from './level-log.ts';

export interface Manifest {
  readonly state: LogState;
  /** What keeps it from describing a database, or null. */
  readonly problem: string | null;
  /** The oldest log that is still needed; 0 if the MANIFEST names none (after a repair). */
  readonly logNumber: number;
  /** An older one that is needed too, or 0. */
  readonly previousLogNumber: number;
  /** Number → size in bytes. */
  readonly tables: ReadonlyMap<number, number>;
}

export async function readManifest(path: string): Promise<Manifest> {
  const edits = new Edits();
  const { state } = await readLevelLog(path, (record) => edits.apply(record));
  const { problem, logNumber, previousLogNumber, tables } = edits;
  return {
    state,
    problem,
    logNumber: logNumber ?? 0,
    previousLogNumber,
    tables: new Map([...tables].map(([name, size]) => [Number(name.split(' ')[1]), size])),
  };
}

/** db/version_edit.cc */
const tags = {
  comparator: 1,
  logNumber: 2,
  nextFileNumber: 3,
  lastSequence: 4,
  compactPointer: 5,
  deletedFile: 6,
  newFile: 7,
  previousLogNumber: 9,
} as const;

class Edits {
  logNumber: number | null = null;
  previousLogNumber = 0;
  /** Level and number → size: an edit may move a table to another level. */
  readonly tables = new Map<string, number>();
  private hasNextFileNumber = false;
  private hasLastSequence = false;
  private unreadable: string | null = null;

  get problem(): string | null {
    if (this.unreadable !== null) return this.unreadable;
    // Without any of these LevelDB doesn't open.
    const isComplete = this.logNumber !== null && this.hasNextFileNumber && this.hasLastSequence;
    return isComplete ? null : 'it does not say where the log is';
  }

  apply(record: Uint8Array): void {
    if (this.unreadable !== null) return;
    try {
      const reader = new ByteReader(record);
      while (!reader.isAtEnd) this.applyField(reader);
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      this.unreadable = `a change of the list of files can't be read: ${messageOf(error)}`;
    }
  }

  private applyField(reader: ByteReader): void {
    const tag = reader.varint();
    switch (tag) {
      case tags.comparator:
        reader.slice();
        return;
      case tags.logNumber:
        this.logNumber = reader.varint();
        return;
      case tags.previousLogNumber:
        this.previousLogNumber = reader.varint();
        return;
      case tags.nextFileNumber:
        reader.varint();
        this.hasNextFileNumber = true;
        return;
      case tags.lastSequence:
        reader.varint();
        this.hasLastSequence = true;
        return;
      case tags.compactPointer:
        reader.varint(); // level
        reader.slice(); // key
        return;
      case tags.deletedFile:
        this.tables.delete(`${reader.varint()} ${reader.varint()}`);
        return;
      case tags.newFile: {
        const name = `${reader.varint()} ${reader.varint()}`;
        this.tables.set(name, reader.varint());
        reader.slice(); // the smallest key
        reader.slice(); // the largest
        return;
      }
      default:
        throw new Unreadable(`unknown field ${tag}`);
    }
  }
}
