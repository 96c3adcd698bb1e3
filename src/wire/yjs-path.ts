// Which project a Yjs client wants: the raw path after `/yjs/` (YJS-5). A slash is part of the id. And how it wants to be
// served: what follows the question mark.

import { RejoinError } from '../errors.ts';
import { parseProjectId, type ProjectId } from '../model/project-id.ts';

const base = '/yjs/';

export interface YjsTarget {
  readonly project: ProjectId;
  /** YJS-7: whether the client asks to be told how many of its messages are durable. */
  readonly counts: boolean;
}

/**
 * What a request target such as `/yjs/film%20one?ack=1` wants, or undefined if it is none of ours. Parameters that aren't
 * ours are passed over.
 * @throws RejoinError `bad-request` for a bad escape or an id that can't be.
 */
export function parseYjsPath(target: string): YjsTarget | undefined {
  const [path = ''] = target.split('?', 1);
  if (!path.startsWith(base)) return undefined;
  const parameters = new URLSearchParams(target.slice(path.length + 1));
  let room: string;
  try {
    room = decodeURIComponent(path.slice(base.length)); // exactly once
  } catch {
    throw new RejoinError('bad-request', `The room in ${JSON.stringify(path)} has a bad escape`);
  }
  return { project: parseProjectId(room, 'the room'), counts: parameters.get('ack') === '1' };
}
