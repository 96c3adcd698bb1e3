// What a link does in the background: nothing of it may fail unseen, and whoever closes the store first waits until it
// has come to its end.

export class Tasks {
  private readonly running = new Set<Promise<void>>();

  constructor(private readonly onError: (error: unknown) => void) {}

  run(work: () => Promise<void>): void {
    const done = work()
      .catch((error: unknown) => this.onError(error))
      .finally(() => this.running.delete(done));
    this.running.add(done);
  }

  /** Resolves when nothing runs any more. */
  async idle(): Promise<void> {
    while (this.running.size > 0) await Promise.all(this.running);
  }
}
