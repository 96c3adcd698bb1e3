// Prints the changes of a project for whoever follows it: lines of JSON, or server-sent events. Each is what a stream on `/ws`
// has in the original vocabulary, without its mux_id (WS-10).

import type { ErrorCode } from '../../errors.ts';
import type { ObjectKind } from '../../model/objects.ts';
import { printProjectId, type ProjectId } from '../../model/project-id.ts';
import { printVersionVector, type VersionVector } from '../../model/version-vector.ts';

/** How one message is framed. */
export interface ChangeFormat {
  readonly contentType: string;
  /**
   * @param json of the message, in one line.
   * @param seen the version vector behind which its reader goes on when it comes back.
   */
  frame(type: string, json: Uint8Array, seen: VersionVector): Uint8Array;
  /** What is sent now and then while there is nothing else; null for nothing. */
  readonly keepAlive: string | null;
}

export const linesOfJson: ChangeFormat = {
  contentType: 'application/x-ndjson; charset=utf-8',
  frame: (_type, json) => Buffer.concat([json, newline]),
  keepAlive: null,
};

export const serverSentEvents: ChangeFormat = {
  contentType: 'text/event-stream; charset=utf-8',
  frame: (type, json, seen) => {
    const head = `id: ${JSON.stringify(printVersionVector(seen))}\nevent: ${type}\ndata: `;
    return Buffer.concat([Buffer.from(head, 'utf8'), json, newline, newline]);
  },
  keepAlive: ': keep-alive\n\n',
};

/**
 * @param objectJson the stored JSON of an object: one with at least one field, and none of those that are printed before it.
 */
export function printObject(
  projectId: ProjectId,
  kind: ObjectKind,
  { serverId, seqno }: { readonly serverId: number; readonly seqno: number },
  objectJson: Uint8Array,
): Uint8Array {
  const project = JSON.stringify(printProjectId(projectId));
  const head = `{"type":"${kind}","srv_id":${serverId},"seqno":${seqno},"proj_id":${project},`;
  return Buffer.concat([Buffer.from(head, 'utf8'), objectJson.subarray(1)]);
}

/** @param since the version vector the history was read at. */
export function printSynced(since: VersionVector): Uint8Array {
  return Buffer.from(JSON.stringify({ type: 'sync', since: printVersionVector(since) }), 'utf8');
}

/** Why it ends. */
export function printEnding(code: ErrorCode, message: string): Uint8Array {
  return Buffer.from(JSON.stringify({ type: 'error', code, message }), 'utf8');
}

const newline = Buffer.from('\n');
