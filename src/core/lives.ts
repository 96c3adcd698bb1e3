// The life that the server is in: its server id and what belongs to it. It changes while the server runs when damage is
// found (REP-8); projects ask for it, and Projects renews it.

import type { Life } from '../store/life.ts';

export class Lives {
  private last: Promise<unknown> = Promise.resolve();
  private readonly listeners = new Set<() => void>();
  /** The projects in which this life may have given numbers; null for any, since it began before the server was started. */
  private numbering: Set<string> | null = null;

  /** @param take makes a new life durable. */
  constructor(
    private life: Life,
    private readonly take: (reason: string) => Promise<Life>,
  ) {}

  get current(): Life {
    return this.life;
  }

  /** From now on this life may give numbers in a project. */
  numbers(project: string): void {
    this.numbering?.add(project);
  }

  /** Whether it may have given numbers in a project before. */
  mayHaveNumbered(project: string): boolean {
    return this.numbering?.has(project) ?? true;
  }

  /** Calls back when there is a new life, or this one begins anew. @returns how to stop listening. */
  listen(renewed: () => void): () => void {
    this.listeners.add(renewed);
    return () => this.listeners.delete(renewed);
  }

  /** Whoever follows this server begins anew, as with a new life: it has not all that it has said. */
  beginAnew(): void {
    for (const renewed of [...this.listeners]) renewed();
  }

  /**
   * One at a time.
   * @param left the server id to leave; if it is left by then, nothing is done.
   * @returns whether there is a new life.
   */
  renew(reason: string, left: number): Promise<boolean> {
    const renewed = this.last.then(async () => {
      if (this.life.serverId !== left) return false;
      this.life = await this.take(reason);
      this.numbering = new Set();
      this.beginAnew();
      return true;
    });
    this.last = renewed.catch(() => undefined); // the caller hears of it
    return renewed;
  }
}
