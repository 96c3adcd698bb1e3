// What a stream asks for: which objects of a project, behind which version vector, and whether patches of udt too. The
// wire makes selections, the core reads by them.

import type { ObjectKind } from './objects.ts';
import type { VersionVector } from './version-vector.ts';

/** Objects of one report, one topic (thread) or one user, named by its uuid. */
export interface Match {
  readonly field: 'report' | 'topic' | 'user';
  readonly value: string;
}

/** Objects of one kind. */
export interface Selection {
  readonly kind: ObjectKind;
  /** The highest seqno known per server id, exclusive (WS-4, WS-7). */
  readonly since: VersionVector;
  /** Null: all of the kind. */
  readonly match: Match | null;
}

/** All that one stream asks for. */
export interface StreamSelection {
  readonly objects: readonly Selection[];
  /** WS-23: behind which version vector patches of udt are wanted; null if they are not. */
  readonly udt: VersionVector | null;
}
