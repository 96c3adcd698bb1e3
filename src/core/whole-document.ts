// The whole document of a project as JSON: every root, for whoever wants a copy of all there is. The REST interface asks for it.

import { setImmediate as otherWork } from 'node:timers/promises';
import { RejoinError } from '../errors.ts';
import type { Json, JsonObject } from '../model/json.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { ProjectDocument } from './document.ts';
import type { ProjectState } from './project-state.ts';
import { rootToJson } from './root-json.ts';
import { objectRoots, udtRoot } from './roots.ts';

export interface WholeDocument {
  /** What it was read at. */
  readonly vector: VersionVector;
  /** `udt`, the roots of objects, and the application's own by name. It doesn't change any more. */
  readonly document: JsonObject;
}

/**
 * Reads the document as it is now, and hands it out when everything in it is durable.
 * @throws RejoinError `deleted`, `damaged`, `unavailable`.
 */
export function readWholeDocument(state: ProjectState): Promise<WholeDocument> {
  return state.rereading(async () => {
    const { document, vector, durable } = await state.queue.run(async () => {
      const opened = await state.open();
      const json = await readRoots(opened.document);
      return { document: json, vector: state.log.appended.vector, durable: state.log.settled() };
    });
    await durable.catch((cause: unknown) => {
      throw new RejoinError('unavailable', 'What was read is not on disk', { cause });
    });
    return { document, vector };
  });
}

async function readRoots({ doc, udt }: ProjectDocument): Promise<JsonObject> {
  const known = [udtRoot, ...objectRoots];
  const others = [...doc.share.keys()].filter((name) => !known.includes(name)).sort();
  const roots: [string, Json][] = [[udtRoot, udt.copy()]];
  for (const name of [...objectRoots, ...others]) {
    const root = doc.share.get(name);
    if (root) roots.push([name, await rootToJson(root, otherWork)]);
  }
  return Object.fromEntries(roots);
}
