// What of another server's groups is numbered in one turn and goes to the store at once. ProjectReplica fills one with what a link
// brings, take-arrival.ts with what came with a snapshot.

import type { Json, JsonObject } from '../model/json.ts';
import { matchesOf } from '../model/matches.ts';
import type { ObjectKind } from '../model/objects.ts';
import type { LoggedObject } from '../store/group-batch.ts';
import type { ReceivedGroup, ReceivedRecord } from '../store/received-groups.ts';
import type { ReceivedOptions } from './live-log.ts';
import { NumberedGroups } from './numbered-groups.ts';
import type { ProjectState } from './project-state.ts';
import { repeatOf, type ReceivedObject } from './received-objects.ts';

/** Of the records of a group, in their order. */
export type LoggedObjects = readonly (LoggedObject | null)[];

export class ReceivedBatch {
  private readonly written: Promise<void>[] = [];
  /** Objects that were added, by kind and uuid. */
  private readonly added = new Map<string, JsonObject>();
  private groups = new NumberedGroups();
  changes = 0;

  constructor(
    private readonly state: ProjectState,
    /** The objects among the records that came. */
    private readonly received: ReadonlyMap<ReceivedRecord, ReceivedObject>,
  ) {}

  /** Resolves when all that was written is durable. */
  get durable(): Promise<unknown> {
    return Promise.all(this.written);
  }

  /** Numbers a group. @param objects what `objectsOf` says of it. */
  add(group: ReceivedGroup, objects: LoggedObjects, options: ReceivedOptions): void {
    this.state.log.numberReceived(this.groups, group, objects, options);
    this.changes += group.records.length;
  }

  /** Hands what was added to the store. */
  write(): void {
    const { groups, state } = this;
    if (groups.groups.length === 0) return;
    this.groups = new NumberedGroups();
    const staged = state.log.stageNumbered(groups);
    const durable = staged.track(state.context.store.write(staged.writes));
    durable.catch(() => undefined); // who waits for all of it hears of it
    this.written.push(durable);
  }

  /**
   * What is known of the records of a group that are objects; null for each that is none (REP-6). A promise only where the store
   * has to be asked.
   */
  objectsOf(group: ReceivedGroup): LoggedObjects | Promise<LoggedObjects> {
    const objects: (LoggedObject | null)[] = [];
    for (const record of group.records) {
      const object = this.received.get(record);
      const logged = object ? this.logged(object) : null;
      if (logged instanceof Promise) return this.objectsAfter(objects, logged, group);
      objects.push(logged);
    }
    return objects;
  }

  /** Goes on where the store has to be waited for: an object may repeat one before it. */
  private async objectsAfter(
    objects: (LoggedObject | null)[],
    awaited: Promise<LoggedObject>,
    { records }: ReceivedGroup,
  ): Promise<LoggedObjects> {
    objects.push(await awaited);
    for (const record of records.slice(objects.length)) {
      const object = this.received.get(record);
      objects.push(object ? await this.logged(object) : null);
    }
    return objects;
  }

  private logged(object: ReceivedObject): LoggedObject | Promise<LoggedObject> {
    const { kind, versionUuid } = object;
    const name = `${kind} ${versionUuid}`;
    const before = this.added.get(name);
    if (before) return this.repeat(object, before);
    const isKnown = this.state.log.uuids.has(kind, versionUuid);
    if (isKnown === false) return this.first(object, name);
    return this.firstUnlessKnown(object, name, isKnown);
  }

  private async firstUnlessKnown(
    object: ReceivedObject,
    name: string,
    isKnown: boolean | Promise<boolean>,
  ): Promise<LoggedObject> {
    const before = (await isKnown) && (await this.firstOf(object.kind, object.versionUuid));
    return before ? this.repeat(object, before) : this.first(object, name);
  }

  private first({ kind, versionUuid, value }: ReceivedObject, name: string): LoggedObject {
    this.added.set(name, value);
    return { kind, versionUuid, matches: matchesOf(kind, value), repeat: null };
  }

  private repeat({ kind, versionUuid, value }: ReceivedObject, first: Json): LoggedObject {
    const repeat = repeatOf(first, value);
    if (repeat === 'other')
      this.state.observe('object-differs', `${kind} ${JSON.stringify(versionUuid)} has two contents`);
    return { kind, versionUuid, matches: matchesOf(kind, value), repeat };
  }

  private async firstOf(kind: ObjectKind, versionUuid: string): Promise<Json> {
    await this.state.log.durable(); // it may be on its way
    return this.state.log.objectOf(kind, versionUuid);
  }
}
