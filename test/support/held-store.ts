// A store in memory whose writes wait until a test lets them go, in their order, and that keeps what was written, batch by
// batch: so a test can look at it between any two writes, or begin anew with the first few of them, as after a kill.

import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import type { Write } from '../../src/store/store.ts';

export class HeldStore extends MemoryStore {
  /** Whether writes wait; else they go through. */
  isHolding = true;
  /** What was let go, in order. */
  readonly written: (readonly Write[])[] = [];
  private readonly held: { readonly batch: readonly Write[]; readonly go: () => void }[] = [];

  /** What waits, in order. */
  get waiting(): readonly (readonly Write[])[] {
    return this.held.map(({ batch }) => batch);
  }

  override async write(batch: readonly Write[]): Promise<void> {
    if (this.isHolding) await new Promise<void>((go) => this.held.push({ batch, go }));
    this.written.push(batch);
    await super.write(batch);
  }

  /** Lets the first one go, if any waits. */
  letGo(): void {
    this.held.shift()?.go();
  }
}

/** One that lets all writes through, and keeps what was written. */
export function notedStore(): HeldStore {
  const store = new HeldStore();
  store.isHolding = false;
  return store;
}

/** A store in which only these batches arrived. */
export async function storeOf(batches: readonly (readonly Write[])[]): Promise<MemoryStore> {
  const store = new MemoryStore(new MemoryDisk());
  for (const batch of batches) await store.write(batch);
  return store;
}

/** For so long that whatever could happen by itself has happened. */
export async function someTurns(count = 30): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise(setImmediate);
}
