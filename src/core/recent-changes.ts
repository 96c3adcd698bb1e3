// The last durable changes of a project, kept in memory so that readers at the head of the log don't read the store.

import type { Change } from '../store/change.ts';

const bytesMax = 1024 * 1024;
const changesMax = 1024;
/** A reader takes as much at a time, or one change: it keeps them while its client doesn't read. */
const pageBytesMax = 256 * 1024;

export class RecentChanges {
  private changes: Change[] = [];
  private bytes = 0;

  push(changes: readonly Change[]): void {
    for (const change of changes) {
      this.changes.push(change);
      this.bytes += bytesOf(change);
    }
    // Halved at a time, so that dropping the oldest costs little per change.
    while (this.changes.length > changesMax || (this.bytes > bytesMax && this.changes.length > 1)) {
      const dropped = this.changes.splice(0, Math.ceil(this.changes.length / 2));
      this.bytes -= dropped.reduce((sum, change) => sum + bytesOf(change), 0);
    }
  }

  /** The next changes after a position, or null unless the first of them is still here. */
  after(position: number): readonly Change[] | null {
    const first = this.changes[0];
    if (!first || first.position > position + 1) return null;
    const begin = position + 1 - first.position;
    let end = begin;
    for (let bytes = 0; bytes < pageBytesMax; end++) {
      const change = this.changes[end];
      if (!change) break;
      bytes += bytesOf(change);
    }
    return end > begin ? this.changes.slice(begin, end) : null;
  }

  clear(): void {
    this.changes = [];
    this.bytes = 0;
  }
}

function bytesOf({ object, update }: Change): number {
  return 200 + (object?.length ?? 0) + (update?.length ?? 0);
}
