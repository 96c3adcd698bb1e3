// Which objects a log has, by kind and version uuid (WS-13). Those in flight are known from memory; the store is asked for
// all others, ahead of the project's turn where a writer says early what it will bring.

import type { ObjectKind } from '../model/objects.ts';
import { NameFilter } from './name-filter.ts';

export interface ObjectName {
  readonly kind: ObjectKind;
  readonly versionUuid: string;
}

interface Entry {
  /** Those who look it up, and the write that has it in flight. */
  users: number;
  /** What the store says, unless somebody has written it since; undefined if the store couldn't be asked. */
  isKnown: boolean | undefined | Promise<boolean | undefined>;
}

export class KnownUuids {
  private readonly entries = new Map<string, Entry>();
  /** All that were added since the log was empty; null if it wasn't. */
  private all: NameFilter | null = null;

  /** @param isStored asks the store. */
  constructor(private readonly isStored: (kind: ObjectKind, versionUuid: string) => Promise<boolean>) {}

  /** The log has no objects, durable or in flight: of those that it gets from now on most need not be asked for. */
  startEmpty(): void {
    this.all ??= new NameFilter();
  }

  /** Of what is remembered of those that were added. Bytes. */
  get weightBytes(): number {
    return this.all?.bytes ?? 0;
  }

  /** Starts to ask the store, so that `has` need not wait for it. @returns how to say that the answer was used. */
  lookUp(kind: ObjectKind, versionUuid: string): () => void {
    return this.lookUpAll([{ kind, versionUuid }]);
  }

  /** As `lookUp`, for many. */
  lookUpAll(objects: readonly ObjectName[]): () => void {
    const { all } = this;
    const asked = all ? objects.filter((object) => all.mayHave(nameOf(object))) : objects;
    return this.use(asked, ({ kind, versionUuid }) => {
      const entry: Entry = { users: 0, isKnown: undefined };
      const answered = (isStored: boolean | undefined): boolean | undefined =>
        entry.isKnown === true ? true : (entry.isKnown = isStored); // somebody may have written it since
      entry.isKnown = this.isStored(kind, versionUuid).then(answered, () => answered(undefined));
      return entry;
    });
  }

  /**
   * Whether the log has the object; a promise if the store has to be waited for. To be asked in the project's turn: only then
   * nobody else can write it meanwhile.
   */
  has(kind: ObjectKind, versionUuid: string): boolean | Promise<boolean> {
    const name = nameOf({ kind, versionUuid });
    if (this.all?.mayHave(name) === false) return false;
    const isKnown = this.entries.get(name)?.isKnown;
    return typeof isKnown === 'boolean' ? isKnown : this.ask(kind, versionUuid, isKnown);
  }

  /** The object is on its way to the disk. @returns how to say that it is there. */
  add(kind: ObjectKind, versionUuid: string): () => void {
    return this.addAll([{ kind, versionUuid }]);
  }

  /** As `add`, for many. */
  addAll(objects: readonly ObjectName[]): () => void {
    for (const object of objects) this.all?.add(nameOf(object));
    return this.use(
      objects,
      () => ({ users: 0, isKnown: true }),
      (entry) => (entry.isKnown = true), // also for those who have asked the store before
    );
  }

  /** What was in flight may be lost: the store has to be asked for everything. */
  clear(): void {
    this.entries.clear();
    this.all = null;
  }

  private async ask(
    kind: ObjectKind,
    versionUuid: string,
    asked: Promise<boolean | undefined> | undefined,
  ): Promise<boolean> {
    return (await asked) ?? (await this.isStored(kind, versionUuid));
  }

  private use(
    objects: readonly ObjectName[],
    make: (object: ObjectName) => Entry,
    change?: (entry: Entry) => void,
  ): () => void {
    const used = objects.map((object) => {
      const name = nameOf(object);
      let entry = this.entries.get(name);
      if (entry) change?.(entry);
      else this.entries.set(name, (entry = make(object)));
      entry.users++;
      return { name, entry };
    });
    return () => {
      for (const { name, entry } of used) {
        entry.users--;
        if (entry.users === 0 && this.entries.get(name) === entry) this.entries.delete(name);
      }
    };
  }
}

function nameOf({ kind, versionUuid }: ObjectName): string {
  return `${kind} ${versionUuid}`;
}
