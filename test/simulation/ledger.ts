// What the simulation knows from outside of the servers: every number that was ever seen with its content, what is on each
// disk, and what was acknowledged. It notices at once what must never be; the checker compares at the end.

import type { Life } from '../../src/store/life.ts';
import type { Write } from '../../src/store/store.ts';
import { DiskLog, type ProjectOnDisk } from './disk-log.ts';
import { readEntry, readKey, RecordReader, type SeenRecord } from './log-reader.ts';
import { SeenSessions } from './seen-sessions.ts';

/** A change, whoever has it. */
export interface SeenChange {
  readonly checksum: string;
  readonly object: string | null;
  /** Kept when it was seen first: compaction takes it from the disks. */
  update: Uint8Array | null;
}

/** What was promised to a client. */
export interface Promised {
  readonly project: string;
  /** Who was promised what by whom, for people. */
  readonly detail: string;
}

export class Ledger {
  /** What must never be, and was. The simulation ends at the first. */
  readonly problems: string[] = [];
  /** Project, server id and seqno → the change. */
  readonly changes = new Map<string, SeenChange>();
  /** By the number of the server. */
  readonly disks: DiskLog[];
  /** Mark → what was promised of it. Every write carries a mark of its own. */
  readonly promised = new Map<string, Promised>();
  /** Project → the lifecycle that was acknowledged. */
  readonly lifecycles = new Map<string, number>();
  /** The names of changes of which somebody was told. */
  private readonly told = new Set<string>();
  /** Mark → the changes that carry it. */
  private readonly carriers = new Map<string, string[]>();
  /** Those that are made in slices. */
  readonly sessions = new SeenSessions();
  private readonly records = new RecordReader();
  /** Epoch → the server ids that have drawn it. */
  private readonly epochs = new Map<number, Set<number>>();
  /** How many updates were compacted away on a disk. */
  compactions = 0;
  /** How many batches became durable. */
  batches = 0;
  /** How many parts of sessions were stored before their projects were there. */
  partsStored = 0;
  /** How many promises a restore made void: nobody had what was promised any more. */
  forgiven = 0;

  constructor(servers: number) {
    this.disks = Array.from({ length: servers }, () => new DiskLog());
  }

  fail(problem: string): void {
    this.problems.push(problem);
  }

  // ---- what is seen

  /** A server writes as this. */
  lived({ serverId, epoch }: Life): void {
    this.epochs.set(epoch, (this.epochs.get(epoch) ?? new Set()).add(serverId));
  }

  /** Whether two have drawn the epoch of a version, as one pair in a million does: it can't be told whose it is (UDT-3). */
  isEpochShared(version: number): boolean {
    return (this.epochs.get(Math.floor(version / 2 ** 32))?.size ?? 0) > 1;
  }

  /** A batch is durable on a disk. */
  synced(server: number, batch: readonly Write[]): void {
    this.batches++;
    const groups = new Map<string, number>();
    const described = new Set<string>();
    for (const { key, value } of batch) {
      const seen = readKey(key);
      if (seen.type === 'project') {
        described.add(seen.project);
        const { lifecycle = 0, isSession = false } = value ? readEntry(value) : {};
        Object.assign(this.disks[server]!.project(seen.project), { lifecycle, isSession, isThere: !!value });
      } else if (seen.type === 'record') {
        const { project, position } = seen;
        const disk = this.disks[server]!.project(project);
        if (!value) this.removed(disk, position);
        else this.stored(server, project, position, disk, this.records.read(value), groups);
      }
    }
    for (const [group, missing] of groups)
      if (missing !== 0) this.fail(`server ${server} stored only a part of the group ${group}`);
    for (const project of described) this.checkWhole(server, project);
  }

  /** What was removed before anybody was told of it may be given another content. */
  private removed(disk: ProjectOnDisk, position: number): void {
    const name = disk.remove(position);
    if (name === undefined || disk.lifecycle > 0) return;
    const isKept = this.told.has(name) || this.disks.some((other) => other.hasNamed(name));
    if (isKept) return;
    this.changes.delete(name);
    this.sessions.see(name, 'other');
  }

  /** A session that is made in slices isn't there before its last one is durable. */
  private checkWhole(server: number, project: string): void {
    const disk = this.disks[server]!.project(project);
    if (!disk.isThere || disk.lifecycle > 0) return;
    const names = disk.list();
    if (disk.isSession && !this.sessions.hasWhole(names))
      this.fail(`server ${server} has ${project} as a session, and only a part of it`);
    if (names.length > 0 && this.sessions.hasOnlyParts(names))
      this.fail(`server ${server} has ${project}, and only a part of a session in it`);
  }

  private stored(
    server: number,
    project: string,
    position: number,
    disk: ProjectOnDisk,
    record: SeenRecord,
    groups: Map<string, number>,
  ): void {
    const { serverId, seqno, groupIndex, groupSize } = record;
    const name = nameOf(project, serverId, seqno);
    this.see(name, record, `the disk of server ${server}`);
    if (disk.at(position) === name) {
      this.compactions++;
      return;
    }
    if (record.kind !== 'other' && !disk.isThere) this.partsStored++;
    const group = nameOf(project, serverId, seqno - groupIndex);
    groups.set(group, (groups.get(group) ?? groupSize) - 1);
    const problem = disk.add(position, name, serverId, seqno);
    if (problem) this.fail(`server ${server}: ${problem}`);
  }

  /** A record that a server sends to another: it must be durable there (REP-3). */
  sent(server: number, project: string, bytes: Uint8Array): SeenRecord {
    const record = this.records.read(bytes);
    const name = nameOf(project, record.serverId, record.seqno);
    this.see(name, record, `a link from server ${server}`);
    this.left(server, project, name, 'sent to a peer');
    return record;
  }

  /** Records that a server sends as `groups`. */
  sentGroups(server: number, project: string, records: readonly Uint8Array[], isUnfinished: boolean): void {
    const last = records.map((bytes) => this.sent(server, project, bytes)).at(-1);
    if (last?.kind === 'slice' && !isUnfinished)
      this.fail(`server ${server} has sent a part of the session ${project} for the whole`);
    if (!this.disks[server]!.project(project).isThere)
      this.fail(`server ${server} has sent ${project}, which isn't there`);
  }

  /** An object that a server shows to a client under a number. */
  shown(server: number, project: string, serverId: number, seqno: number, object: string): void {
    const name = nameOf(project, serverId, seqno);
    this.left(server, project, name, 'shown to a client');
    const known = this.changes.get(name);
    if (known && known.object !== object) this.fail(`the number ${name} was shown with another content`);
  }

  private left(server: number, project: string, name: string, how: string): void {
    this.told.add(name);
    if (!this.disks[server]!.project(project).mayLeave(name))
      this.fail(`server ${server}: ${name} was ${how} before it was durable`);
  }

  private see(name: string, { checksum, object, update, kind }: SeenRecord, where: string): void {
    const known = this.changes.get(name);
    if (!known) {
      this.changes.set(name, { checksum, object, update });
      this.sessions.see(name, kind);
      const text = (object ?? '') + (update ? Buffer.from(update).toString('latin1') : '');
      for (const [mark] of text.matchAll(marks)) {
        const carriers = this.carriers.get(mark);
        if (!carriers) this.carriers.set(mark, [name]);
        else if (!carriers.includes(name)) carriers.push(name);
      }
    } else if (known.checksum !== checksum) {
      this.fail(`the number ${name} has two contents, one of them on ${where}`);
    } else {
      known.update ??= update;
    }
  }

  // ---- what is promised

  /** A server says that a write is durable. */
  answered(server: number, mark: string, project: string): void {
    if (!this.isOn(this.disks[server]!, mark, project))
      this.fail(`server ${server} acknowledged ${mark} before it was durable`);
  }

  /** The writer has heard it: from now on it is a promise. */
  acknowledged(mark: string, promised: Promised): void {
    this.promised.set(mark, promised);
  }

  /** How much of what these clients wrote is promised. */
  countPromised(clients: readonly { readonly name: string }[]): number {
    const isTheirs = (mark: string): boolean => clients.some(({ name }) => mark.startsWith(`~${name}x`));
    return [...this.promised.keys()].filter(isTheirs).length;
  }

  /** A server's disk is an old copy of itself: what nobody has any more can't come back. */
  restored(holds: (mark: string) => boolean): void {
    for (const [mark, { project }] of this.promised) {
      if (holds(mark) || this.isAnywhere(mark, project)) continue;
      this.promised.delete(mark);
      this.forgiven++;
    }
    for (const [project, lifecycle] of this.lifecycles) {
      const known = Math.max(...this.disks.map((disk) => disk.project(project).lifecycle));
      this.lifecycles.set(project, Math.min(lifecycle, known));
    }
  }

  /**
   * Whether another server has more of what a server wrote under a server id than `own`, which is or will be its disk. Of deleted
   * projects nobody tells.
   */
  isKnownElsewhere(server: number, own: DiskLog, serverId: number): boolean {
    return this.disks.some(
      (disk, index) =>
        index !== server &&
        [...disk.alive()].some(([id, project]) => {
          const here = own.project(id);
          return here.lifecycle === project.lifecycle && project.head(serverId) > here.head(serverId);
        }),
    );
  }

  /** Whether some server has all that makes the project a session. */
  isSessionAnywhere(project: string): boolean {
    return this.disks.some((disk) => this.sessions.hasWhole(disk.project(project).list()));
  }

  isAnywhere(mark: string, project: string): boolean {
    return this.disks.some((disk) => this.isOn(disk, mark, project));
  }

  isOn(disk: DiskLog, mark: string, project: string): boolean {
    return (this.carriers.get(mark) ?? []).some((name) => disk.project(project).has(name));
  }
}

/** What makes a write known wherever it is: in objects and in updates. */
const marks = /~[a-z0-9]+~/g;

function nameOf(project: string, serverId: number, seqno: number): string {
  return `${project}/${serverId}/${seqno}`;
}
