// Who wants to hear of a project: listeners of what becomes durable or of what the project becomes, and readers that wait at
// the head of its log. The log of an open project has one of these.

import type { Group } from '../store/change.ts';

export interface ProjectListener {
  /** A group became durable. Called in the order of the log. */
  durable?(group: Group): void;
  /** What was not durable is lost, with the document that held it: whoever saw that document must start anew. */
  reset?(): void;
  /** The project is deleted now; called again when it is deleted for good. */
  deleted?(): void;
  /** A project that was deleted is there again. */
  undeleted?(): void;
  /** The document has got what no update tells (REP-7): whoever follows it must start anew. */
  replaced?(): void;
}

export class LogListeners {
  private readonly listeners = new Set<ProjectListener>();
  private readonly waiting = new Set<() => void>();

  /** @returns how to stop listening. */
  listen(listener: ProjectListener): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Calls back at the next `wake`. @returns how to take that back. */
  onWake(wake: () => void): () => void {
    this.waiting.add(wake);
    return () => this.waiting.delete(wake);
  }

  /** There is more to read, or the project has ended. */
  wake(): void {
    const woken = [...this.waiting];
    this.waiting.clear();
    for (const wake of woken) wake();
  }

  /** These groups became durable. */
  tellDurable(groups: readonly Group[]): void {
    if (this.listeners.size === 0) return;
    for (const group of groups) this.tell((listener) => listener.durable?.(group));
  }

  /** Calls each listener; one may stop listening meanwhile. */
  tell(call: (listener: ProjectListener) => void): void {
    for (const listener of [...this.listeners]) call(listener);
  }
}
