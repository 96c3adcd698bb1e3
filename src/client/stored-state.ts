// What the changes of a storage amount to, in memory: the memory storage is one per project, and storages that keep the
// changes themselves make one when they load. `storage.ts` says what each part of a change does.

import type {
  KeptObject,
  ObjectKey,
  Place,
  ReceivedObject,
  RefusedObject,
  StorageChanges,
  StoredProject,
} from './storage.ts';

export class StoredState {
  private readonly vector = new Map<number, number>();
  private readonly received = new Map<string, ReceivedObject>();
  private readonly queue = new Map<string, KeptObject>();
  private readonly refused = new Map<string, RefusedObject>();

  get isQueueEmpty(): boolean {
    return this.queue.size === 0;
  }

  apply(changes: Omit<StorageChanges, 'project'>): void {
    for (const object of changes.received ?? []) {
      const key = keyOf(object);
      if (object.places.length > 0 || !this.received.has(key)) this.received.set(key, object);
      this.queue.delete(key);
    }
    raiseVector(this.vector, changes.vector ?? []);
    for (const object of changes.queued ?? []) {
      const key = keyOf(object);
      if (!this.queue.has(key) && !this.received.has(key)) this.queue.set(key, object);
    }
    for (const object of changes.refused ?? []) {
      this.queue.delete(keyOf(object));
      this.refused.set(keyOf(object), object);
    }
    for (const key of changes.discarded ?? []) this.refused.delete(keyOf(key));
  }

  isQueued(key: ObjectKey): boolean {
    return this.queue.has(keyOf(key));
  }

  /** Takes objects out of the queue that a server has, where it is kept elsewhere that it has them. */
  leave(keys: readonly ObjectKey[]): void {
    for (const key of keys) this.queue.delete(keyOf(key));
  }

  stored(): StoredProject {
    return {
      vector: [...this.vector],
      received: [...this.received.values()],
      queue: [...this.queue.values()],
      refused: [...this.refused.values()],
    };
  }
}

/** The key of an object within its project, for maps. */
export function keyOf({ kind, versionUuid }: ObjectKey): string {
  return `${kind} ${versionUuid}`;
}

/** Raises a vector to where it covers the places too. */
export function raiseVector(vector: Map<number, number>, places: readonly Place[]): void {
  for (const [serverId, seqno] of places)
    if (seqno > (vector.get(serverId) ?? -1)) vector.set(serverId, seqno);
}
