// What is in the database of a browser's storage. Objects have numbers in the order in which they were first stored; the
// index finds them by what names them.
/// <reference lib="dom" />

import type { DBSchema, IDBPDatabase } from 'idb';
import type { ObjectKind } from '../model/objects.ts';
import type { KeptObject, Place, ReceivedObject, RefusedObject } from './storage.ts';

/** Number: place in the order of the project. */
export type NumberedKey = [project: string, number: number];
export type NameKey = [project: string, kind: ObjectKind, versionUuid: string];

interface Numbered<Value extends KeptObject> {
  key: NumberedKey;
  value: { readonly project: string; readonly object: Value };
  indexes: { name: NameKey };
}

/** What is known of a project as a whole. */
export interface ProjectRecord {
  readonly project: string;
  readonly vector: readonly Place[];
  /** The number of the next object, in each of the stores. */
  readonly next: number;
}

export interface StorageSchema extends DBSchema {
  projects: { key: string; value: ProjectRecord };
  received: Numbered<ReceivedObject>;
  queue: Numbered<KeptObject>;
  refused: Numbered<RefusedObject>;
}

export function upgrade(database: IDBPDatabase<StorageSchema>): void {
  database.createObjectStore('projects', { keyPath: 'project' });
  for (const name of ['received', 'queue', 'refused'] as const) {
    const store = database.createObjectStore(name);
    store.createIndex('name', ['project', 'object.kind', 'object.versionUuid'], { unique: true });
  }
}
