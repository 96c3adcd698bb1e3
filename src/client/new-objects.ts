// Makes objects of what an application writes: checked here as the server will check them, so that a mistake is an error
// of the call that made it, and not a refusal hours later.

import { RejoinError } from '../errors.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { checkObject, type ObjectKind } from '../model/objects.ts';
import { checkPlainJson } from '../model/plain-json.ts';
import { printTime } from '../model/time.ts';
import { printVersionVector, type VersionVector } from '../model/version-vector.ts';
import type { KeptObject } from './storage.ts';

/** What a new row says. */
export interface NewRow {
  readonly clip_id: string;
  readonly content: Readonly<Record<string, string>>;
}

/** What an edit changes: what is null or absent stays, a field of `content` that is null is deleted. */
export interface RowChange {
  readonly clip_id?: string | null | undefined;
  readonly content?: Readonly<Record<string, string | null>> | null | undefined;
}

/** What a thread says. */
export interface ThreadFields {
  readonly name?: string | null | undefined;
  /** What it is about, such as `["report", uuid]` (WS-15). */
  readonly links?: readonly Json[] | null | undefined;
}

/** A frame of 16 MiB must hold it, in UTF-8, with what stands around it. */
const objectBytesMax = 15 * 1024 * 1024;

/**
 * @param fields those of the kind, under the names of `/ws`, without what every object has.
 * @param context what the author sees, and the time.
 * @throws RejoinError `bad-request` that names the field, `too-large`.
 */
export function newObject(
  kind: ObjectKind,
  fields: Readonly<Record<string, unknown>>,
  versionUuid: string,
  { vector, nowMs }: { readonly vector: VersionVector; readonly nowMs: number },
): KeptObject {
  const common = {
    version_uuid: versionUuid,
    archivetime: printVersionVector(vector).map((pair): Json => pair),
    authortime: printTime(nowMs),
  };
  const sent: JsonObject = { ...plain(kind, fields), ...common };
  const bytes = new TextEncoder().encode(JSON.stringify(sent)).byteLength;
  if (bytes > objectBytesMax)
    throw new RejoinError(
      'too-large',
      `The ${kind} has ${bytes} bytes; at most ${objectBytesMax} are allowed`,
    );
  return { kind, versionUuid, value: checkObject(kind, sent, kind) };
}

/** A copy, which the caller can't change any more. Undefined stands for what isn't there. */
function plain(kind: ObjectKind, fields: Readonly<Record<string, unknown>>): JsonObject {
  const given = Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  // Wrapped, because an upload's objects sit as deep in their frame.
  checkPlainJson({ [kind]: [given] });
  return structuredClone(given) as JsonObject; // what was checked gets its type
}
