// Finds the project of a stream that names none: the one that holds the reports and topics which it matches. The stream
// calls it, and waits with it where nobody holds them yet (WS-9).

import type { Projects } from '../core/projects.ts';
import { RejoinError } from '../errors.ts';
import type { ProjectId } from '../model/project-id.ts';
import type { StreamSelection } from '../model/selection.ts';

type HeldMatch = Parameters<Projects['onceKnown']>[0];

export class ProjectSearch {
  private readonly matches: readonly HeldMatch[];

  constructor(
    private readonly projects: Projects,
    { objects }: StreamSelection,
  ) {
    this.matches = objects.flatMap(({ match }): HeldMatch[] =>
      !match || match.field === 'user' ? [] : [{ ...match, field: match.field }],
    );
  }

  /**
   * The project that holds what is matched; null while none holds any of it.
   * @throws RejoinError `bad-request` if several do.
   */
  async find(): Promise<ProjectId | null> {
    let found: { match: HeldMatch; project: ProjectId } | null = null;
    for (const match of this.matches) {
      const [project, another] = await this.projects.projectsOf(match);
      if (project === undefined) continue;
      if (another !== undefined)
        throw new RejoinError(
          'bad-request',
          `${nameOf(match)} is in several projects: say which of them with "project"`,
        );
      if (found && found.project !== project)
        throw new RejoinError(
          'bad-request',
          `${nameOf(found.match)} and ${nameOf(match)} are in two projects: open a stream for each of them`,
        );
      found ??= { match, project };
    }
    return found?.project ?? null;
  }

  /** Calls back when something that is matched comes to life: then it may be found. @returns how to take that back. */
  onceKnown(wake: () => void): () => void {
    const stops = this.matches.map((match) => this.projects.onceKnown(match, wake));
    return () => {
      for (const stop of stops) stop();
    };
  }
}

function nameOf({ field, value }: HeldMatch): string {
  return `${field} ${JSON.stringify(value)}`;
}
