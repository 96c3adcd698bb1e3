// Prints what the server says on `/ws`, in the original vocabulary, as the text of a frame. The stream adapter calls it.

import type { ErrorCode } from '../../errors.ts';
import type { ObjectKind } from '../../model/objects.ts';
import { printProjectId, type ProjectId } from '../../model/project-id.ts';
import { printVersionVector, type VersionVector } from '../../model/version-vector.ts';
import type { ClosedMessage, ErrorMessage, SyncMessage, UploadedMessage } from './messages.ts';
import type { MuxId } from './mux-id.ts';

/**
 * Makes what prints the objects of one stream, history and live alike (WS-10), as UTF-8.
 * @returns a function of an object's place and its stored JSON, which is spliced in without being parsed: an object with
 *   at least one field, and none of those that are printed before it.
 */
export function objectPrinter(
  muxId: MuxId,
  projectId: ProjectId,
): (kind: ObjectKind, serverId: number, seqno: number, objectJson: Uint8Array) => Uint8Array {
  const mux = JSON.stringify(muxId);
  const project = JSON.stringify(printProjectId(projectId));
  return (kind, serverId, seqno, objectJson) => {
    const head = `{"type":"${kind}","mux_id":${mux},"srv_id":${serverId},"seqno":${seqno},"proj_id":${project},`;
    return Buffer.concat([Buffer.from(head, 'utf8'), objectJson.subarray(1)]);
  };
}

/** @param since the version vector the history was read at. */
export function printSync(muxId: MuxId, since: VersionVector): string {
  const message: SyncMessage = { type: 'sync', mux_id: muxId, since: printVersionVector(since) };
  return JSON.stringify(message);
}

export function printClosed(muxId: MuxId): string {
  const message: ClosedMessage = { type: 'closed', mux_id: muxId };
  return JSON.stringify(message);
}

export function printUploaded(muxId: MuxId): string {
  const message: UploadedMessage = { type: 'uploaded', mux_id: muxId };
  return JSON.stringify(message);
}

/** @param muxId undefined where it couldn't be read (WS-19). */
export function printError(muxId: MuxId | undefined, code: ErrorCode, message: string): string {
  const error: ErrorMessage = {
    type: 'error',
    ...(muxId === undefined ? {} : { mux_id: muxId }),
    code,
    message,
  };
  return JSON.stringify(error);
}
