// Group commit: what arrives while one batch is being made durable is written together in the next, so that many
// writers share one fsync. Every store puts one in front of its own way of writing.

import { RejoinError } from '../errors.ts';
import { diskProblem } from './disk-error.ts';
import type { Write } from './store.ts';

/** A joint batch is closed at this size, so that one commit stays short. */
const batchBytesMax = 16 * 1024 * 1024;

interface Waiting {
  readonly batch: readonly Write[];
  readonly bytes: number;
  resolve(): void;
  reject(error: RejoinError): void;
}

export class CommitQueue {
  private readonly waiting: Waiting[] = [];
  private running: Promise<void> | null = null;
  private refusal: RejoinError | null = null;

  /** @param commit makes a batch durable, or throws. */
  constructor(private readonly commit: (batch: readonly Write[]) => Promise<void>) {}

  write(batch: readonly Write[]): Promise<void> {
    if (this.refusal) return Promise.reject(this.refusal);
    return new Promise((resolve, reject) => {
      this.waiting.push({ batch, bytes: bytesOf(batch), resolve, reject });
      this.running ??= this.run();
    });
  }

  /** Refuses every write from now on, and those that wait. */
  refuse(reason: string, cause?: unknown): void {
    this.refusal = new RejoinError('unavailable', `Nothing was written: ${reason}`, { cause });
    for (const writer of this.waiting.splice(0)) writer.reject(this.refusal);
  }

  /** Accepts writes again. */
  accept(): void {
    this.refusal = null;
  }

  /** Resolves when nothing is being written. */
  async idle(): Promise<void> {
    while (this.running) await this.running;
  }

  private async run(): Promise<void> {
    // One turn of the event loop's microtasks: what the same message caused in several projects goes together.
    await Promise.resolve();
    while (this.waiting.length > 0) {
      const group = this.takeGroup();
      try {
        await this.commit(joined(group));
      } catch (cause) {
        const reason = `the store failed (${diskProblem(cause)})`;
        const error = new RejoinError('outcome-unknown', `The outcome is unknown: ${reason}`, { cause });
        // Refused first: a writer that is told of the failure must not get another write in.
        this.refuse(reason, cause);
        for (const writer of group) writer.reject(error);
        break;
      }
      for (const writer of group) writer.resolve();
    }
    this.running = null;
  }

  private takeGroup(): Waiting[] {
    let bytes = 0;
    let count = 0;
    for (const writer of this.waiting) {
      bytes += writer.bytes;
      if (count > 0 && bytes > batchBytesMax) break;
      count++;
    }
    return this.waiting.splice(0, count);
  }
}

function joined(group: readonly Waiting[]): readonly Write[] {
  const [first] = group;
  if (first && group.length === 1) return first.batch;
  const batch: Write[] = [];
  for (const writer of group) for (const write of writer.batch) batch.push(write);
  return batch;
}

function bytesOf(batch: readonly Write[]): number {
  return batch.reduce((sum, { key, value }) => sum + key.length + (value?.length ?? 0), 0);
}
