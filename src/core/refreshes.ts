// When a session's v1 clients need a version that refreshes their screens (UDT-8): a client whose PATCH lands behind somebody
// else's change fetches the whole state without showing it, and shows it with the next poll that brings anything.

import { setTimeout as passed } from 'node:timers/promises';
import type { Environment } from '../model/environment.ts';

/** Two changes closer than this may have been made on the same screen. */
const raceMs = 3_000;
/** The client is to have fetched the state before, and polls 500 ms after its PATCH. */
const delayMs = 400;
/** PATCHes so close to each other share a refresh. */
const sharedMs = 50;
/** A refresh that is later than that, on a disk that fails, lets no poll wait. */
const lateMsMax = 100;
/** A session that wasn't polled for so long has no screens. */
const watchedMs = 5_000;

export class Refreshes {
  private pending: { readonly dueMs: number; readonly made: Promise<void> } | null = null;
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
    if (this.pending && this.pending.dueMs - nowMs >= delayMs - sharedMs) return; // that one will do
    const pending = { dueMs: nowMs + delayMs, made: this.makeIn(delayMs) };
    this.pending = pending;
    void pending.made.finally(() => {
      if (this.pending === pending) this.pending = null;
    });
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
    return leftMs > 0 ? Promise.race([this.pending.made, passed(leftMs, undefined, { ref: false })]) : null;
  }

  /** Nobody waits for it to succeed: who makes it tells what is wrong. */
  private async makeIn(waitMs: number): Promise<void> {
    try {
      await passed(waitMs, undefined, { signal: this.ending.signal });
      await this.make();
    } catch {
      // It was ended, or the store has failed, which every writer hears of.
    }
  }
}
