// Which changes of a Yjs document a server has on disk: counts the changes, what was sent of them on each connection,
// and what the server says of that (YJS-7). The Yjs helper feeds it; it knows neither Yjs nor sockets.

import type { RejoinError } from '../errors.ts';

interface Waiting {
  readonly changes: number;
  readonly resolve: () => void;
  readonly reject: (error: RejoinError) => void;
}

export class DurableChanges {
  /** How many changes there were. */
  made = 0;
  /** How many of them, from the first on, are durable. */
  private durable = 0;
  private readonly waiting = new Set<Waiting>();

  get pending(): number {
    return this.made - this.durable;
  }

  /** Resolves when all changes so far are durable. */
  settled(): Promise<void> {
    const changes = this.made;
    if (changes <= this.durable) return Promise.resolve();
    return new Promise((resolve, reject) => this.waiting.add({ changes, resolve, reject }));
  }

  /** The first so many changes are durable. @returns whether that is news. */
  acknowledge(changes: number): boolean {
    if (changes <= this.durable) return false;
    this.durable = changes;
    for (const each of this.waiting) {
      if (each.changes > changes) continue;
      this.waiting.delete(each);
      each.resolve();
    }
    return true;
  }

  /** Nothing that is waited for will come. */
  fail(error: RejoinError): void {
    for (const { reject } of this.waiting) reject(error);
    this.waiting.clear();
  }
}

/**
 * What was sent on one connection. The server counts steps 2 and updates as they come, from 1 on, and so does this. The
 * first step 2 brings all that the document has and the server hasn't. From then on each change is sent as it is made. So
 * what is sent last stands for all changes until then; what is sent before the first step 2 stands for nothing.
 */
export class SentChanges {
  /** How many steps 2 and updates. */
  sent = 0;
  /** Whether a step 2 was sent. */
  isSynced = false;
  /** Of what isn't acknowledged: the number of a message, and how many changes it stands for. */
  private readonly standing: { readonly message: number; readonly changes: number }[] = [];

  constructor(private readonly changes: DurableChanges) {}

  send(type: 'step-2' | 'update'): void {
    this.sent++;
    if (type === 'step-2') this.isSynced = true;
    const { made } = this.changes;
    if (this.isSynced && this.standing.at(-1)?.changes !== made)
      this.standing.push({ message: this.sent, changes: made });
  }

  /** The first `count` messages are durable. @returns whether changes are that weren't. */
  acknowledge(count: number): boolean {
    const behind = this.standing.findIndex(({ message }) => message > count);
    const done = this.standing.splice(0, behind === -1 ? this.standing.length : behind);
    const last = done.at(-1);
    return last !== undefined && this.changes.acknowledge(last.changes);
  }
}
