// What a client keeps between its lives: the objects that it has received with the version vector that they amount to,
// and the queue of what it has written. Memory, files and IndexedDB stand behind it; test/client/storage-contract.ts
// says what each must do.

import type { ErrorCode } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import type { ObjectKind } from '../model/objects.ts';

/** Where a server has an object in its sequence. */
export type Place = readonly [serverId: number, seqno: number];

/** An object, with the field names of `/ws`, without `type mux_id srv_id seqno proj_id`. */
export interface KeptObject {
  readonly kind: ObjectKind;
  /** The object's `version_uuid`. */
  readonly versionUuid: string;
  readonly value: JsonObject;
}

/** An object that a server has. */
export interface ReceivedObject extends KeptObject {
  /** Usually one; none while it was acknowledged, but hasn't been streamed yet. */
  readonly places: readonly Place[];
}

/** An object that a server will not take. */
export interface RefusedObject extends KeptObject {
  readonly code: ErrorCode;
  readonly message: string;
}

/** What names an object within its project. */
export type ObjectKey = Pick<KeptObject, 'kind' | 'versionUuid'>;

export interface StoredProject {
  /** The highest seqno per server id of what was received. */
  readonly vector: readonly Place[];
  /** In the order in which they were first stored. */
  readonly received: readonly ReceivedObject[];
  /** What no server has acknowledged, in the order in which it was written. */
  readonly queue: readonly KeptObject[];
  readonly refused: readonly RefusedObject[];
}

/** Changes to what is stored of one project, in this order; what is absent stays. */
export interface StorageChanges {
  readonly project: string;
  /**
   * Put in the place of what was received under the same key; one without `places` replaces nothing. What a server has is
   * out of the queue.
   */
  readonly received?: readonly ReceivedObject[];
  /** Raises what is stored, server id by server id; a lower seqno than the stored one changes nothing. */
  readonly vector?: readonly Place[];
  /** At the end of the queue; one that is queued or received already changes nothing. */
  readonly queued?: readonly KeptObject[];
  /** Out of the queue, and kept until they are discarded. */
  readonly refused?: readonly RefusedObject[];
  /** Out of the refused; unknown ones are harmless. */
  readonly discarded?: readonly ObjectKey[];
}

export interface Storage {
  /** What is stored of a project; empty lists for an unknown one. What is returned is the caller's. */
  load(project: string): Promise<StoredProject>;

  /**
   * Stores all of the changes or none, and resolves when they are durable. Several calls may be under way: they take
   * effect in the order of the calls.
   */
  apply(changes: StorageChanges): Promise<void>;

  /** The projects whose queue isn't empty, so that what waits in one that nobody opens is sent too. */
  queuedProjects(): Promise<string[]>;

  /**
   * Where other clients use the same storage: tells what they have stored, in order, each once it is durable. Never
   * tells what was applied through this object.
   * @returns ends it.
   */
  watch?(onChanges: (changes: StorageChanges) => void): () => void;

  /** Resolves when all that was applied is durable and others may open the storage. */
  close(): Promise<void>;
}
