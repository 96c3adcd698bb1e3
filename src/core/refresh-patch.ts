// The patch of a version that is only there to refresh screens (UDT-8).

import { isJsonArray, type JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { samplesKey } from './roots.ts';
import { isPlainPart } from './wire-patch.ts';

/**
 * A patch that changes nothing, is not empty, and that both readers of patches can apply (UDT-9). The interface is best: no
 * annotator edits it. Its values don't change any more.
 */
export function refreshPatch(view: JsonObject): Operation[] {
  // The view's own arrays are changed in place: a patch can't keep one.
  const settings = Object.keys(view).filter((key) => isPlainPart(key) && !isJsonArray(view[key]));
  const key = settings.includes('interface') ? 'interface' : settings.find((name) => name !== samplesKey);
  const value = key === undefined ? undefined : view[key];
  if (value !== undefined) return [{ op: 'replace', path: `/${key}`, value }];
  const samples = view[samplesKey];
  const first = isJsonArray(samples) ? samples[0] : undefined;
  if (first !== undefined) return [{ op: 'replace', path: `/${samplesKey}/0`, value: first }];
  return [{ op: 'replace', path: '', value: structuredClone(view) }];
}
