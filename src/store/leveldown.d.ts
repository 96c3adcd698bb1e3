// The part of leveldown that level.ts uses. Its published types describe an older release and a default export
// that it doesn't have.

declare module 'leveldown' {
  export interface LevelDown {
    open(options: OpenOptions, callback: Callback): void;
    close(callback: Callback): void;
    /** Calls back with one value for each key, undefined for those that aren't there. */
    getMany(
      keys: readonly Buffer[],
      options: { asBuffer: true },
      callback: (error: unknown, values: readonly unknown[]) => void,
    ): void;
    /** Begins a batch that is filled step by step, which costs less than half of what an array of operations does. */
    batch(): LevelDownBatch;
    batch(operations: readonly BatchOperation[], options: { sync: boolean }, callback: Callback): void;
    /** Of tables only: what is in memory, and in the log that keeps it safe, doesn't count. */
    approximateSize(start: Buffer, end: Buffer, callback: (error: unknown, bytes: number) => void): void;
    compactRange(start: Buffer, end: Buffer, callback: Callback): void;
    iterator(options: IteratorOptions): LevelDownIterator;
  }

  export interface LevelDownBatch {
    /** What is given is copied at once. */
    put(key: Buffer, value: Buffer): this;
    del(key: Buffer): this;
    write(options: { sync: boolean }, callback: Callback): void;
  }

  export interface LevelDownIterator {
    /** Calls back without a key at the end. */
    next(callback: (error: unknown, key: unknown, value: unknown) => void): void;
    end(callback: Callback): void;
  }

  export interface OpenOptions {
    createIfMissing?: boolean;
    errorIfExists?: boolean;
    cacheSize?: number;
    writeBufferSize?: number;
  }

  export interface IteratorOptions {
    gte: Buffer;
    lt: Buffer;
    reverse: boolean;
    limit: number;
    keyAsBuffer: true;
    valueAsBuffer: true;
    fillCache: boolean;
    /** How much is read at once, ahead of `next`. Bytes. */
    highWaterMark: number;
  }

  export type BatchOperation = { type: 'put'; key: Buffer; value: Buffer } | { type: 'del'; key: Buffer };
  type Callback = (error?: Error | null) => void;

  interface Leveldown {
    (location: string): LevelDown;
    repair(location: string, callback: Callback): void;
  }

  const leveldown: Leveldown;
  export default leveldown;
}
