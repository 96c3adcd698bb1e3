// What a client knows of a project, in memory: what it received, what it wrote, and the view that they make. It changes
// by the same changes as the storage, whichever client of that storage made them.

import { isJsonObject, type JsonObject } from '../model/json.ts';
import type { ObjectKind } from '../model/objects.ts';
import { ProjectView, type Touched } from '../model/project-view.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { ProjectChange } from './client-events.ts';
import type {
  KeptObject,
  ObjectKey,
  Place,
  ReceivedObject,
  RefusedObject,
  StorageChanges,
  StoredProject,
} from './storage.ts';
import { keyOf, raiseVector } from './stored-state.ts';

export class ProjectData {
  readonly view = new ProjectView();
  readonly vector = new Map<number, number>();
  readonly queue = new Map<string, KeptObject>();
  readonly refused = new Map<string, RefusedObject>();
  private readonly received = new Map<string, ReceivedObject>();

  /** Takes what was stored. What was written or came meanwhile stays. */
  load(stored: StoredProject): void {
    this.apply({ received: stored.received, vector: stored.vector });
    this.apply({ queued: stored.queue, refused: stored.refused });
  }

  /** @returns what changed in the view; null if nothing did. */
  apply(changes: Omit<StorageChanges, 'project'>): ProjectChange | null {
    const touched: Touched[] = [];
    for (const object of changes.received ?? []) this.receive(object, touched);
    raiseVector(this.vector, changes.vector ?? []);
    for (const object of changes.queued ?? []) this.enqueue(object, touched);
    for (const object of changes.refused ?? []) {
      this.takeBack(object, touched);
      this.refused.set(keyOf(object), object);
    }
    for (const key of changes.discarded ?? []) this.refused.delete(keyOf(key));
    return touched.length === 0 ? null : changeOf(touched);
  }

  /** Undoes a write that could not be stored. */
  withdraw(object: KeptObject): ProjectChange | null {
    const touched: Touched[] = [];
    this.takeBack(object, touched);
    return touched.length === 0 ? null : changeOf(touched);
  }

  /** What is to be stored of objects that came: those that say anything new, each once. */
  merged(came: readonly ReceivedObject[]): ReceivedObject[] {
    const merged = new Map<string, ReceivedObject>();
    for (const object of came) {
      const key = keyOf(object);
      const next = merge(merged.get(key) ?? this.received.get(key), object);
      if (next) merged.set(key, next);
    }
    return [...merged.values()];
  }

  isReceived(key: ObjectKey): boolean {
    return this.received.has(keyOf(key));
  }

  isPending(kind: ObjectKind, versionUuid: string): boolean {
    return this.queue.has(keyOf({ kind, versionUuid }));
  }

  /** The view of what a version vector covers. */
  viewAt(vector: VersionVector): ProjectView {
    const view = new ProjectView();
    for (const { kind, value, places } of this.received.values()) {
      if (places.some(([serverId, seqno]) => seqno <= (vector.get(serverId) ?? 0))) view.put(kind, value);
    }
    return view;
  }

  private receive(came: ReceivedObject, touched: Touched[]): void {
    const key = keyOf(came);
    const object = merge(this.received.get(key), came);
    if (!object) return;
    const shown = this.received.get(key) ?? this.queue.get(key);
    const wasPending = this.queue.delete(key);
    this.refused.delete(key);
    this.received.set(key, object);
    if (shown?.value === object.value) {
      if (wasPending) touched.push(this.view.put(object.kind, object.value));
      return;
    }
    const touches = this.view.put(object.kind, object.value);
    if (!shown || wasPending || isShownOtherwise(shown.value, object.value)) touched.push(touches);
  }

  private enqueue(object: KeptObject, touched: Touched[]): void {
    const key = keyOf(object);
    if (this.received.has(key) || this.queue.has(key)) return;
    this.queue.set(key, object);
    touched.push(this.view.put(object.kind, object.value));
  }

  private takeBack(object: KeptObject, touched: Touched[]): void {
    if (this.queue.delete(keyOf(object))) touched.push(this.view.remove(object.kind, object.value));
  }
}

/** @returns null if nothing is new. */
function merge(known: ReceivedObject | undefined, came: ReceivedObject): ReceivedObject | null {
  if (!known) return came;
  const places = came.places.filter((place) => !known.places.some((each) => isSamePlace(each, place)));
  if (places.length === 0) return null;
  // The first that a server streamed counts (WS-13); before that there is only what was sent.
  const value = known.places.length === 0 ? came.value : known.value;
  return { ...known, value, places: [...known.places, ...places] };
}

function isSamePlace([serverId, seqno]: Place, other: Place): boolean {
  return serverId === other[0] && seqno === other[1];
}

/** Whether anything but what a view leaves out differs, such as the user, whom only the server knows. */
function isShownOtherwise(one: JsonObject, other: JsonObject): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)]);
  names.delete('submissiontime');
  return [...names].some((name) => !isSame(one[name] ?? null, other[name] ?? null));
}

function isSame(one: unknown, other: unknown): boolean {
  if (Array.isArray(one) && Array.isArray(other))
    return one.length === other.length && one.every((item, index) => isSame(item, other[index]));
  if (isJsonObject(one) && isJsonObject(other)) {
    const names = Object.keys(one);
    return (
      names.length === Object.keys(other).length &&
      names.every((name) => Object.hasOwn(other, name) && isSame(one[name], other[name]))
    );
  }
  return one === other;
}

/** Each thing once. */
function changeOf(touched: readonly Touched[]): ProjectChange {
  const entries = new Map<string, { report: string; entry: string }>();
  const threads = new Set<string>();
  const comments = new Map<string, { thread: string; comment: string }>();
  for (const each of touched) {
    switch (each.kind) {
      case 'entry':
        entries.set(JSON.stringify([each.report, each.entry]), { report: each.report, entry: each.entry });
        break;
      case 'thread':
        threads.add(each.thread);
        break;
      case 'comment':
        comments.set(JSON.stringify([each.thread, each.comment]), {
          thread: each.thread,
          comment: each.comment,
        });
    }
  }
  return { entries: [...entries.values()], threads: [...threads], comments: [...comments.values()] };
}
