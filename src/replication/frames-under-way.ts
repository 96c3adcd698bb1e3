// The frames of one stream that are on their way to the disk: the next is taken while those before it are being written, so that
// they share an fsync, and each builds on those before it (REP-3). incoming-streams.ts has one for each stream.

import type { Era } from './replicas-port.ts';

/** With more the disk is what is waited for, and they cost memory. */
const framesMax = 4;

export class FramesUnderWay {
  private count = 0;
  private era: Era | null = null;
  private readonly waiting = new Set<() => void>();

  /** When the last of them was taken; null if all are durable. */
  get behind(): Era | null {
    return this.count > 0 ? this.era : null;
  }

  /** Another one is taken. @returns what is to be called when it is durable, or lost. */
  begin(): () => void {
    this.count++;
    return () => {
      this.count--;
      const woken = [...this.waiting];
      this.waiting.clear();
      for (const wake of woken) wake();
    };
  }

  /** The last that was begun is numbered, and on its way. */
  taken(era: Era): void {
    this.era = era;
  }

  /** Resolves when another one may be taken. */
  room(): Promise<void> {
    return this.fewerThan(framesMax);
  }

  /** Resolves when all of them have ended. */
  ended(): Promise<void> {
    return this.fewerThan(1);
  }

  private async fewerThan(count: number): Promise<void> {
    while (this.count >= count) await new Promise<void>((resolve) => this.waiting.add(resolve));
  }
}
