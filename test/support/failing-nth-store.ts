// A store in memory of which one write fails, after so many that work.

import type { Write } from '../../src/store/store.ts';
import { FaultyStore } from './faulty-store.ts';

/** @returns one whose nth write fails, counted from 1. */
export function failingNth(nth: number, outcome: 'is lost' | 'is stored'): FailingNthStore {
  const store = new FailingNthStore();
  store.writesLeft = nth - 1;
  store.outcome = outcome;
  return store;
}

export class FailingNthStore extends FaultyStore {
  /** So many writes work before the one that fails. */
  writesLeft = Infinity;
  outcome: 'is lost' | 'is stored' = 'is lost';

  override write(batch: readonly Write[]): Promise<void> {
    if (this.writesLeft-- === 0) this.failNext(this.outcome);
    return super.write(batch);
  }
}
