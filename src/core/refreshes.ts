// When a session's v1 clients need a version that refreshes their screens (UDT-8): a client whose PATCH lands behind somebody
// else's change fetches the whole state without showing it, and shows it with the next poll that brings anything.

import type { Environment } from '../model/environment.ts';

/** Two changes closer than this may have been made on the same screen. */
const raceMs = 3_000;
/** So long after it a client that is slow may still read the state. */
const lateReadMs = 30_000;
/** The client is to have fetched the state before, and polls 500 ms after its PATCH. */
const delayMs = 400;
/** PATCHes so close to each other share a refresh. */
const sharedMs = 50;
/** A refresh that is later than that, on a disk that fails, lets no poll wait. */
const lateMsMax = 100;
/** A session that wasn't polled for so long has no screens. */
const watchedMs = 5_000;

interface Pending {
  readonly dueMs: number;
  /** Whether its version may be there already. */
  isBegun: boolean;
  made: Promise<void>;
}

export class Refreshes {
  private pending: Pending | null = null;
  /** When a PATCH landed behind somebody else's change the last time. */
  private racedMs = -Infinity;
  private readonly ending = new AbortController();
  private watchedSinceMs = Infinity;
  private polledMs = -Infinity;

  /** @param make makes the version. */
  constructor(
    private readonly environment: Environment,
    private readonly make: () => Promise<void>,
  ) {}

  /**
   * A PATCH is accepted.
   * @param othersMs when `udt` was changed the last time before it.
   */
  patched(othersMs: number): void {
    const nowMs = this.environment.now();
    if (Math.abs(nowMs - othersMs) > raceMs) return;
    this.racedMs = nowMs;
    if (this.pending && this.pending.dueMs - nowMs >= delayMs - sharedMs) return; // that one will do
    this.plan(nowMs);
  }

  /**
   * The whole state is read. Behind a race that may be by a client that took its time to compare hashes: the refresh that was meant
   * for its screen is part of what it reads without showing it, and another must follow.
   */
  wasRead(): void {
    const nowMs = this.environment.now();
    if (Math.abs(nowMs - this.racedMs) > lateReadMs) return;
    if (this.pending && !this.pending.isBegun) return; // it follows what is read
    this.plan(nowMs);
  }

  /** Whether one is still to be made. */
  get isPending(): boolean {
    return this.pending !== null;
  }

  /** No more are made: the server stops, and its clients will read all anew. */
  end(): void {
    this.ending.abort();
  }

  /**
   * A v1 client polls. @returns what it is to wait for if there is nothing new for it: on a screen that is being watched, one
   * poll behind its PATCH shows all there is.
   */
  polled(): Promise<void> | null {
    const nowMs = this.environment.now();
    if (nowMs - this.polledMs > watchedMs) this.watchedSinceMs = nowMs;
    this.polledMs = nowMs;
    const isWatched = nowMs - this.watchedSinceMs >= delayMs;
    if (!isWatched || !this.pending) return null;
    const leftMs = this.pending.dueMs + lateMsMax - nowMs;
    return leftMs > 0 ? this.within(leftMs, this.pending.made) : null;
  }

  /** Resolves with `made`, or when the time is over. */
  private async within(waitMs: number, made: Promise<void>): Promise<void> {
    let cancel = (): void => undefined;
    const over = new Promise<void>((resolve) => (cancel = this.environment.after(waitMs, resolve)));
    await Promise.race([made, over]);
    cancel();
  }

  private plan(nowMs: number): void {
    const pending: Pending = { dueMs: nowMs + delayMs, isBegun: false, made: Promise.resolve() };
    this.pending = pending;
    pending.made = this.makeIn(delayMs, pending);
    void pending.made.finally(() => {
      if (this.pending === pending) this.pending = null;
    });
  }

  /** Nobody waits for it to succeed: who makes it tells what is wrong. */
  private async makeIn(waitMs: number, pending: Pending): Promise<void> {
    if (!(await this.passed(waitMs))) return;
    pending.isBegun = true;
    try {
      await this.make();
    } catch {
      // The store has failed, which every writer hears of.
    }
  }

  /** Resolves after a time, or when all is ended. @returns whether the time has passed. */
  private passed(waitMs: number): Promise<boolean> {
    const { signal } = this.ending;
    if (signal.aborted) return Promise.resolve(false);
    return new Promise<boolean>((resolve) => {
      const end = (): void => {
        cancel();
        resolve(false);
      };
      const cancel = this.environment.after(waitMs, () => {
        signal.removeEventListener('abort', end);
        resolve(true);
      });
      signal.addEventListener('abort', end, { once: true });
    });
  }
}
