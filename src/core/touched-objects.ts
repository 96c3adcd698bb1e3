// Which objects a Yjs client made by what it set in `entries`, `threads` and `comments`: valid ones that the log
// doesn't have yet. Everything else stays in the document, is not streamed, and is counted (WS-24).

import { RejoinError } from '../errors.ts';
import { checkYjsObject, completeObject, type ObjectKind, type ProjectObject } from '../model/objects.ts';
import type { Origin } from '../model/origin.ts';
import type { TouchedKey } from './document.ts';

export interface TouchedContext {
  readonly origin: Origin;
  readonly nowMs: number;
  readonly isKnown: (kind: ObjectKind, versionUuid: string) => Promise<boolean>;
  readonly observe: (type: 'object-overwritten' | 'object-refused', detail: string) => void;
}

export async function newObjectsOf(
  touched: readonly TouchedKey[],
  { origin, nowMs, isKnown, observe }: TouchedContext,
): Promise<ProjectObject[]> {
  const author = { userId: origin.user, userUuid: origin.user, nowMs };
  const objects: ProjectObject[] = [];
  for (const { kind, key, value } of touched) {
    // The first write wins, whatever the document shows now.
    if (await isKnown(kind, key)) {
      observe('object-overwritten', `${kind} ${JSON.stringify(key)} was set or removed again`);
      continue;
    }
    if (value === undefined) continue; // set and removed in one update: nobody saw it
    try {
      objects.push(completeObject(kind, checkYjsObject(kind, key, value), author, 'keep'));
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      observe('object-refused', error.message);
    }
  }
  return objects;
}
