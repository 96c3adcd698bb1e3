// Whose turn it is: what concerns one project is dealt with one after the other, in the order in which it came (REP-3);
// different projects go side by side. A link calls it for each message that names a project.

export class ProjectTurns {
  private readonly lastOf = new Map<string, Promise<void>>();
  /** How much waits or is being dealt with. */
  waiting = 0;

  /** @param work must not throw. @returns when it is done. */
  run(project: string, work: () => Promise<void>): Promise<void> {
    this.waiting++;
    const before = this.lastOf.get(project);
    const done = (before ? before.then(work) : work()).finally(() => {
      this.waiting--;
      if (this.lastOf.get(project) === done) this.lastOf.delete(project);
    });
    this.lastOf.set(project, done);
    return done;
  }
}
