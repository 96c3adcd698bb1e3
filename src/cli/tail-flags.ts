// What `rejoin tail` was asked to show.

import type { FollowOptions } from '../client/follow-stream.ts';
import type { Place } from '../client/storage.ts';

export interface TailFlags {
  readonly json: boolean;
  readonly since?: readonly Place[];
  readonly report?: string;
  readonly kinds?: readonly Kind[];
  readonly follow: boolean;
}

export type Kind = keyof Omit<FollowOptions, 'since'>;

export const kinds: readonly Kind[] = ['entries', 'threads', 'comments', 'udt'];

/** The kinds that were asked for, as options of the stream. */
export function wantedKinds({ kinds: asked, report }: TailFlags): FollowOptions {
  const wanted = asked ?? (report === undefined ? kinds : ['entries']);
  return Object.fromEntries(wanted.map((kind) => [kind, true]));
}
