// One line for each thing that is found wrong. `verify` and `accept-loss` print them.

import type { Finding } from '../store/findings.ts';

/** Where it is and what; without what can be done about it. */
export function printProblem({ project, position, numbers, problem }: Omit<Finding, 'remedy'>): string {
  const numbered = numbers && `[${numbers.serverId}, ${numbers.first}]`;
  const upTo = numbers && numbers.last > numbers.first ? ` to [${numbers.serverId}, ${numbers.last}]` : '';
  const place = [
    project !== null && `project ${JSON.stringify(project)}`,
    position !== null && `position ${position}`,
    numbered !== null && numbered + upTo,
  ].filter((part) => part !== false);
  return `${place.length === 0 ? 'the database' : place.join(', ')}: ${problem}`;
}
