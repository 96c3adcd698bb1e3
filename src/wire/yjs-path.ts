// Which project a Yjs client wants: the raw path after `/yjs/` (YJS-5). A slash is part of the id.

import { RejoinError } from '../errors.ts';
import { parseProjectId, type ProjectId } from '../model/project-id.ts';

const base = '/yjs/';

/**
 * The project of a request target such as `/yjs/film%20one?x=y`, or undefined if it is none of ours.
 * @throws RejoinError `bad-request` for a bad escape or an id that can't be.
 */
export function parseYjsPath(target: string): ProjectId | undefined {
  const [path = ''] = target.split('?', 1);
  if (!path.startsWith(base)) return undefined;
  let room: string;
  try {
    room = decodeURIComponent(path.slice(base.length)); // exactly once
  } catch {
    throw new RejoinError('bad-request', `The room in ${JSON.stringify(path)} has a bad escape`);
  }
  return parseProjectId(room, 'the room');
}
