// The objects of changes that are here while the update that brought them into the document isn't, or can't be taken: they are set
// in the document anew, as if they had been uploaded now. The acceptance of a loss calls this.

import * as Y from 'yjs';
import type { Json } from '../model/json.ts';
import { isObjectKind } from '../model/objects.ts';
import { drawClientIds } from '../store/client-ids.ts';
import { decodeRecord } from '../store/record.ts';
import { isShown } from './loss-plan.ts';
import type { LossSurvey } from './loss-survey.ts';
import type { ProjectState } from './project-state.ts';
import { rootNameOf } from './roots.ts';

/** @returns how many there were. */
export async function setObjectsAnew({ context, log }: ProjectState, survey: LossSurvey): Promise<number> {
  const { document } = survey;
  if (document.type === 'open') return 0; // it has all
  const { doc } = document.loader;
  doc.clientID = newClientId(doc, () => drawClientIds(context.environment).edits);
  let count = 0;
  for (const [position, place] of survey.places) {
    const { kind } = place;
    if (!isObjectKind(kind) || isShown(survey, position, place)) continue;
    const stored = await context.store.get(log.keys.record(position));
    const object = stored && decodeRecord(stored, 'object').object;
    if (!object) continue;
    const value = JSON.parse(Buffer.from(object).toString('utf8')) as { readonly version_uuid: string };
    const map = doc.getMap<Json>(rootNameOf(kind));
    // A key that was removed stays so.
    if (map._map.has(value.version_uuid)) continue;
    map.set(value.version_uuid, value);
    count++;
  }
  return count;
}

/** Nobody has written under it. */
function newClientId(doc: Y.Doc, draw: () => number): number {
  let id = draw();
  while (Y.getState(doc.store, id) > 0) id = draw();
  return id;
}
