// Prints the changes of a project for whoever follows it: lines of JSON, or server-sent events. Each is what a stream on `/ws`
// has in the original vocabulary, without its mux_id (WS-10).

import type { ErrorCode } from '../../errors.ts';
import { jsonPieces } from '../../model/json-pieces.ts';
import type { Operation } from '../../model/json-patch.ts';
import type { ObjectKind } from '../../model/objects.ts';
import { printProjectId, type ProjectId } from '../../model/project-id.ts';
import { printTime } from '../../model/time.ts';
import { printVersionVector, type VersionVector } from '../../model/version-vector.ts';

/** How messages are framed, each of them JSON in one line. */
export interface ChangeFormat {
  readonly contentType: string;
  /**
   * What stands before a message.
   * @param seen the version vector behind which its reader goes on when it comes back.
   */
  head(type: string, seen: VersionVector): string;
  /** What stands behind it. */
  readonly tail: string;
  /** What is sent now and then while there is nothing else; null for nothing. */
  readonly keepAlive: string | null;
}

export const linesOfJson: ChangeFormat = {
  contentType: 'application/x-ndjson; charset=utf-8',
  head: () => '',
  tail: '\n',
  keepAlive: null,
};

export const serverSentEvents: ChangeFormat = {
  contentType: 'text/event-stream; charset=utf-8',
  head: (type, seen) => `id: ${JSON.stringify(printVersionVector(seen))}\nevent: ${type}\ndata: `,
  tail: '\n\n',
  keepAlive: ': keep-alive\n\n',
};

interface Place {
  readonly serverId: number;
  readonly seqno: number;
}

/**
 * @param objectJson the stored JSON of an object: one with at least one field, and none of those that are printed before it.
 */
export function printObject(
  projectId: ProjectId,
  kind: ObjectKind,
  { serverId, seqno }: Place,
  objectJson: Uint8Array,
): Uint8Array {
  const head = headOf(kind, projectId, { serverId, seqno });
  return Buffer.concat([Buffer.from(head, 'utf8'), objectJson.subarray(1)]);
}

/** A change of `udt` (WS-23), in pieces: the first patch of a large session is as large. */
export function* printPatch(
  projectId: ProjectId,
  { serverId, seqno, patch, userName, timeMs }: Place & UdtPatch,
): Generator<string, void> {
  yield `${headOf('patch', projectId, { serverId, seqno })}"patch":`;
  yield* jsonPieces(patch.map((operation) => ({ ...operation })));
  yield `,"user_name":${JSON.stringify(userName)},"time":${JSON.stringify(printTime(timeMs))}}`;
}

interface UdtPatch {
  readonly patch: readonly Operation[];
  readonly userName: string;
  readonly timeMs: number;
}

function headOf(type: string, projectId: ProjectId, { serverId, seqno }: Place): string {
  const project = JSON.stringify(printProjectId(projectId));
  return `{"type":"${type}","srv_id":${serverId},"seqno":${seqno},"proj_id":${project},`;
}

/** @param since the version vector the history was read at. */
export function printSynced(since: VersionVector): string {
  return JSON.stringify({ type: 'sync', since: printVersionVector(since) });
}

/** Why it ends. */
export function printEnding(code: ErrorCode, message: string): string {
  return JSON.stringify({ type: 'error', code, message });
}
