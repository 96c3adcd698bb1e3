// The store on disk: LevelDB through leveldown. Every batch is written with `sync`, so that it is on disk when
// the write resolves.

import leveldown, { type LevelDown, type LevelDownIterator } from 'leveldown';
import { RejoinError, messageOf } from '../errors.ts';
import { CommitQueue } from './commit-queue.ts';
import { diskProblem, isDiskProblem } from './disk-error.ts';
import { probeDisk } from './disk-probe.ts';
import { ReadQueue } from './read-queue.ts';
import { pageBytesMax, pageEntriesMax, type Entry, type Range, type Store, type Write } from './store.ts';

export interface LevelOptions {
  /** LevelDB's cache of blocks read. Bytes. */
  readonly cacheSize?: number;
  /** What LevelDB keeps in memory and in its log until it makes a table of it. Bytes. */
  readonly writeBufferSize?: number;
}

export class LevelStore implements Store {
  private readonly commits = new CommitQueue((batch) => this.commit(batch));
  private readonly reads = new ReadQueue((keys) => this.read(keys));
  private readonly scans = new Set<Scan>();
  private db: LevelDown | null = null;
  /** LevelDB takes a folder whose CURRENT is gone for a new one: it may do so only once. */
  private isMade = false;

  private constructor(
    private readonly folder: string,
    private readonly options: LevelOptions,
  ) {}

  /**
   * Opens the database in `folder`, which exists, and makes one if there is none.
   * @throws RejoinError `data-in-use` when another process has it, `data-unusable` when it can't be opened.
   */
  static async open(folder: string, options: LevelOptions = {}): Promise<LevelStore> {
    const store = new LevelStore(folder, options);
    await store.openDatabase();
    return store;
  }

  /** Whether a process, this one or another, has the database open. Changes nothing in it. */
  static async isInUse(folder: string): Promise<boolean> {
    const db = leveldown(folder);
    // LevelDB takes its lock first, and then refuses for one reason or the other.
    const error = await new Promise<unknown>((resolve) =>
      db.open({ createIfMissing: false, errorIfExists: true }, resolve),
    );
    return isLocked(messageOf(error));
  }

  /**
   * Makes a database of the tables and logs in the folder. It must not be in use: LevelDB doesn't look.
   * @throws RejoinError `data-unusable` if there is nothing to make it of.
   */
  static async repair(folder: string): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      leveldown.repair(folder, (error) => {
        if (error) reject(openError(folder, error));
        else resolve();
      });
    });
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.reads.get(key);
  }

  async *scan({ from, before, reverse = false, limit = -1 }: Range): AsyncGenerator<readonly Entry[]> {
    const iterator = this.database().iterator({
      gte: asBuffer(from),
      lt: asBuffer(before),
      reverse,
      limit,
      keyAsBuffer: true,
      valueAsBuffer: true,
      highWaterMark: limit === 1 ? 1 : pageBytesMax, // a page is read by one visit to another thread
      fillCache: limit === 1, // a long scan would push everything else out
    });
    const scan: Scan = { iterator, page: Promise.resolve([]), isEnded: false };
    this.scans.add(scan);
    try {
      let isReadAhead = false;
      for (let pages = 1; ; pages++) {
        if (scan.isEnded) throw new RejoinError('unavailable', 'The store was closed during a scan');
        if (!isReadAhead) scan.page = nextPage(iterator);
        const page = await scan.page;
        if (page.length === 0) return;
        // Who comes back for a second page wants all: the next is read while this one is used.
        isReadAhead = pages > 1 && !hasEnded(scan);
        if (isReadAhead) {
          scan.page = nextPage(iterator);
          scan.page.catch(() => undefined); // who comes back for it hears of it
        }
        yield page;
      }
    } finally {
      await this.end(scan);
    }
  }

  write(batch: readonly Write[]): Promise<void> {
    return this.commits.write(batch);
  }

  approximateSize({ from, before }: Range): Promise<number> {
    return new Promise((resolve, reject) => {
      this.database().approximateSize(asBuffer(from), asBuffer(before), (error, bytes) => {
        if (error !== null && error !== undefined) reject(readError(error));
        else resolve(bytes);
      });
    });
  }

  compact({ from, before }: Range): Promise<void> {
    // leveldown closes the database only when this has ended.
    return new Promise((resolve, reject) => {
      this.database().compactRange(asBuffer(from), asBuffer(before), (error) => {
        if (error) reject(readError(error));
        else resolve();
      });
    });
  }

  async probe(): Promise<void> {
    this.database(); // a closed one has nothing to probe for
    await probeDisk(this.folder);
  }

  async reopen(): Promise<void> {
    await this.closeDatabase('the store is being opened again');
    await this.openDatabase();
    this.commits.accept();
  }

  async close(): Promise<void> {
    await this.closeDatabase('the store is closed');
  }

  private async end(scan: Scan): Promise<void> {
    if (scan.isEnded) return;
    scan.isEnded = true;
    await scan.page.catch(() => undefined); // whoever reads it hears of it
    await new Promise<void>((resolve) => scan.iterator.end(() => resolve()));
    this.scans.delete(scan);
  }

  private database(): LevelDown {
    if (!this.db) throw new RejoinError('unavailable', 'The store is closed');
    return this.db;
  }

  private read(keys: readonly Uint8Array[]): Promise<readonly (Uint8Array | undefined)[]> {
    return new Promise((resolve, reject) => {
      this.database().getMany(keys.map(asBuffer), { asBuffer: true }, (error, values) => {
        if (error !== null && error !== undefined) reject(readError(error));
        else resolve(values.map((value) => (value === undefined ? undefined : asBuffer(value))));
      });
    });
  }

  private commit(batch: readonly Write[]): Promise<void> {
    const operations = this.database().batch();
    for (const { key, value } of batch)
      if (value === null) operations.del(asBuffer(key));
      else operations.put(asBuffer(key), asBuffer(value));
    return new Promise((resolve, reject) => {
      operations.write({ sync: true }, (error) => {
        if (error) reject(error);
        else resolve();
      });
    });
  }

  private async openDatabase(): Promise<void> {
    const db = leveldown(this.folder);
    await new Promise<void>((resolve, reject) => {
      db.open({ createIfMissing: !this.isMade, ...this.options }, (error) => {
        if (error) reject(openError(this.folder, error));
        else resolve();
      });
    });
    this.isMade = true;
    this.db = db;
  }

  private async closeDatabase(reason: string): Promise<void> {
    await this.commits.idle();
    this.commits.refuse(reason);
    const { db } = this;
    this.db = null;
    if (!db) return;
    // leveldown never calls back for an iterator that is in use while its database closes.
    await Promise.all([...this.scans].map((scan) => this.end(scan)));
    await new Promise<void>((resolve, reject) => {
      db.close((error) => {
        if (error) reject(readError(error));
        else resolve();
      });
    });
  }
}

/** A function, because it changes while a page is read. */
function hasEnded({ isEnded }: Scan): boolean {
  return isEnded;
}

interface Scan {
  readonly iterator: LevelDownIterator;
  page: Promise<Entry[]>;
  isEnded: boolean;
}

function nextPage(iterator: LevelDownIterator): Promise<Entry[]> {
  return new Promise((resolve, reject) => {
    const page: Entry[] = [];
    let bytes = 0;
    const step = (): void => {
      iterator.next((error: unknown, key: unknown, value: unknown) => {
        if (error !== null && error !== undefined) {
          reject(readError(error));
          return;
        }
        if (key === undefined) {
          resolve(page);
          return;
        }
        const entry = { key: asBuffer(key), value: asBuffer(value) };
        bytes += entry.key.length + entry.value.length;
        page.push(entry);
        if (page.length >= pageEntriesMax || bytes >= pageBytesMax) resolve(page);
        else step();
      });
    };
    step();
  });
}

/** leveldown takes and gives Buffers; ours may be plain Uint8Arrays over the same memory. */
function asBuffer(bytes: unknown): Buffer {
  if (Buffer.isBuffer(bytes)) return bytes;
  if (bytes instanceof Uint8Array) return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  throw new RejoinError('internal', 'The store expects bytes');
}

function readError(cause: unknown): RejoinError {
  const message = messageOf(cause);
  const code = /corruption/i.test(message) ? 'damaged' : 'unavailable';
  return new RejoinError(code, `The store can't be read: ${message}`, { cause });
}

function openError(folder: string, cause: unknown): RejoinError {
  const message = messageOf(cause);
  if (isLocked(message)) {
    return new RejoinError('data-in-use', `The database ${folder} is in use by another process`, { cause });
  }
  const problem = isDiskProblem(cause) ? diskProblem(cause) : message;
  return new RejoinError('data-unusable', `The database ${folder} can't be opened: ${problem}`, { cause });
}

function isLocked(message: string): boolean {
  return /IO error: lock /.test(message);
}
