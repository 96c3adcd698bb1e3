// What was written to a document since its newest snapshot: it says when the next one is worth its cost.

/** Fewer changes than this are replayed faster than anybody notices. */
const changesMin = 1_000;
const bytesMin = 1024 * 1024;
/** What applying one more update takes, as bytes of a snapshot. */
const bytesPerChange = 100;
/** A snapshot is written again when this part of it would be replayed beside it. */
const partOfSnapshot = 1 / 8;
/** Before a document is closed a snapshot is worth it sooner. */
export const changesMinAtClose = 100;

export class DocumentTail {
  changes = 0;
  bytes = 0;

  /**
   * @param snapshotBytes of the newest snapshot; 0 if there is none.
   * @param atClose so many changes make a snapshot worth it before the document is closed.
   */
  constructor(
    public snapshotBytes: number,
    private readonly atClose: number,
  ) {}

  add(update: Uint8Array): void {
    this.changes++;
    this.bytes += update.length;
  }

  get isDue(): boolean {
    const isLong = this.changes >= changesMin || this.bytes >= bytesMin;
    return isLong && this.bytes + this.changes * bytesPerChange >= this.snapshotBytes * partOfSnapshot;
  }

  get isDueAtClose(): boolean {
    return this.changes >= this.atClose || this.isDue;
  }
}
