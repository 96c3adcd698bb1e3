// The messages that two servers exchange on /replicate (docs/replication-protocol.md): read and written by
// parse-message.ts and print-message.ts beside it, understood by the links of src/replication.

import type { KeptSnapshot } from '../../model/kept-snapshot.ts';
import type { Standing } from '../../model/standing.ts';
import type { VersionVector } from '../../model/version-vector.ts';

/** The version of the protocol that this release speaks. */
export const protocolVersion = 1;

/** What a frame may hold at most; a longer one is refused. */
export const replicationLimits = {
  /** Of a whole frame. One group is never cut, and its update may be as long as the largest request body makes it. */
  frameBytes: 2 ** 30,
  capabilities: 64,
  capabilityBytes: 64,
  /** Projects in one page of a catalogue. */
  entries: 1_000,
  /** Server ids of one project, in a standing or a version vector. */
  servers: 65_536,
  records: 2 ** 20,
  /** Of a sentence for people. A longer one is cut when it is sent. */
  textBytes: 4_096,
} as const;

export const serverIdMax = 2 ** 48 - 1;
/** Odd: a project that was purged is deleted for good, because no undelete is newer (REP-14). */
export const lifecycleMax = 2 ** 31 - 1;
export const instanceBytes = 16;
export const catalogueDigestBytes = 8;
export const headChecksumBytes = 8;

/** The first message of each side; nothing else is sent before the other's has come. */
export interface Hello {
  readonly type: 'hello';
  /** The highest version of the protocol that the sender speaks. */
  readonly protocol: number;
  readonly serverId: number;
  /** Random, 16 bytes, new with each start of the process: tells a twin from oneself (REP-9). */
  readonly instance: Uint8Array;
  /** What else the sender can do, by name; unknown names are ignored. */
  readonly capabilities: readonly string[];
}

/** A page of the projects that the sender has, in the order of their UTF-8, each with the digest of its standing (REP-2). */
export interface Catalogue {
  readonly type: 'catalogue';
  readonly entries: readonly { readonly project: string; readonly digest: Uint8Array }[];
  readonly isLast: boolean;
}

/** What the sender has of a project: the receiver asks for what it lacks, and says what it has if the sender lacks some. */
export interface StandingMessage {
  readonly type: 'standing';
  readonly project: string;
  readonly standing: Standing;
}

/** Asks for all that the sender of this lacks of a project, then for what comes. It replaces the one before for the project. */
export interface Want {
  readonly type: 'want';
  readonly project: string;
  /** Of the asking side, rising: what comes for a lower one is discarded (REP-3). */
  readonly stream: number;
  readonly vector: VersionVector;
}

/** As `want`, with what its sender has kept of a snapshot that was cut off: it need not come again (REP-7). */
export interface Resume {
  readonly type: 'resume';
  readonly project: string;
  readonly stream: number;
  readonly vector: VersionVector;
  readonly kept: KeptSnapshot;
}

/** Whole groups of records in the order of the sender's log, each record as it is stored (REP-1). */
export interface Groups {
  readonly type: 'groups';
  readonly project: string;
  readonly stream: number;
  /** Whether a session that was created in slices is not complete with these. */
  readonly isUnfinished: boolean;
  readonly records: readonly Uint8Array[];
}

/**
 * A part of a snapshot, or of the records that go with one (REP-7): where the sender has compacted its log, records come without
 * their updates, and the snapshot stands for these. Nothing of it counts before the last part.
 */
export interface SnapshotMessage {
  readonly type: 'snapshot';
  readonly project: string;
  readonly stream: number;
  /** What came before of another one is given up. */
  readonly isFirst: boolean;
  readonly isLast: boolean;
  /** What the snapshot has, the same in all parts. */
  readonly covers: VersionVector;
  /** A Yjs update, v1; the pieces make the document when they are applied in their order. Empty if there is none in this part. */
  readonly piece: Uint8Array;
  /** As in `groups`. */
  readonly records: readonly Uint8Array[];
}

/** As `snapshot`, to who can keep what was cut off: without `isFirst` the first one of a stream goes on behind what is kept. */
export interface NamedPart extends Omit<SnapshotMessage, 'type'> {
  readonly type: 'part';
  /** Tells the snapshot from all others, 16 bytes: the same in all parts. */
  readonly name: Uint8Array;
}

/** The sender can't go on with a stream: the receiver says again what it has when it likes to. */
export interface Ended {
  readonly type: 'ended';
  readonly project: string;
  readonly stream: number;
  /** For people. Empty if all is well: everything was sent, and what comes is announced again. */
  readonly reason: string;
}

/** So much of the window is dealt with, durably where it brought changes: as much more may be sent. */
export interface Ack {
  readonly type: 'ack';
  /** Of the frames that are dealt with: the length of each, and 512 more. */
  readonly bytes: number;
}

/** Asks for records that the sender of this has lost: seqnos from first to last, both included. */
export interface Fetch {
  readonly type: 'fetch';
  readonly project: string;
  readonly serverId: number;
  readonly first: number;
  readonly last: number;
}

/** What the sender has of what was asked for, in the order of seqnos; where that ends, `isLast`. */
export interface Fetched {
  readonly type: 'fetched';
  readonly project: string;
  readonly serverId: number;
  readonly records: readonly Uint8Array[];
  readonly isLast: boolean;
}

/** Why the sender ends the link (REP-9, REP-13). */
export type RefusalReason = 'twin' | 'self' | 'protocol' | 'malformed' | 'busy' | 'stopping' | 'internal';

export interface Refused {
  readonly type: 'refused';
  readonly reason: RefusalReason;
  /** One sentence for people. */
  readonly message: string;
}

export type ReplicationMessage =
  | Hello
  | Catalogue
  | StandingMessage
  | Want
  | Resume
  | Groups
  | Ended
  | Ack
  | Fetch
  | Fetched
  | SnapshotMessage
  | NamedPart
  | Refused;

/** A message with its number on the link: 1, 2, 3 in each direction (REP-3). */
export interface Frame {
  readonly number: number;
  readonly message: ReplicationMessage;
}

/** Whether a frame counts against the window of its sender: those that may be long or many do. */
export function countsInWindow({ type }: ReplicationMessage): boolean {
  return (
    type === 'catalogue' ||
    type === 'standing' ||
    type === 'groups' ||
    type === 'snapshot' ||
    type === 'part' ||
    type === 'fetched'
  );
}
