// The messages of `/ws` in the original vocabulary, and the limits of the protocol. parse.ts turns what clients send
// into the first half, print.ts prints the second.

import type { ErrorCode } from '../../errors.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import type { ObjectKind } from '../../model/objects.ts';
import type { ProjectId } from '../../model/project-id.ts';
import type { VersionVector } from '../../model/version-vector.ts';
import type { MuxId } from './mux-id.ts';

/** What a client asks, parsed. */
export type ClientMessage = StreamRequest | CloseRequest | UploadRequest;

/** A stream to be opened; a fetch ends by itself with `sync`. */
export interface StreamRequest {
  readonly type: 'subscribe' | 'fetch';
  readonly muxId: MuxId;
  readonly projectId: ProjectId;
  /** Exclusive (WS-4); empty means everything. */
  readonly since: VersionVector;
  /** The kinds with a selector; without any there is just `sync` (WS-6). */
  readonly kinds: ReadonlySet<ObjectKind>;
}

export interface CloseRequest {
  readonly type: 'close';
  readonly muxId: MuxId;
}

export interface UploadRequest {
  readonly type: 'upload';
  readonly muxId: MuxId;
  readonly objects: readonly UploadedObject[];
}

export interface UploadedObject {
  readonly kind: ObjectKind;
  readonly projectId: ProjectId;
  /** What `checkObject` returned: original names, without server-defined fields. */
  readonly fields: JsonObject;
}

/** What the server says, field for field as on the wire. */
export type ServerMessage =
  | EntryMessage
  | ThreadMessage
  | CommentMessage
  | SyncMessage
  | ClosedMessage
  | UploadedMessage
  | ErrorMessage;

/** What every streamed object has. It may have extra fields, which its uploader chose (WS-18). */
export interface StreamedObject {
  readonly mux_id: MuxId;
  readonly srv_id: number;
  readonly seqno: number;
  readonly proj_id: string | number;
  readonly version_uuid: string;
  readonly user_id: string;
  readonly user_uuid: string;
  /** A version vector, or null; kept as sent (WS-15). */
  readonly archivetime: readonly (readonly [serverId: number, seqno: number])[] | null;
  readonly authortime: string;
  readonly submissiontime: string;
}

export interface EntryMessage extends StreamedObject {
  readonly type: 'entry';
  readonly report_uuid: string;
  readonly entry_uuid: string;
  readonly clip_id: string | null;
  readonly content: Readonly<Record<string, string | null>> | null;
  readonly modifies: readonly string[] | null;
  readonly reason: string | null;
}

export interface ThreadMessage extends StreamedObject {
  readonly type: 'thread';
  readonly thread_uuid: string;
  readonly name: string | null;
  readonly links: readonly Json[] | null;
}

export interface CommentMessage extends StreamedObject {
  readonly type: 'comment';
  readonly comment_uuid: string;
  readonly thread_uuid: string;
  readonly parent_uuid: string | null;
  readonly body: string | null;
}

export interface SyncMessage {
  readonly type: 'sync';
  readonly mux_id: MuxId;
  /** The version vector the history was read at. */
  readonly since: readonly (readonly [serverId: number, seqno: number])[];
}

export interface ClosedMessage {
  readonly type: 'closed';
  readonly mux_id: MuxId;
}

/** The objects are durable. */
export interface UploadedMessage {
  readonly type: 'uploaded';
  readonly mux_id: MuxId;
}

export interface ErrorMessage {
  readonly type: 'error';
  /** Absent where it couldn't be read. */
  readonly mux_id?: MuxId;
  readonly code: ErrorCode;
  readonly message: string;
}

/** The limits that parsing needs (WS-20). */
export interface StreamLimits {
  readonly sinceEntriesMax: number;
  readonly objectsPerUploadMax: number;
}

/** The defaults, with those that the adapter holds. */
export const streamLimits = {
  sinceEntriesMax: 10_000,
  objectsPerUploadMax: 10_000,
  frameBytesMax: 16 * 1024 * 1024,
  streamsPerSocketMax: 1_000,
} as const satisfies StreamLimits & Record<string, number>;
