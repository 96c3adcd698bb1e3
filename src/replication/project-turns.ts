// Whose turn it is: what concerns one project is dealt with one after the other, in the order in which it came (REP-3);
// different projects go side by side, a few at once. A link calls it for each message that names a project.

/** A link must not keep the store from everybody else. */
const atOnceMax = 16;

export class ProjectTurns {
  private readonly lastOf = new Map<string, Promise<void>>();
  private readonly held: (() => void)[] = [];
  private running = 0;
  /** How much waits or is being dealt with. */
  waiting = 0;

  /** Runs `work` when everything before it on the project has ended, however it ended. */
  run(project: string, work: () => Promise<void>): Promise<void> {
    this.waiting++;
    const result = (this.lastOf.get(project) ?? Promise.resolve()).then(() => this.whenFree(work));
    const ended = result
      .catch(() => undefined) // whoever asked for it hears of it
      .then(() => {
        this.waiting--;
        if (this.lastOf.get(project) === ended) this.lastOf.delete(project);
      });
    this.lastOf.set(project, ended);
    return result;
  }

  private async whenFree(work: () => Promise<void>): Promise<void> {
    if (this.running >= atOnceMax) await new Promise<void>((resolve) => this.held.push(resolve));
    else this.running++;
    try {
      await work();
    } finally {
      const next = this.held.shift();
      if (next)
        next(); // it takes the place
      else this.running--;
    }
  }
}
