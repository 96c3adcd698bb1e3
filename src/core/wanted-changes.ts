// Which projects want changes back that this server has lost: links ask other servers for them, one link a project at a time.
// Verifications and repairs tell of what they have noted; what was noted before the start is found when a link asks first.

import type { Environment } from '../model/environment.ts';
import type { Store } from '../store/store.ts';
import { ProjectKeys } from '../store/keys.ts';
import { listProjectIds } from '../store/project-info.ts';

/** What another server can give is there so soon. */
const expectedMs = 30_000;

export class WantedChanges {
  /** With the time at which it was noted. */
  private readonly projects = new Map<string, number>();
  private readonly listeners = new Set<(project: string) => void>();
  private readonly lent = new Set<string>();
  private finding: Promise<void> | null = null;
  /** Whether this server is to be linked with others. */
  hasPeers = false;

  constructor(
    private readonly store: Store,
    private readonly environment: Environment,
  ) {}

  has(project: string): boolean {
    return this.projects.has(project);
  }

  /** Whether another server may give back soon what is lost. */
  isExpected(project: string): boolean {
    const notedMs = this.projects.get(project);
    if (notedMs === undefined || !(this.hasPeers || this.listeners.size > 0)) return false;
    return Math.abs(this.environment.now() - notedMs) < expectedMs;
  }

  /** Whether something of a project is wanted from now on. */
  note(project: string, isWanted: boolean): void {
    if (!isWanted) this.projects.delete(project);
    else {
      this.projects.set(project, this.projects.get(project) ?? this.environment.now());
      this.tell(project);
    }
  }

  /** Calls back with each project that wants something, also when it does so again. @returns how to stop. */
  listen(wanted: (project: string) => void): () => void {
    this.listeners.add(wanted);
    for (const project of this.projects.keys()) wanted(project);
    return () => this.listeners.delete(wanted);
  }

  /** Finds what was noted before the start; once. */
  find(): Promise<void> {
    return (this.finding ??= this.findNoted());
  }

  /** Nobody else asks for a project until it is given back; null if somebody does. */
  borrow(project: string): (() => void) | null {
    if (this.lent.has(project)) return null;
    this.lent.add(project);
    return () => {
      this.lent.delete(project);
      if (this.projects.has(project)) this.tell(project);
    };
  }

  private async findNoted(): Promise<void> {
    try {
      for await (const project of listProjectIds(this.store))
        if (await this.store.get(new ProjectKeys(project).quarantine)) this.note(project, true);
    } catch (error) {
      this.finding = null;
      throw error;
    }
  }

  private tell(project: string): void {
    for (const listener of [...this.listeners]) listener(project);
  }
}
