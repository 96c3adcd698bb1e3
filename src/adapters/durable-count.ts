// How many of the steps 2 and updates that came on one Yjs connection are durable (YJS-7): the number that a client which
// asked for it (`?ack=1`) is told. It counts a prefix: with `n` the first n are durable, all of them.
//
// A message that lacks its base isn't durable: nothing of it was taken (YJS-8). It becomes so with a step 2 that came
// behind it, was accepted and is durable. For a step 2 is everything that its client's document has beyond a state vector
// that we sent on this connection, and that our document still covers, for it only grows; and its client's document had
// the message's content when the step 2 was encoded, because it had it when the message was sent, and that one only grows
// as well. So the step 2 and what we had before carry the message, whether in its own form or, if it was deleted
// meanwhile, as a deletion. What a document holds without having its base is in every step 2 too: then that one is
// refused in its turn.

export class DurableCount {
  private received = 0;
  private told = 0;
  /** The numbers of messages whose outcome is open, from the first on. */
  private readonly open = new Set<number>();
  /** The first and the last message that lacks its base; what is between them need not. */
  private lacking: { readonly first: number; last: number } | null = null;

  /** Whether a message lacks its base, and no step 2 has brought it since. */
  get isLacking(): boolean {
    return this.lacking !== null;
  }

  /** @returns the number of a message that has come: 1 for the first. */
  receive(): number {
    this.received++;
    this.open.add(this.received);
    return this.received;
  }

  /** All that a message says is durable. */
  settle(number: number, type: 'step-2' | 'update'): void {
    this.open.delete(number);
    if (type === 'step-2' && this.lacking && this.lacking.last < number) this.lacking = null;
  }

  /** Nothing of a message was taken, because it lacks its base. */
  refuse(number: number): void {
    this.open.delete(number);
    if (this.lacking) this.lacking.last = Math.max(this.lacking.last, number);
    else this.lacking = { first: number, last: number };
  }

  /** How many are durable, if that is more than it was the last time this was asked; else null. */
  news(): number | null {
    const [firstOpen = this.received + 1] = this.open;
    const durable = Math.min(firstOpen, this.lacking?.first ?? firstOpen) - 1;
    if (durable === this.told) return null;
    this.told = durable;
    return durable;
  }
}
