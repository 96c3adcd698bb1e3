// A store in memory of which one write fails, after so many that work.

import type { Write } from '../../src/store/store.ts';
import { FaultyStore } from './faulty-store.ts';

export class FailingNthStore extends FaultyStore {
  /** So many writes work before the one that fails. */
  writesLeft = Infinity;
  outcome: 'is lost' | 'is stored' = 'is lost';

  override write(batch: readonly Write[]): Promise<void> {
    if (this.writesLeft-- === 0) this.failNext(this.outcome);
    return super.write(batch);
  }
}
