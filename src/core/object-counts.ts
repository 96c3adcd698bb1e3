// How many objects of each kind a project has. They are counted once in the index of uuids, and then kept current from the
// log, when somebody asks: a change costs nothing, and no document is needed.

import { hasCode } from '../errors.ts';
import { isObjectKind, objectKinds, type ObjectKind } from '../model/objects.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { readLastNumber } from '../store/read-key.ts';
import type { Change } from '../store/change.ts';
import type { Store } from '../store/store.ts';
import type { LiveLog } from './live-log.ts';

/** The counts as of a position of the log. */
export interface Counted {
  readonly position: number;
  /** The version vector at that position. */
  readonly vector: VersionVector;
  readonly objects: Readonly<Record<ObjectKind, number>>;
}

/** With more changes than this to look at, the index is counted again: its entries are far smaller. */
const changesMax = 1_000;

export class ObjectCounts {
  private counted: Counted | null = null;
  private counting: Promise<Counted> | null = null;
  /** What was given up isn't counted any more. */
  private fillings = 0;

  constructor(
    private readonly store: Store,
    private readonly log: LiveLog,
  ) {}

  /**
   * The counts at what is durable now, or later.
   * @throws RejoinError `unavailable` if the store is opened again meanwhile.
   */
  async read(): Promise<Counted> {
    const wanted = this.log.durablePosition;
    for (;;) {
      // Others may ask at the same time: one count is for all, unless it began too early.
      this.counting ??= this.count().finally(() => (this.counting = null));
      const counted = await this.counting;
      if (counted.position >= wanted) return counted;
    }
  }

  private async count(): Promise<Counted> {
    const { durablePosition: position, durableVector: vector, fillings } = this.log; // of the same moment
    if (fillings !== this.fillings) this.counted = null;
    this.fillings = fillings;
    const objects = (await this.countOn(position)) ?? (await this.countAll(position));
    return (this.counted = { position, vector, objects });
  }

  /** Goes on from what was counted before; null if that takes too long, or the log can't be read. */
  private async countOn(position: number): Promise<Counted['objects'] | null> {
    const { counted } = this;
    if (!counted || position < counted.position || position - counted.position > changesMax) return null;
    const objects = { ...counted.objects };
    try {
      for await (const page of this.changes(counted.position, position))
        for (const { kind, repeat } of page) if (isObjectKind(kind) && !repeat) objects[kind]++;
      return objects;
    } catch (error) {
      if (hasCode(error, 'damaged')) return null; // the index may be whole
      throw error;
    }
  }

  private async *changes(after: number, last: number): AsyncGenerator<readonly Change[]> {
    let at = after;
    for (let recent = this.log.recentAfter(at); recent && at < last; recent = this.log.recentAfter(at)) {
      const page = recent.filter(({ position }) => position <= last);
      at = page.at(-1)?.position ?? last;
      yield page;
    }
    if (at < last) yield* this.log.readStored(at + 1, last);
  }

  private async countAll(position: number): Promise<Counted['objects']> {
    const objects = { entry: 0, thread: 0, comment: 0 };
    for (const kind of objectKinds) {
      for await (const page of this.store.scan(this.log.keys.uuids(kind))) {
        // What became durable meanwhile is counted from the log, the next time.
        for (const { value } of page) if (readLastNumber(value) <= position) objects[kind]++;
      }
    }
    return objects;
  }
}
