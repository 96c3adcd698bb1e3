// The body of an upload: objects as they are uploaded on `/ws`, to the project of the path.

import { RejoinError } from '../../errors.ts';
import { isJsonArray, isJsonObject, type Json } from '../../model/json.ts';
import type { ProjectId } from '../../model/project-id.ts';
import { streamLimits, type UploadedObject } from '../stream/messages.ts';
import { hasProjectId, parseUploadedObject, projectNames } from '../stream/uploaded-object.ts';

/** A body may be as large as a frame of `/ws`, whatever larger one the server takes elsewhere. Bytes. */
export const uploadBytesMax = streamLimits.frameBytesMax;

/** So many objects are read in a few milliseconds. */
const sliceObjects = 500;

/**
 * @param breathe lets other work go on.
 * @throws RejoinError `bad-request` that names the field, `too-large` for too many objects.
 */
export async function parseUploadBody(
  body: Json,
  project: ProjectId,
  breathe: () => Promise<void>,
): Promise<readonly UploadedObject[]> {
  const objects = isJsonObject(body) ? body['objects'] : undefined;
  if (!isJsonArray(objects))
    throw new RejoinError('bad-request', 'The body must be a JSON object with a list "objects"');
  const { objectsPerUploadMax: objectsMax } = streamLimits;
  if (objects.length > objectsMax)
    throw new RejoinError(
      'too-large',
      `objects has ${objects.length} members; at most ${objectsMax} are allowed in one upload`,
    );
  const parsed: UploadedObject[] = [];
  for (const [index, object] of objects.entries()) {
    parsed.push(parseObject(object, project, `objects[${index}]`));
    if (index % sliceObjects === sliceObjects - 1) await breathe();
  }
  return parsed;
}

/** The project may be left out. */
function parseObject(sent: Json, project: ProjectId, where: string): UploadedObject {
  const isNamed = isJsonObject(sent) && hasProjectId(sent);
  const named = isJsonObject(sent) && !isNamed ? { ...sent, project } : sent;
  const object = parseUploadedObject(named, where);
  if (object.projectId === project) return object;
  const names = projectNames.filter((name) => isJsonObject(sent) && Object.hasOwn(sent, name));
  throw new RejoinError(
    'bad-request',
    `${where}.${names[0] ?? 'project'} must be the project of the path, ${JSON.stringify(project)}, or be left out`,
  );
}
