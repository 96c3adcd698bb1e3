// One thing after another: the order in which a project's writes are planned, numbered and handed to the store.

export class SerialQueue {
  private tail: Promise<unknown> = Promise.resolve();
  private waiting = 0;

  /** Whether nothing runs and nothing waits. */
  get isEmpty(): boolean {
    return this.waiting === 0;
  }

  /** Runs `work` when everything before it has ended, however it ended. */
  run<T>(work: () => Promise<T> | T): Promise<T> {
    this.waiting++;
    const result = this.tail.then(async () => {
      try {
        return await work();
      } finally {
        this.waiting--; // whoever hears of the result finds it done
      }
    });
    this.tail = result.catch(() => undefined);
    return result;
  }

  /** Waits for its turn and keeps it until the returned function is called. */
  hold(): Promise<() => void> {
    return new Promise((resolve) => {
      void this.run(() => new Promise<void>((release) => resolve(release)));
    });
  }
}
