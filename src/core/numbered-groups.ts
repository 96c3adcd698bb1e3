// Groups that the log of a project has numbered and that go to the store together: one of this server's own, or many of another
// server's. They become durable at once, and what there is to do about them then is done once for all of them.

import type { Match } from '../model/selection.ts';
import type { Group } from '../store/change.ts';
import type { LoggedObject } from '../store/group-batch.ts';
import type { Appended } from '../store/project-log.ts';
import type { Write } from '../store/store.ts';

/** What is known of an object that is new in the log. */
export type NewObject = Pick<LoggedObject, 'kind' | 'versionUuid' | 'matches'>;

export class NumberedGroups {
  readonly groups: Group[] = [];
  readonly objects: NewObject[] = [];
  readonly writes: Write[] = [];
  /** What is to be called when they are durable, in order. */
  readonly settles: (() => void)[] = [];

  /**
   * In the order of the log.
   * @param objects those that are new, and null for any other change.
   * @param more is written with it.
   */
  add(
    { group, writes }: Appended,
    objects: Iterable<NewObject | null>,
    more: readonly Write[],
    settle: (() => void) | undefined,
  ): void {
    this.groups.push(group);
    if (settle) this.settles.push(settle);
    for (const object of objects) if (object) this.objects.push(object);
    for (const write of more) this.writes.push(write);
    for (const write of writes) this.writes.push(write);
  }

  /** All that the objects can be selected by. */
  get matches(): Match[] {
    const all: Match[] = [];
    for (const { matches } of this.objects) for (const match of matches) all.push(match);
    return all;
  }
}
