// Prints the changes of a stream, objects and patches, in the vocabulary of the stream. Stored objects are spliced in
// without being parsed. The stream adapter calls it, and puts the parts into frames.

import type { Operation } from '../../model/json-patch.ts';
import type { ObjectKind } from '../../model/objects.ts';
import { printProjectId, type ProjectId } from '../../model/project-id.ts';
import { printTime } from '../../model/time.ts';
import { laterObject, type PrintedPart } from './later-names.ts';
import type { Vocabulary } from './messages.ts';
import type { MuxId } from './mux-id.ts';

/** A change that is to be printed. */
export type PrintableChange = PrintableObject | PrintablePatch;

export interface PrintableObject {
  readonly type: 'object';
  readonly kind: ObjectKind;
  readonly serverId: number;
  readonly seqno: number;
  /** Its stored JSON, with at least one field and none of those that are printed before it. */
  readonly object: Uint8Array;
}

export interface PrintablePatch {
  readonly type: 'patch';
  readonly serverId: number;
  readonly seqno: number;
  readonly patch: readonly Operation[];
  readonly userName: string;
  readonly timeMs: number;
}

/**
 * Prints the changes of one stream, history and live alike (WS-10). A message is its `head` and its `tail`; the tail is
 * the same in all streams of one project and vocabulary.
 */
export class ChangePrinter {
  private readonly mux: string;
  private readonly project: string;

  constructor(
    muxId: MuxId,
    projectId: ProjectId,
    readonly vocabulary: Vocabulary,
  ) {
    this.mux = `"mux_id":${bytesOf(JSON.stringify(muxId))},`;
    const name = vocabulary === 'later' ? 'project' : 'proj_id';
    this.project = `"${name}":${bytesOf(JSON.stringify(printProjectId(projectId)))},`;
  }

  /** One unit per byte. */
  head(change: PrintableChange): string {
    return `{"type":"${this.typeOf(change)}",${this.mux}`;
  }

  tail(change: PrintableChange): PrintedPart {
    const place = `"srv_id":${change.serverId},"seqno":${change.seqno},${this.project}`;
    switch (change.type) {
      case 'object': {
        if (this.vocabulary === 'original') return { start: place, rest: change.object.subarray(1) };
        const { start, rest } = laterObject(change.kind, change.object);
        return { start: place + start, rest };
      }
      case 'patch': {
        const time = printTime(change.timeMs);
        const fields = { patch: change.patch, user_name: change.userName, time };
        return { start: place, rest: Buffer.from(JSON.stringify(fields).slice(1), 'utf8') };
      }
    }
  }

  private typeOf(change: PrintableChange): string {
    if (change.type === 'patch') return 'patch';
    return change.kind === 'thread' && this.vocabulary === 'later' ? 'topic' : change.kind;
  }
}

function bytesOf(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}
