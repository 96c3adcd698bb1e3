// The name that a Yjs client gives its user in its awareness state: there is no rule for it, but customs that most editors
// keep. Whoever reads it must not trust it.

import { z } from 'zod';
import { userNameUnitsMax } from '../model/origin.ts';

/** As y-prosemirror, y-codemirror, y-monaco, Quill's and TipTap's cursors have it; then what others do. */
const customs = [
  z.object({ user: z.object({ name: z.string() }) }).transform(({ user }) => user.name),
  z.object({ user: z.string() }).transform(({ user }) => user),
  z.object({ name: z.string() }).transform(({ name }) => name),
];

/**
 * @returns well-formed text of 1 to `userNameUnitsMax` UTF-16 units without control characters: a longer name is cut.
 *   Undefined if there is none.
 */
export function userNameIn(state: unknown): string | undefined {
  for (const custom of customs) {
    const given = custom.safeParse(state);
    const name = given.success ? tidy(given.data) : '';
    if (name !== '') return name;
  }
  return undefined;
}

function tidy(given: string): string {
  const name = given
    .slice(0, lookedAtMax)
    .replace(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .toWellFormed()
    .trim();
  if (name.length <= userNameUnitsMax) return name;
  const cut = name.slice(0, userNameUnitsMax);
  return (cut.isWellFormed() ? cut : cut.slice(0, -1)).trim(); // within a character
}

/** A state may have 256 KiB. */
const lookedAtMax = 4 * userNameUnitsMax;
