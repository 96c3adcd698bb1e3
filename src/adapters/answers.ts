// The answers to one Yjs client that may be much larger than their question: a few bytes ask for the document. They are
// made one at a time, each when the one before has left.

import { setImmediate as otherWork } from 'node:timers/promises';
import type { Outgoing } from './outgoing.ts';

export class Answers {
  /** The last of those in work. */
  private last: Promise<void> | null = null;

  constructor(private readonly outgoing: Outgoing) {}

  /**
   * Answers at once, unless an answer is in work: then behind it. Resolves when the answer has left and others had their
   * turn. Nothing is made for a socket that closes.
   */
  async inTurn(answer: () => Promise<void> | void): Promise<void> {
    const turn = this.last?.then(() => this.give(answer)) ?? this.give(answer);
    const ended = turn.catch(() => undefined); // whoever waits for `turn` hears of it
    this.last = ended;
    await turn;
    if (this.last === ended) this.last = null;
  }

  private async give(answer: () => Promise<void> | void): Promise<void> {
    if (this.outgoing.isFull) await this.outgoing.drained();
    if (!this.outgoing.isOpen) return;
    await answer();
    if (this.outgoing.isFull) await this.outgoing.drained();
    else await otherWork();
  }
}
