// Where requests of the REST interface go. The REST adapter asks with each request's target.

import { RejoinError } from '../../errors.ts';
import { parseProjectId, type ProjectId } from '../../model/project-id.ts';

/** What there is of a project, beside itself. */
export const projectParts = [
  'objects',
  'entries',
  'threads',
  'comments',
  'changes',
  'document',
  'undelete',
] as const;

export type ProjectPart = (typeof projectParts)[number];

export type RestRoute =
  | { readonly type: 'projects' }
  | RouteOfProject
  | { readonly type: 'openapi' }
  | { readonly type: 'asyncapi' }
  | { readonly type: 'nowhere' };

type RouteOfProject = {
  [Type in 'project' | ProjectPart]: { readonly type: Type; readonly id: ProjectId };
}['project' | ProjectPart];

const documents = { '/api/openapi.json': 'openapi', '/api/asyncapi.json': 'asyncapi' } as const;

/**
 * The route of a request's target, such as `/api/projects/film%20one/entries?report=day-1`, or undefined if it is none of ours;
 * `nowhere` is one below ours. A slash behind it makes no difference.
 * @param target as it was sent: the id of a project is decoded exactly once (WS-2).
 * @throws RejoinError `bad-request` for a bad escape or an id that can't be.
 */
export function parseRestPath(target: string): RestRoute | undefined {
  const [path = ''] = target.split('?', 1);
  if (path === '/api/openapi.json' || path === '/api/asyncapi.json') return { type: documents[path] };
  const [, api, projects, ...rest] = path.split('/');
  if (api !== 'api' || projects !== 'projects') return undefined;
  if (rest.length > 1 && rest.at(-1) === '') rest.pop();
  const [escapedId = '', part, ...more] = rest;
  if (escapedId === '' && part === undefined) return { type: 'projects' };
  if (more.length > 0) return { type: 'nowhere' };
  if (part === undefined) return { type: 'project', id: parseId(escapedId) };
  const type = projectParts.find((known) => known === part);
  return type ? { type, id: parseId(escapedId) } : { type: 'nowhere' };
}

/** The id of a project that is percent-encoded. @throws RejoinError `bad-request`. */
export function parseEscapedId(escaped: string, field: string): ProjectId {
  let id: string;
  try {
    id = decodeURIComponent(escaped);
  } catch {
    throw new RejoinError('bad-request', `${field} ${JSON.stringify(escaped)} has a bad escape`);
  }
  return parseProjectId(id, field);
}

function parseId(escaped: string): ProjectId {
  return parseEscapedId(escaped, 'the id of the project in the path');
}
