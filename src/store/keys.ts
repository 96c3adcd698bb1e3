// The keys of the store (docs/format.md). Numbers are big-endian and of fixed width, so that the order of keys is
// the order of numbers; a project id is escaped and ended by a zero byte, so that no id's keys lie among another's.

import type { ObjectKind } from '../model/objects.ts';
import type { Match } from '../model/selection.ts';
import { digestOf } from './digest.ts';
import type { Range } from './store.ts';

/** Numbers in keys are below 2^48. */
const numberBytes = 6;
const numberMax = 2 ** (8 * numberBytes) - 1;

export const formatKey = Buffer.from('!format');
export const lifeKey = Buffer.from('!life');
export const holdersMarkKey = Buffer.from('!index');

/** project → what it is: the catalogue. */
export function projectKey(project: string): Buffer {
  return Buffer.concat([Buffer.from('p'), escaped(project)]);
}

export const allProjects: Range = { from: Buffer.from('p'), before: Buffer.from('q') };

/** project → a session that is being created: it isn't in the catalogue yet. */
export function unfinishedKey(project: string): Buffer {
  return Buffer.concat([Buffer.from('n'), escaped(project)]);
}

export const allUnfinished: Range = { from: Buffer.from('n'), before: Buffer.from('o') };

/** project → its keys are being removed, for good. */
export function purgeKey(project: string): Buffer {
  return Buffer.concat([Buffer.from('q'), escaped(project)]);
}

export const allPurges: Range = { from: Buffer.from('q'), before: Buffer.from('r') };

/** report or topic, project → the project has objects of it. */
export function holderKey(match: Match, project: string): Buffer {
  return Buffer.concat([holdersPrefix(match), escaped(project)]);
}

/** The keys of all projects that have objects of a report or a topic. */
export function holdersOf(match: Match): Range {
  const from = holdersPrefix(match);
  return { from, before: behindZero(from) };
}

/** The project in a key of `holdersOf`. */
export function projectOfHolderKey(match: Match, key: Uint8Array): string {
  return readEscaped(key.subarray(holdersPrefix(match).length));
}

/** The keys of all reports and topics, of all projects. */
export const allHolders: Range = { from: Buffer.from('h'), before: Buffer.from('i') };

/** Whether a key of `allHolders` is that of a project. */
export function isHolder(key: Uint8Array, project: string): boolean {
  const behindValue = key.indexOf(0) + 1; // what is escaped has no zero but that at its end
  return Buffer.compare(key.subarray(behindValue), escaped(project)) === 0;
}

function holdersPrefix({ field, value }: Match): Buffer {
  return Buffer.concat([Buffer.from('h' + field.slice(0, 1)), escapedBytes(bounded(value))]);
}

/** The id in a key of the catalogue, of an unfinished session, or of a purge. */
export function projectOfKey(key: Uint8Array): string {
  return readEscaped(key.subarray(1));
}

/** @param key ends with the zero that ends an escaped id. */
function readEscaped(key: Uint8Array): string {
  const bytes: number[] = [];
  for (let i = 0; i < key.length - 1; i++) {
    const byte = key[i] ?? 0;
    bytes.push(byte === escapeByte ? (key[++i] ?? 0) - 1 : byte);
  }
  return Buffer.from(bytes).toString('utf8');
}

const sections = {
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
  repeats: 'b', // positions of objects whose uuid an earlier position has (REP-6)
  arrivals: 'a', // number, part → part of what another server sends with its snapshot; the last part number → that it is being taken
} as const;

export type Section = keyof typeof sections;

/** What a key of the store is of. */
export type StoredKey =
  | { readonly type: 'store' }
  | { readonly type: 'project' | 'unfinished' | 'purge' | 'holder'; readonly project: string }
  | {
      readonly type: 'data';
      readonly project: string;
      readonly section: Section;
      /** Behind the project and the letter of the section. */
      readonly rest: Uint8Array;
    };

const sectionOfLetter = new Map(
  Object.entries(sections).map(([section, letter]) => [letter.charCodeAt(0), section as Section]),
);

/** Everything that is in a store. */
export const allKeys: Range = { from: Buffer.from([0]), before: Buffer.from([0xff]) };

/** Null for a key that this release doesn't know. */
export function readKey(key: Uint8Array): StoredKey | null {
  switch (String.fromCharCode(key[0] ?? 0)) {
    case '!':
      return { type: 'store' };
    case 'p':
      return { type: 'project', project: projectOfKey(key) };
    case 'n':
      return { type: 'unfinished', project: projectOfKey(key) };
    case 'q':
      return { type: 'purge', project: projectOfKey(key) };
    case 'h':
      return { type: 'holder', project: readEscaped(key.subarray(key.indexOf(0) + 1)) };
    case 'd': {
      const end = key.indexOf(0) + 1;
      const section = sectionOfLetter.get(key[end] ?? 0);
      if (end === 0 || !section) return null;
      return {
        type: 'data',
        project: readEscaped(key.subarray(1, end)),
        section,
        rest: key.subarray(end + 1),
      };
    }
    default:
      return null;
  }
}

/** Makes the keys of one project. */
export class ProjectKeys {
  private readonly prefix: Buffer;
  /** What the keys of a section begin with, once one was made. */
  private readonly beginnings = new Map<Section, Buffer>();
  readonly topLevelKeys: Buffer;
  readonly upkeep: Buffer;
  readonly indexMark: Buffer;
  readonly quarantine: Buffer;

  constructor(project: string) {
    this.prefix = Buffer.concat([Buffer.from('d'), escaped(project)]);
    this.topLevelKeys = this.in('topLevelKeys');
    this.upkeep = this.in('upkeep');
    this.indexMark = this.in('indexMark');
    this.quarantine = this.in('quarantine');
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
    return this.in('uuid', Buffer.from(kind.charAt(0) + versionUuid, 'utf8'));
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

  private allOf(section: keyof typeof sections): Range {
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

/** The first key behind all that begin with this one, which ends with a letter. */
function nextPrefix(prefix: Buffer): Buffer {
  const next = Buffer.from(prefix);
  next.writeUInt8(next.readUInt8(next.length - 1) + 1, next.length - 1);
  return next;
}

/** Server id and seqno of a sequence key. */
export function readSequenceKey(key: Uint8Array): { serverId: number; seqno: number } {
  return {
    serverId: readNumber(key.subarray(-2 * numberBytes, -numberBytes)),
    seqno: readNumber(key.subarray(-numberBytes)),
  };
}

/** Position and chunk of a snapshot's key; `null` for its header. */
export function readSnapshotKey(key: Uint8Array): { position: number; chunk: number | null } {
  const chunk = readLastNumber(key);
  return {
    position: readNumber(key.subarray(-2 * numberBytes, -numberBytes)),
    chunk: chunk === numberMax ? null : chunk,
  };
}

/** The arrival that a key is of, and its part; `null` for its mark. */
export function readArrivalKey(key: Uint8Array): { arrival: number; part: number | null } {
  const { position: arrival, chunk: part } = readSnapshotKey(key);
  return { arrival, part };
}

/** The number that the key of a record, a version, a posting or a change of `udt` ends with. */
export function readLastNumber(key: Uint8Array): number {
  return readNumber(key.subarray(-numberBytes));
}

export function number(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(numberBytes);
  bytes.writeUIntBE(value, 0, numberBytes);
  return bytes;
}

export function readNumber(bytes: Uint8Array): number {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).readUIntBE(0, numberBytes);
}

const escapeByte = 1;

/** 0 → 1 1, 1 → 1 2, ended by 0. */
function escaped(project: string): Buffer {
  return escapedBytes(Buffer.from(project, 'utf8'));
}

function escapedBytes(value: Uint8Array): Buffer {
  let length = value.length + 1;
  for (const byte of value) if (byte <= escapeByte) length++;
  const bytes = Buffer.allocUnsafe(length);
  let at = 0;
  for (const byte of value) {
    if (byte <= escapeByte) bytes[at++] = escapeByte;
    bytes[at++] = byte <= escapeByte ? byte + 1 : byte;
  }
  bytes[at] = 0;
  return bytes;
}

/** A key is as long as this at most for what users have named; the digest stands for a longer name. */
const namedBytesMax = 512;

/** Who finds something under a digest compares the name. */
function bounded(name: string): Uint8Array {
  const bytes = Buffer.from(name, 'utf8');
  return bytes.length > namedBytesMax ? digestOf(bytes) : bytes;
}

/** @param prefix ends with the zero that ends an escaped name. */
function behindZero(prefix: Buffer): Buffer {
  const before = Buffer.from(prefix);
  before.writeUInt8(1, before.length - 1);
  return before;
}
