// Which objects a log has, by kind and version uuid (WS-13). Those in flight are known from memory; the store is asked for
// all others, ahead of the project's turn where a writer says early what it will bring.

import type { ObjectKind } from '../model/objects.ts';

interface Entry {
  /** Those who look it up, and the write that has it in flight. */
  users: number;
  /** What the store says, unless somebody has written it since; undefined if the store couldn't be asked. */
  isKnown: Promise<boolean | undefined> | true;
}

export class KnownUuids {
  private readonly entries = new Map<string, Entry>();

  /** @param isStored asks the store. */
  constructor(private readonly isStored: (kind: ObjectKind, versionUuid: string) => Promise<boolean>) {}

  /** Starts to ask the store, so that `has` need not wait for it. @returns how to say that the answer was used. */
  lookUp(kind: ObjectKind, versionUuid: string): () => void {
    const name = nameOf(kind, versionUuid);
    const entry = this.entries.get(name) ?? {
      users: 0,
      isKnown: this.isStored(kind, versionUuid).catch(() => undefined),
    };
    return this.use(name, entry);
  }

  /** Whether the log has the object. To be asked in the project's turn: only then nobody else can write it meanwhile. */
  async has(kind: ObjectKind, versionUuid: string): Promise<boolean> {
    const isKnown = await this.entries.get(nameOf(kind, versionUuid))?.isKnown;
    return isKnown ?? (await this.isStored(kind, versionUuid));
  }

  /** The object is on its way to the disk. @returns how to say that it is there. */
  add(kind: ObjectKind, versionUuid: string): () => void {
    const name = nameOf(kind, versionUuid);
    const entry: Entry = this.entries.get(name) ?? { users: 0, isKnown: true };
    entry.isKnown = true; // also for those who have asked the store before
    return this.use(name, entry);
  }

  /** What was in flight may be lost: the store has to be asked for everything. */
  clear(): void {
    this.entries.clear();
  }

  private use(name: string, entry: Entry): () => void {
    this.entries.set(name, entry);
    entry.users++;
    return () => {
      entry.users--;
      if (entry.users === 0 && this.entries.get(name) === entry) this.entries.delete(name);
    };
  }
}

function nameOf(kind: ObjectKind, versionUuid: string): string {
  return `${kind} ${versionUuid}`;
}
