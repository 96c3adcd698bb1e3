// Tells in which projects something became durable, or what the catalogue says of them. Every project's log says so here, whoever looks after all of them, such
// as the links to other servers, listens.

/** @param isLifecycle whether it was deleted, or brought back. */
export type Moved = (project: string, isLifecycle: boolean) => void;

export class MovedProjects {
  private readonly listeners = new Set<Moved>();

  /** @returns how to stop listening. */
  listen(listener: Moved): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(project: string, isLifecycle = false): void {
    for (const listener of [...this.listeners]) listener(project, isLifecycle);
  }
}
