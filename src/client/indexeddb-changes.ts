// Reads and changes one project in the database of a browser's storage. `storage.ts` says what each part of a change does.
/// <reference lib="dom" />

import type { IDBPDatabase, IDBPTransaction } from 'idb';
import type { NameKey, NumberedKey, StorageSchema } from './indexeddb-schema.ts';
import type {
  KeptObject,
  ObjectKey,
  ReceivedObject,
  RefusedObject,
  StorageChanges,
  StoredProject,
} from './storage.ts';
import { keyOf, raiseVector } from './stored-state.ts';

export const storeNames: ('projects' | 'received' | 'queue' | 'refused')[] = [
  'projects',
  'received',
  'queue',
  'refused',
];

type Transaction = IDBPTransaction<StorageSchema, typeof storeNames, 'readwrite'>;
type NumberedStore = 'received' | 'queue' | 'refused';

export async function readProject(
  database: IDBPDatabase<StorageSchema>,
  project: string,
): Promise<StoredProject> {
  const transaction = database.transaction(storeNames);
  const range = IDBKeyRange.bound([project], [project, []]); // all numbers are between these
  const [record, received, queue, refused] = await Promise.all([
    transaction.objectStore('projects').get(project),
    transaction.objectStore('received').getAll(range),
    transaction.objectStore('queue').getAll(range),
    transaction.objectStore('refused').getAll(range),
  ]);
  return {
    vector: record?.vector ?? [],
    received: received.map(objectOf),
    queue: queue.map(objectOf),
    refused: refused.map(objectOf),
  };
}

function objectOf<Value>({ object }: { readonly object: Value }): Value {
  return object;
}

/** One application of changes. Between two requests nothing else is waited for: the transaction would end. */
export class IndexeddbChanges {
  private next = 0;

  constructor(private readonly transaction: Transaction) {}

  async write(changes: StorageChanges): Promise<void> {
    const { project, received = [], vector = [], queued = [], refused = [], discarded = [] } = changes;
    const projects = this.transaction.objectStore('projects');
    const record = await projects.get(project);
    this.next = record?.next ?? 0;
    await this.receive(project, received);
    await this.remove('queue', project, received);
    await this.queue(project, queued);
    await this.remove('queue', project, refused);
    await this.refuse(project, refused);
    await this.remove('refused', project, discarded);
    // Every tab stores the objects that its vector covers before it, or with it, and all in this one database: so the
    // greater of two vectors is true of what is stored, whichever tab it comes from.
    const raised = new Map(record?.vector);
    raiseVector(raised, vector);
    await projects.put({ project, vector: [...raised], next: this.next });
  }

  /** In the place of those of the same name, else behind all. */
  private async receive(project: string, objects: readonly ReceivedObject[]): Promise<void> {
    const store = this.transaction.objectStore('received');
    const keys = await this.keys('received', project, objects);
    const known = new Map<string, ReceivedObject>();
    const read = [...keys].map(async ([name, key]) => {
      const value = await store.get(key);
      if (value) known.set(name, value.object);
    });
    await Promise.all(read);
    for (const object of objects) {
      const name = keyOf(object);
      const before = known.get(name);
      if (!before || object.places.length > 0)
        known.set(name, before ? placedAtBoth(object, before) : object);
      if (!keys.has(name)) keys.set(name, [project, this.next++]);
    }
    await Promise.all(
      [...keys].map(async ([name, key]) => {
        const object = known.get(name);
        if (object) await store.put({ project, object }, key);
      }),
    );
  }

  /** In the place of those of the same name, else behind all. */
  private async refuse(project: string, objects: readonly RefusedObject[]): Promise<void> {
    const store = this.transaction.objectStore('refused');
    const keys = await this.keys('refused', project, objects);
    await Promise.all(
      objects.map((object) => {
        const key = keys.get(keyOf(object)) ?? [project, this.next++];
        keys.set(keyOf(object), key);
        return store.put({ project, object }, key);
      }),
    );
  }

  /** Behind all, unless one is queued or received already. */
  private async queue(project: string, objects: readonly KeptObject[]): Promise<void> {
    const store = this.transaction.objectStore('queue');
    const [queued, received] = await Promise.all([
      this.keys('queue', project, objects),
      this.keys('received', project, objects),
    ]);
    const fresh = new Map<string, KeptObject>();
    for (const object of objects) {
      const key = keyOf(object);
      if (!queued.has(key) && !received.has(key) && !fresh.has(key)) fresh.set(key, object);
    }
    await Promise.all(
      [...fresh.values()].map((object) => store.put({ project, object }, [project, this.next++])),
    );
  }

  private async remove(
    name: 'queue' | 'refused',
    project: string,
    objects: readonly ObjectKey[],
  ): Promise<void> {
    if (objects.length === 0) return;
    const store = this.transaction.objectStore(name);
    const keys = await this.keys(name, project, objects);
    await Promise.all([...keys.values()].map((key) => store.delete(key)));
  }

  /** The keys of those that are in a store, by name. */
  private async keys(
    name: NumberedStore,
    project: string,
    objects: readonly ObjectKey[],
  ): Promise<Map<string, NumberedKey>> {
    const index = this.transaction.objectStore(name).index('name');
    const found = new Map<string, NumberedKey>();
    await Promise.all(
      objects.map(async (object) => {
        const named: NameKey = [project, object.kind, object.versionUuid];
        const key = await index.getKey(named);
        if (key) found.set(keyOf(object), key);
      }),
    );
    return found;
  }
}

/** Another tab may have stored the object with places that the tab of this change wasn't told of yet. */
function placedAtBoth(object: ReceivedObject, before: ReceivedObject): ReceivedObject {
  const others = before.places.filter(
    ([serverId, seqno]) => !object.places.some((place) => place[0] === serverId && place[1] === seqno),
  );
  return { ...object, places: [...others, ...object.places] };
}
