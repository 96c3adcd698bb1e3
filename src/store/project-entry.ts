// What the catalogue says of a project whose log is open, and what has to be written when that changes: with the first group, with
// what makes it a session, when something of it turns out to be lost. ProjectLog has one.

import { seal } from './digest.ts';
import { toldBy } from './entry-from-log.ts';
import { writeProjectInfo, type ProjectInfo } from './project-info.ts';
import type { LogRecord, RecordKind } from './record.ts';
import { missingIn, type Heads } from './recover-heads.ts';
import type { Write } from './store.ts';
import { unfinishedKey } from './store-keys.ts';

/** What the catalogue is to say; undefined while the project isn't in it. */
export interface EntryChange {
  readonly info: ProjectInfo | undefined;
  readonly writes: readonly Write[];
  /** It says so when the log is durable up to here. */
  readonly position: number;
}

/** What is known of a group by its first change. */
export interface FirstOfGroup {
  readonly kind: RecordKind | undefined;
  readonly serverId: number;
  readonly timeMs: number;
  readonly user: string;
  readonly isUnfinished: boolean;
  readonly position: number;
}

export class ProjectEntry {
  private thereFrom: number;
  private sessionFrom: number;

  constructor(
    private readonly project: string,
    private current: ProjectInfo | undefined,
    /** What the log has lost and nobody knew before, in a sentence. */
    readonly newDamage: string | null,
  ) {
    this.thereFrom = current ? 0 : Infinity;
    this.sessionFrom = current?.session ? 0 : Infinity;
  }

  /** Undefined while the project doesn't exist. */
  get info(): ProjectInfo | undefined {
    return this.current;
  }

  /** Whether the catalogue has it while the log is durable up to a position: a session that isn't whole is in none. */
  isThere(durablePosition: number): boolean {
    return durablePosition >= this.thereFrom;
  }

  /** Whose session it is then; null if it is none. */
  sessionOf(durablePosition: number): number | null {
    return durablePosition >= this.sessionFrom ? (this.current?.session?.serverId ?? null) : null;
  }

  /** Whether something of the log is known to be lost. */
  get isDamaged(): boolean {
    return this.newDamage !== null || this.current?.damage !== undefined;
  }

  /** @param durable what was ever given: the log goes on behind it. */
  noteDamage(foundMs: number, durable: Heads): Write {
    const { position, vector } = durable;
    const damage = {
      foundMs,
      detail: this.newDamage ?? '',
      position,
      vector: [...vector].map(([id, seqno]): [number, number] => [id, seqno]),
      missing: missingIn(durable),
    };
    return writeProjectInfo(this.project, {
      createdMs: foundMs,
      session: null,
      tombstone: null,
      ...this.current,
      damage,
    });
  }

  /** What it is to say with a group; `take` it when the group is numbered. */
  with({ kind, serverId, timeMs, user, isUnfinished, position }: FirstOfGroup): EntryChange {
    const before = this.current;
    const isSession = !isUnfinished && (kind === 'session' || kind === 'closing');
    const session = isSession ? { serverId, user } : null;
    if (!before && isUnfinished) {
      const key = unfinishedKey(this.project);
      const writes = position === 1 ? [{ key, value: seal(key, new Uint8Array()) }] : [];
      return { info: undefined, writes, position };
    }
    if (!before) {
      const info = { createdMs: timeMs, session, tombstone: null };
      const writes: Write[] = [writeProjectInfo(this.project, info)];
      if (position > 1) writes.push({ key: unfinishedKey(this.project), value: null });
      return { info, writes, position };
    }
    if (!session || before.session) return { info: before, writes: [], position };
    const info = { ...before, session };
    return { info, writes: [writeProjectInfo(this.project, info)], position };
  }

  take({ info, position }: EntryChange): void {
    if (info && !this.current) this.thereFrom = position;
    if (info?.session && !this.current?.session) this.sessionFrom = position;
    this.current = info;
  }

  /** What puts a project into the catalogue whose log is there already. */
  enter(info: ProjectInfo): { writes: Write[]; settle: () => void } {
    const { write, settle } = this.describe(info);
    return { writes: [write, { key: unfinishedKey(this.project), value: null }], settle };
  }

  /** As `describe`, when these records are back, by position; null if the catalogue says that already. */
  describeWith(records: ReadonlyMap<number, LogRecord>): { write: Write; settle: () => void } | null {
    const { current } = this;
    if (!current) return null;
    let info = current;
    for (const [position, record] of records) info = toldBy(info, position, record);
    return info === current ? null : this.describe(info);
  }

  /** Has the catalogue say something else; `settle` when the write is durable. */
  describe(info: ProjectInfo): { write: Write; settle: () => void } {
    return {
      write: writeProjectInfo(this.project, info),
      settle: () => this.take({ info, writes: [], position: 0 }),
    };
  }
}
