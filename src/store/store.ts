// The narrow interface of everything that persists: an ordered map from bytes to bytes with atomic, durable
// writes. `level.ts` implements it on disk, `memory.ts` for tests; test/store/contract.ts holds both to it.

export interface Store {
  /** The value of a key, or undefined. */
  get(key: Uint8Array): Promise<Uint8Array | undefined>;

  /**
   * The entries of a range in key order (bytewise), in pages of bounded size, as of the moment of the call.
   * Breaking out of the loop frees the scan.
   */
  scan(range: Range): AsyncIterable<readonly Entry[]>;

  /**
   * Writes a batch: all of it or, if the process or the machine dies, none of it. Resolves when it is durable; batches
   * become durable in the order of the calls. Batches that arrive while an earlier one is being made durable share
   * the next fsync.
   * @throws RejoinError `outcome-unknown` if this batch failed on its way to the disk: it may be there all the same.
   *   Every write from then on is refused with `unavailable` (nothing of it was written) until `reopen`. What was durable
   *   before can still be read, and nothing else: the failed batch is not shown, whether it is on disk or not.
   */
  write(batch: readonly Write[]): Promise<void>;

  /**
   * About how many bytes a range takes on disk. What was written lately may not count yet, and what was removed may count
   * still. It costs no scan.
   */
  approximateSize(range: Range): Promise<number>;

  /** Gives the space of what was removed or replaced in a range back to the disk. It may take its time. */
  compact(range: Range): Promise<void>;

  /**
   * After a failed write: resolves if the disk takes what `reopen` has to write. Reads go on meanwhile.
   * @throws what the disk says.
   */
  probe(): Promise<void>;

  /** After a failed write: closes and opens the storage again, so that what it says is what is on disk. */
  reopen(): Promise<void>;

  /** Waits for writes in flight, then closes. Every call after that is refused with `unavailable`. */
  close(): Promise<void>;
}

export interface Range {
  /** The first key of the range. */
  readonly from: Uint8Array;
  /** The first key behind the range. */
  readonly before: Uint8Array;
  readonly reverse?: boolean;
  /** How many entries at most. */
  readonly limit?: number;
}

export interface Entry {
  readonly key: Uint8Array;
  readonly value: Uint8Array;
}

/** A value to put, or null to remove the key. */
export interface Write {
  readonly key: Uint8Array;
  readonly value: Uint8Array | null;
}

/** Pages of a scan end at the first of these. */
export const pageEntriesMax = 512;
export const pageBytesMax = 256 * 1024;

/** The first entry of a range, or undefined. */
export async function firstOf(store: Store, range: Range): Promise<Entry | undefined> {
  for await (const page of store.scan({ ...range, limit: 1 })) return page[0];
  return undefined;
}
