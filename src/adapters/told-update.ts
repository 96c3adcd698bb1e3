// An update that became durable, on its way to all Yjs clients of a room: they share its frame.

import * as Y from 'yjs';
import { writeUpdate } from '../wire/yjs.ts';

export class ToldUpdate {
  readonly frame: Uint8Array;
  private clocks: ReadonlyMap<number, number> | null = null;

  constructor(private readonly update: Uint8Array) {
    this.frame = writeUpdate(update);
    this.update = this.frame.subarray(this.frame.length - update.length); // so that only one of the two is kept
  }

  /** clientID → the first clock in it. Worked out when somebody misses it, once for all. */
  get firstClocks(): ReadonlyMap<number, number> {
    return (this.clocks ??= Y.parseUpdateMeta(this.update).from);
  }
}
