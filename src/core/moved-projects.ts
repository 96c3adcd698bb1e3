// Tells in which projects something became durable. Every project's log says so here, whoever looks after all of them, such
// as the links to other servers, listens.

export class MovedProjects {
  private readonly listeners = new Set<(project: string) => void>();

  /** @returns how to stop listening. */
  listen(listener: (project: string) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(project: string): void {
    for (const listener of [...this.listeners]) listener(project);
  }
}
