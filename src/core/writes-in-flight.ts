// The writes of one project that are on their way to the disk, in their order. The log of an open project has one of these: it
// shows what is durable, and others wait for all that was submitted.

export class WritesInFlight {
  private all: Promise<void> = Promise.resolve();
  private count = 0;

  /** @param onFailed is told of every write that failed. */
  constructor(private readonly onFailed: (error: unknown) => void) {}

  /** Whether nothing that was submitted is still on its way. */
  get isEmpty(): boolean {
    return this.count === 0;
  }

  /** Resolves when everything submitted so far is durable. Rejects if something wasn't, when all has ended. */
  get settled(): Promise<void> {
    return this.all;
  }

  /**
   * Follows a write. They become durable in the order of the calls; where one fails, those behind it may have failed before.
   * @param show is called when it is durable.
   * @returns resolves behind `show`; rejects if the write failed.
   */
  track(written: Promise<void>, show: () => void): Promise<void> {
    this.count++;
    const durable = written.then(
      () => {
        this.count--;
        show();
      },
      (error: unknown) => {
        this.count--;
        this.onFailed(error);
        throw error;
      },
    );
    durable.catch(() => undefined); // whoever waits for it hears of it
    this.all = this.all.then(
      () => durable,
      async (error: unknown) => {
        await durable.catch(() => undefined);
        throw error;
      },
    );
    this.all.catch(() => undefined);
    return durable;
  }

  /** Nothing is waited for any more: all has ended, and what failed was dealt with. */
  forget(): void {
    this.all = Promise.resolve();
  }
}
