// The timer of a polling client (the UDT clients in test/support): one poll after another, and none ever again after one
// that failed.

import { until } from './until.ts';

export class Polling {
  private timer: NodeJS.Timeout | undefined;
  private round = 0;
  private begun = 0;
  private ended = 0;
  private failure: unknown = null;
  private isStopped = false;
  private readonly running = new Set<Promise<void>>();

  /** @param poll polls once; throws when the client would stop polling for good. */
  constructor(
    private readonly intervalMs: number,
    private readonly poll: () => Promise<void>,
  ) {}

  /** Sets the timer anew: the next poll begins an interval from now. One that is under way goes on. */
  restart(): void {
    clearTimeout(this.timer);
    if (this.isStopped || this.failure !== null) return;
    const round = ++this.round;
    this.timer = setTimeout(() => {
      const run = this.pollIn(round).finally(() => this.running.delete(run));
      this.running.add(run);
    }, this.intervalMs);
  }

  /** Resolves when a poll that begins from now on has ended. @throws what the client has stopped polling for. */
  async nextPoll(): Promise<void> {
    const before = this.begun;
    await until('a poll has ended', () => {
      this.check();
      return this.ended > before;
    });
  }

  /** @throws Error that says why the client has stopped polling for good. */
  check(): void {
    if (this.failure !== null) throw new Error('the client has stopped polling', { cause: this.failure });
  }

  /** Ends polling; resolves when no poll is under way. */
  async stop(): Promise<void> {
    this.isStopped = true;
    clearTimeout(this.timer);
    await Promise.all(this.running);
  }

  private async pollIn(round: number): Promise<void> {
    const number = ++this.begun;
    try {
      await this.poll();
      this.ended = Math.max(this.ended, number);
    } catch (error) {
      this.failure = error;
    }
    if (round === this.round) this.restart();
  }
}
