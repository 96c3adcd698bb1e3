// Which projects are replicated, as `--peer-projects` says it: patterns in which `*` stands for any characters.

import { RejoinError } from '../errors.ts';
import { projectIdBytesMax } from '../model/project-id.ts';

/**
 * Whether a project's id fits one of the patterns; all do if there is none. Upper and lower case differ.
 * @throws RejoinError `usage` for a pattern that no project can fit.
 */
export function projectFilter(patterns: readonly string[]): (project: string) => boolean {
  for (const pattern of patterns)
    if (pattern === '' || pattern.replaceAll('*', '').length > projectIdBytesMax)
      throw new RejoinError(
        'usage',
        `--peer-projects ${JSON.stringify(pattern)} should be a project's id, or a pattern such as film-*`,
      );
  if (patterns.length === 0) return () => true;
  const parts = patterns.map((pattern) => pattern.split('*'));
  return (project) => parts.some((each) => fits(project, each));
}

/** Each part as early as it can be: in one pass, however many stars there are. */
function fits(project: string, parts: readonly string[]): boolean {
  const [first = '', ...rest] = parts;
  const last = rest.pop();
  if (last === undefined) return project === first;
  if (!project.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = project.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return project.length - last.length >= at && project.endsWith(last);
}
