// The keys of one project (docs/format.md): a letter for what a key is of, then what tells it from others. Everything that
// stores or finds anything of a project makes its keys here; read-key.ts reads them.

import type { ObjectKind } from '../model/objects.ts';
import type { Match } from '../model/selection.ts';
import {
  behindZero,
  bounded,
  escaped,
  escapedBytes,
  nextPrefix,
  number,
  numberBytes,
  numberMax,
} from './key-parts.ts';
import type { Range } from './store.ts';

/** The letter of each. */
export const sections = {
  record: 'r', // position → record
  sequence: 's', // server id, seqno → position
  uuid: 'u', // kind, version uuid → position
  version: 'v', // n → version record
  clients: 'c', // server id → the Yjs clientIDs of that life
  topLevelKeys: 'k', // top-level keys of `udt` that version records have named
  snapshot: 'z', // position, chunk → part of a snapshot; the last chunk number → its header
  idempotency: 'i', // key given by a client → the version it made
  samples: 'w', // id of a sample → how often it was changed
  upkeep: 'm', // what was done to keep the project small
  postings: 'x', // report, topic or user; kind; first position → positions of one group
  indexMark: 'y', // from which position on the project is indexed
  udtChanges: 't', // position of a change of `udt` → n of its version
  unkeptPatches: 'g', // positions of changes of `udt` whose patch was never kept
  quarantine: 'q', // which changes are lost or damaged, and wanted back from another server
  unordered: 'o', // that changes which were put back may stand in another order than theirs
  repeats: 'b', // positions of objects whose uuid an earlier position has (REP-6)
  arrivals: 'a', // number, part → part of what another server sends with its snapshot; the last part numbers → its snapshot, and that it is being taken
} as const;

export type Section = keyof typeof sections;

/** Makes the keys of one project. */
export class ProjectKeys {
  private readonly prefix: Buffer;
  /** What the keys of a section begin with, once one was made. */
  private readonly beginnings = new Map<Section, Buffer>();
  readonly topLevelKeys: Buffer;
  readonly upkeep: Buffer;
  readonly indexMark: Buffer;
  readonly quarantine: Buffer;
  readonly unordered: Buffer;

  constructor(project: string) {
    this.prefix = Buffer.concat([Buffer.from('d'), escaped(project)]);
    this.topLevelKeys = this.in('topLevelKeys');
    this.upkeep = this.in('upkeep');
    this.indexMark = this.in('indexMark');
    this.quarantine = this.in('quarantine');
    this.unordered = this.in('unordered');
  }

  /** Everything of the project but its entry in the catalogue. */
  all(): Range {
    return { from: this.prefix, before: behindZero(this.prefix) };
  }

  record(position: number): Buffer {
    return this.numbered('record', position);
  }

  sequence(serverId: number, seqno: number): Buffer {
    return this.numbered('sequence', serverId, seqno);
  }

  uuid(kind: ObjectKind, versionUuid: string): Buffer {
    const beginning = this.beginning('uuid');
    const name = kind.charAt(0) + versionUuid;
    const key = Buffer.allocUnsafe(beginning.length + Buffer.byteLength(name));
    key.set(beginning);
    key.write(name, beginning.length);
    return key;
  }

  /** The entries of all objects of a kind. */
  uuids(kind: ObjectKind): Range {
    const from = this.in('uuid', Buffer.from(kind.slice(0, 1)));
    return { from, before: nextPrefix(from) };
  }

  version(n: number): Buffer {
    return this.in('version', number(n));
  }

  /** @param first position of those that are in the value. */
  posting(kind: ObjectKind, { field, value }: Match, first: number): Buffer {
    const beginning = this.beginning('postings');
    const name = escapedBytes(bounded(value));
    const key = Buffer.allocUnsafe(beginning.length + 2 + name.length + numberBytes);
    key.set(beginning);
    key.write(field.charAt(0) + kind.charAt(0), beginning.length, 'latin1');
    key.set(name, beginning.length + 2);
    key.writeUIntBE(first, key.length - numberBytes, numberBytes);
    return key;
  }

  /** Postings whose first position is from one to another, both included. */
  postings(kind: ObjectKind, match: Match, first: number, last: number): Range {
    return { from: this.posting(kind, match, first), before: this.posting(kind, match, last + 1) };
  }

  allPostings(): Range {
    return this.allOf('postings');
  }

  udtChange(position: number): Buffer {
    return this.in('udtChanges', number(position));
  }

  /** Changes of `udt` from one position to another, both included. */
  udtChanges(first: number, last: number): Range {
    return { from: this.udtChange(first), before: this.udtChange(last + 1) };
  }

  unkeptPatch(position: number): Buffer {
    return this.in('unkeptPatches', number(position));
  }

  /** Up to a position, included. */
  unkeptPatches(last: number): Range {
    return { from: this.unkeptPatch(0), before: this.unkeptPatch(last + 1) };
  }

  repeat(position: number): Buffer {
    return this.in('repeats', number(position));
  }

  /** From one position to another, both included. */
  repeats(first: number, last: number): Range {
    return { from: this.repeat(first), before: this.repeat(last + 1) };
  }

  idempotency(key: string): Buffer {
    return this.in('idempotency', Buffer.from(key, 'utf8'));
  }

  allAnswers(): Range {
    return this.allOf('idempotency');
  }

  sampleChanges(id: string): Buffer {
    return this.in('samples', Buffer.from(id, 'utf8'));
  }

  allSampleChanges(): Range {
    return this.allOf('samples');
  }

  clients(serverId: number): Buffer {
    return this.in('clients', number(serverId));
  }

  /** Records from one position to another, both included. */
  records(first: number, last: number): Range {
    return { from: this.record(first), before: this.record(last + 1) };
  }

  allRecords(): Range {
    return this.allOf('record');
  }

  /** Version records from one n to another, both included. */
  versions(first: number, last: number): Range {
    return { from: this.version(first), before: this.version(last + 1) };
  }

  allVersions(): Range {
    return this.allOf('version');
  }

  snapshotChunk(position: number, chunk: number): Buffer {
    return this.in('snapshot', number(position), number(chunk));
  }

  /** The key of what makes a snapshot whole: it sorts behind all its chunks. */
  snapshotHeader(position: number): Buffer {
    return this.snapshotChunk(position, numberMax);
  }

  /** All that is stored of the snapshot at a position. */
  snapshot(position: number): Range {
    return { from: this.snapshotChunk(position, 0), before: this.snapshotChunk(position + 1, 0) };
  }

  /** All that is stored of snapshots below a position, or of all. */
  snapshotsBelow(position: number | null): Range {
    const { from, before } = this.allOf('snapshot');
    return { from, before: position === null ? before : this.snapshotChunk(position, 0) };
  }

  arrivalPart(arrival: number, part: number): Buffer {
    return this.in('arrivals', number(arrival), number(part));
  }

  /** The key of what says that an arrival is being taken: it sorts behind all its parts. */
  arrivalMark(arrival: number): Buffer {
    return this.arrivalPart(arrival, numberMax);
  }

  /** The key of what says of which snapshot an arrival is, behind its parts. */
  arrivalLabel(arrival: number): Buffer {
    return this.arrivalPart(arrival, numberMax - 1);
  }

  /** Its parts alone. */
  arrivalParts(arrival: number): Range {
    return { from: this.arrivalPart(arrival, 0), before: this.arrivalLabel(arrival) };
  }

  /** All that is stored of an arrival. */
  arrival(arrival: number): Range {
    return { from: this.arrivalPart(arrival, 0), before: this.arrivalPart(arrival + 1, 0) };
  }

  /** All that is stored of arrivals behind one. */
  arrivalsBehind(arrival: number): Range {
    return { from: this.arrivalPart(arrival + 1, 0), before: this.allOf('arrivals').before };
  }

  /** Everything of the project but arrivals, which come first: they may be there before it is. */
  allButArrivals(): Range {
    return { from: this.allOf('arrivals').before, before: this.all().before };
  }

  /** The sequence entries of all servers below one, or of all. */
  sequencesBelow(serverId: number | null): Range {
    const { from, before } = this.allOf('sequence');
    return { from, before: serverId === null ? before : this.sequence(serverId, 0) };
  }

  private allOf(section: Section): Range {
    const from = this.in(section);
    return { from, before: nextPrefix(from) };
  }

  private in(section: Section, ...rest: Buffer[]): Buffer {
    return Buffer.concat([this.beginning(section), ...rest]);
  }

  /** As `in`, for the keys that every change has. */
  private numbered(section: Section, ...numbers: number[]): Buffer {
    const beginning = this.beginning(section);
    const key = Buffer.allocUnsafe(beginning.length + numberBytes * numbers.length);
    key.set(beginning);
    let at = beginning.length;
    for (const value of numbers) at = key.writeUIntBE(value, at, numberBytes);
    return key;
  }

  private beginning(section: Section): Buffer {
    let beginning = this.beginnings.get(section);
    if (!beginning) {
      beginning = Buffer.concat([this.prefix, Buffer.from(sections[section])]);
      this.beginnings.set(section, beginning);
    }
    return beginning;
  }
}
