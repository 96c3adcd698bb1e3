// Which report, topic and user an object belongs to: by these streams select objects, and the store indexes them.

import type { JsonObject } from './json.ts';
import type { ObjectKind } from './objects.ts';
import type { Match } from './selection.ts';

/** All that an object can be selected by (WS-7). */
export function matchesOf(kind: ObjectKind, object: JsonObject): readonly Match[] {
  const matches: Match[] = [];
  const add = (field: Match['field'], value: unknown): void => {
    if (typeof value === 'string') matches.push({ field, value });
  };
  if (kind === 'entry') add('report', object['report_uuid']);
  if (kind === 'comment') add('topic', object['thread_uuid']);
  add('user', object['user_uuid']);
  return matches;
}

export function isMatched(matches: readonly Match[], { field, value }: Match): boolean {
  return matches.some((match) => match.field === field && match.value === value);
}
