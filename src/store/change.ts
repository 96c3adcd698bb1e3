// A change as the log of a project has it: what its readers are given, and whoever listens to a project.

import type { Match } from '../model/selection.ts';
import type { LogRecord } from './record.ts';
import type { Repeat } from './repeats.ts';

/** A change with its place in this server's log. */
export interface Change extends LogRecord {
  readonly position: number;
  /** Of an object: what it can be selected by. Only while the change is in memory since it was made. */
  readonly matches?: readonly Match[] | undefined;
  /** Of an object whose uuid an earlier position has. */
  readonly repeat?: Repeat | undefined;
}

/**
 * Member by member: every change of a history passes here, and of what is made by spreading V8 knows no shape.
 * @param record may be more than that, as one that was received is: nothing else of it is kept.
 */
export function changeAt(
  position: number,
  { serverId, seqno, groupIndex, groupSize, timeMs, origin, kind, object, update }: LogRecord,
  matches?: readonly Match[],
  repeat?: Repeat | null,
): Change {
  return {
    serverId,
    seqno,
    groupIndex,
    groupSize,
    timeMs,
    origin,
    kind,
    object,
    update,
    position,
    matches,
    repeat: repeat ?? undefined,
  };
}

/** The changes of one Yjs update: written, shown and replicated whole or not at all. Never empty. */
export interface Group {
  readonly changes: readonly Change[];
  /** Null if it can't be told by itself: it came with a snapshot (REP-7), and whoever follows the document is told to begin anew. */
  readonly update: Uint8Array | null;
}
