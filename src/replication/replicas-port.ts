// What a link to another server needs of the core: the class Replicas of src/core fits it, and so does the model that
// the tests of links run against.

import type { KeptSnapshot } from '../model/kept-snapshot.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { Standing } from '../model/standing.ts';
import type { NamedPart, SnapshotMessage } from '../wire/replication/messages.ts';

/** A project and the digest of its standing (8 bytes): equal digests mean that both servers have the same (REP-2). */
export interface CatalogueEntry {
  readonly project: string;
  readonly digest: Uint8Array;
}

/** Whole groups of records, each as it is stored. */
export interface ReceivedGroups {
  readonly records: readonly Uint8Array[];
  /** Whether a session that was created in slices is not complete with these. */
  readonly isUnfinished: boolean;
}

export interface ReadGroups extends ReceivedGroups {
  /** What the peer has after these. */
  readonly vector: VersionVector;
  /** If these go with a snapshot, or are a piece of one (REP-7): they count when all of it is there. */
  readonly snapshot?: Omit<NamedPartOfSnapshot, 'records'>;
}

/** See SnapshotMessage of the wire; with a name it can be gone on with when it was cut off. */
export type PartOfSnapshot = Pick<SnapshotMessage, 'isFirst' | 'isLast' | 'covers' | 'piece' | 'records'> &
  Partial<Pick<NamedPart, 'name'>>;

type NamedPartOfSnapshot = PartOfSnapshot & Pick<NamedPart, 'name'>;

/** Where one snapshot arrives. */
export interface SnapshotReceipt {
  /** Takes the parts in their order; resolves when they are durable, with the last one when all of it is taken. */
  add(part: PartOfSnapshot): Promise<Accepted>;
  /** What isn't whole is kept if it has a name, else given up. */
  close(): void;
}

/** Where the rest of a snapshot may come that was cut off: its first part need not be the first of all. */
export interface ResumedReceipt {
  readonly kept: KeptSnapshot;
  readonly receipt: SnapshotReceipt;
}

/** Changes when a write has failed here: what was taken in one era is lost, or durable, when another has begun. */
export type Era = number;

/** Groups that are given before those that they follow are durable. */
export interface Succession {
  /** The era in which those before them were taken; null if they are durable. In another one nothing of these is taken. */
  readonly behind: Era | null;
  /** All of them are taken and on their way to the disk: what follows may be given. */
  readonly onTaken: (era: Era) => void;
}

/** What became of groups of a peer: they are durable here, or they don't follow what is (REP-3). */
export type Accepted =
  { readonly type: 'accepted'; readonly changes: number } | { readonly type: 'gap'; readonly detail: string };

/** Seqnos of one server that follow each other, both ends included. */
export interface SeqnoRange {
  readonly serverId: number;
  readonly first: number;
  readonly last: number;
}

/** What became of records that were lost here. */
export interface Repaired {
  /** How many are in their places again. */
  readonly changes: number;
  /** How much is still wanted. */
  readonly missing: number;
}

/** What a comparison with a peer's standing shows. */
export interface Meeting {
  /** We lack something that the peer has. */
  readonly lacks: boolean;
  /** The peer lacks something that we have. */
  readonly has: boolean;
  /** What is durable here. */
  readonly vector: VersionVector;
}

/** The log of one project from some vector on, then what comes. */
export interface ReplicaReader {
  /** Whether all that is durable was handed out. */
  readonly isAtHead: boolean;
  /**
   * What comes next in the log's order, at most about 256 KiB unless one group is longer; waits at the head. null after
   * `close`.
   * @throws RejoinError `deleted` when the project is deleted, or was; `damaged`, `unavailable`.
   */
  next(): Promise<ReadGroups | null>;
  /** The peer has these: they are left out. */
  knows(vector: VersionVector): void;
  close(): void;
}

export interface Replicas {
  /** The present life's. */
  readonly serverId: number;
  /**
   * The projects behind `after`, in the order of the UTF-8 bytes of their ids, some hundreds at once: deleted ones too,
   * unfinished and unreplicated ones not. Empty at the end.
   */
  catalogue(after: string | null): Promise<readonly CatalogueEntry[]>;
  isReplicated(project: string): boolean;
  /** null if there is no such project here. */
  digest(project: string): Promise<Uint8Array | null>;
  /** What is durable here; of a project that doesn't exist: no heads, lifecycle 0. */
  standing(project: string): Promise<Standing>;
  /**
   * Takes over a higher lifecycle (REP-14), and a new life if the peer knows more of our own sequence than we do (REP-8).
   * @throws RejoinError `conflict` if one (server id, seqno) has two contents.
   */
  meet(project: string, theirs: Standing): Promise<Meeting>;
  /**
   * Keeps the project open until the reader is closed.
   * @param known what the peer has.
   * @param kept what it has beside that of a snapshot that was cut off.
   */
  open(project: string, known: VersionVector, kept: KeptSnapshot | null): Promise<ReplicaReader>;
  /** Resolves when all of it is durable (REP-3). @throws RejoinError `conflict` as `meet`, `unavailable`, `outcome-unknown` and others. */
  accept(project: string, groups: ReceivedGroups, succession?: Succession): Promise<Accepted>;
  /** For a snapshot that the peer sends, until it is closed. */
  receiveSnapshot(project: string): Promise<SnapshotReceipt>;
  /** The same where something is kept of one that was cut off; else null. @throws RejoinError `damaged`, `unavailable`. */
  resumeSnapshot(project: string): Promise<ResumedReceipt | null>;
  /**
   * Calls back with each replicated project that wants changes back which are lost here, now and also when it does so again.
   * @returns what ends it.
   */
  listenLost(wanted: (project: string) => void): () => void;
  /** No other link asks for what is lost of it until the result is called; null if one does. */
  borrowLost(project: string): (() => void) | null;
  /** What a peer can be asked for. @throws RejoinError `damaged`, `unavailable`. */
  lost(project: string): Promise<readonly SeqnoRange[]>;
  /**
   * Puts back what is missing here of these records; resolves when it is durable.
   * @param from the peer's server id.
   * @throws RejoinError `bad-request`, `damaged`, `unavailable`, `outcome-unknown`.
   */
  repair(project: string, records: readonly Uint8Array[], from: number): Promise<Repaired>;
  /** The peer has given all it has of what is lost: gaps that nothing can come to are closed. */
  finishRepair(project: string): Promise<Repaired>;
  /** What is here of a range, in the order of the seqnos, in pages of about 256 KiB. @throws RejoinError `unavailable`. */
  read(project: string, range: SeqnoRange): AsyncIterable<readonly Uint8Array[]>;
  /**
   * Tells of each project in which something became durable, or whose lifecycle changed: then `isLifecycle` is true.
   * @returns what ends it.
   */
  listen(moved: (project: string, isLifecycle: boolean) => void): () => void;
  /** Takes a new server id and new clientIDs (REP-8, REP-9). @param reason a sentence for the log. @param left nothing is done if that server id is left already. */
  renewLife(reason: string, left: number): Promise<void>;
  /** Tells of each new life, whoever wanted it. @returns what ends it. */
  listenLives(renewed: () => void): () => void;
}
