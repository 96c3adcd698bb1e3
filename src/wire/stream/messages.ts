// The messages of `/ws` in both vocabularies, and the limits of the protocol. parse.ts turns what clients send into the
// first half, print.ts and print-changes.ts print the second.

import type { ErrorCode } from '../../errors.ts';
import type { Operation } from '../../model/json-patch.ts';
import type { Json, JsonObject } from '../../model/json.ts';
import type { ObjectKind } from '../../model/objects.ts';
import type { ProjectId } from '../../model/project-id.ts';
import type { StreamSelection } from '../../model/selection.ts';
import type { MuxId } from './mux-id.ts';

/** What a client asks, parsed. */
export type ClientMessage = StreamRequest | CloseRequest | UploadRequest;

/**
 * The two sets of names that are in use: the original has `"*"` as selector, one `since` for the stream and names with
 * suffixes, the later a selector object per kind and short names. A stream speaks the one in which it was asked.
 */
export type Vocabulary = 'original' | 'later';

/** A stream to be opened; a fetch ends by itself with `sync`. */
export interface StreamRequest {
  readonly type: 'subscribe' | 'fetch';
  readonly muxId: MuxId;
  readonly vocabulary: Vocabulary;
  /** Null where only the matches of the selection lead to the project: to a report or a topic at least. */
  readonly projectId: ProjectId | null;
  /** At most one selection per kind; without any there is just `sync` (WS-6). */
  readonly selection: StreamSelection;
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
  | PatchMessage
  | LaterEntryMessage
  | TopicMessage
  | LaterCommentMessage
  | LaterPatchMessage
  | SyncMessage
  | ClosedMessage
  | UploadedMessage
  | ErrorMessage;

type Pairs = readonly (readonly [serverId: number, seqno: number])[];

/** What every change in a stream has. */
export interface StreamedChange {
  readonly mux_id: MuxId;
  readonly srv_id: number;
  readonly seqno: number;
}

/** What every object has in either vocabulary. It may have extra fields, which its uploader chose (WS-18). */
export interface StreamedObject extends StreamedChange {
  readonly user_id: string;
  /** A version vector, or null; kept as sent (WS-15). */
  readonly archivetime: Pairs | null;
  readonly authortime: string;
  readonly submissiontime: string;
}

export interface OriginalNames {
  readonly proj_id: string | number;
  readonly version_uuid: string;
  readonly user_uuid: string;
}

export interface LaterNames {
  readonly project: string | number;
  readonly version: string;
  readonly user: string;
}

export interface EntryFields {
  readonly type: 'entry';
  readonly clip_id: string | null;
  readonly content: Readonly<Record<string, string | null>> | null;
  readonly modifies: readonly string[] | null;
  readonly reason: string | null;
}

export interface EntryMessage extends StreamedObject, OriginalNames, EntryFields {
  readonly report_uuid: string;
  readonly entry_uuid: string;
}

export interface LaterEntryMessage extends StreamedObject, LaterNames, EntryFields {
  readonly report: string;
  readonly entry: string;
}

export interface ThreadMessage extends StreamedObject, OriginalNames {
  readonly type: 'thread';
  readonly thread_uuid: string;
  readonly name: string | null;
  readonly links: readonly Json[] | null;
}

export interface TopicMessage extends StreamedObject, LaterNames {
  readonly type: 'topic';
  readonly topic: string;
  readonly name: string | null;
  readonly links: readonly Json[] | null;
}

export interface CommentMessage extends StreamedObject, OriginalNames {
  readonly type: 'comment';
  readonly comment_uuid: string;
  readonly thread_uuid: string;
  readonly parent_uuid: string | null;
  readonly body: string | null;
}

export interface LaterCommentMessage extends StreamedObject, LaterNames {
  readonly type: 'comment';
  readonly comment: string;
  readonly topic: string;
  readonly parent: string | null;
  readonly body: string | null;
}

/** WS-23: what one change did to the `udt` part. */
export interface PatchMessage extends StreamedChange {
  readonly type: 'patch';
  readonly proj_id: string | number;
  readonly patch: readonly Operation[];
  readonly user_name: string;
  readonly time: string;
}

export interface LaterPatchMessage extends Omit<PatchMessage, 'proj_id'> {
  readonly project: string | number;
}

export interface SyncMessage {
  readonly type: 'sync';
  readonly mux_id: MuxId;
  /** The version vector the history was read at. */
  readonly since: Pairs;
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
