// A store on a simulated disk: batches wait for the sync, in order and atomically, and a crash loses those that were not
// synced. A disk that fails refuses a sync, and what was being synced is on it or not. Servers of the simulation run on it; the
// checker is told of all that becomes durable.

import { RejoinError } from '../../src/errors.ts';
import type { Entry, Range, Store, Write } from '../../src/store/store.ts';
import type { Chance } from '../campaigns/kill9/chance.ts';
import type { SimClock } from './sim-clock.ts';

const latencyMsMax = 6;
/** A disk that is slow is that many times slower. */
const slowness = 40;

/** Reading is interrupted between two pages. */
const pageEntries = 12;

/** Keys in their order, with what is under them. */
export class SimDisk {
  private names: string[] = [];
  private entries = new Map<string, Entry>();
  isSlow = false;
  /** It takes no writes at present. */
  isFailing = false;

  /** @param onSynced is told of each batch that becomes durable. */
  constructor(readonly onSynced: (batch: readonly Write[]) => void) {}

  /** All that is on the disk, as a backup would have it. */
  copy(): DiskCopy {
    return { names: [...this.names], entries: new Map(this.entries) };
  }

  restore({ names, entries }: DiskCopy): void {
    this.names = [...names];
    this.entries = new Map(entries);
  }

  get(key: Uint8Array): Uint8Array | undefined {
    return this.entries.get(nameOf(key))?.value;
  }

  range({ from, before, reverse = false, limit = Infinity }: Range): Entry[] {
    const [least, end] = [this.lowerBound(nameOf(from)), this.lowerBound(nameOf(before))];
    const count = Math.max(0, Math.min(limit, end - least));
    const found: Entry[] = [];
    for (let i = 0; i < count; i++)
      found.push(this.entries.get(this.names[reverse ? end - 1 - i : least + i]!)!);
    return found;
  }

  apply(batch: readonly Write[]): void {
    for (const { key, value } of batch) {
      const name = nameOf(key);
      const isThere = this.entries.has(name);
      if (value !== null) this.entries.set(name, { key, value });
      else this.entries.delete(name);
      if (isThere && value === null) this.names.splice(this.lowerBound(name), 1);
      else if (!isThere && value !== null) this.names.splice(this.lowerBound(name), 0, name);
    }
    this.onSynced(batch);
  }

  private lowerBound(name: string): number {
    let low = 0;
    let high = this.names.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.names[middle]! < name) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

export interface DiskCopy {
  readonly names: readonly string[];
  readonly entries: ReadonlyMap<string, Entry>;
}

/** One byte is one unit: such strings are in the order of the bytes. */
function nameOf(key: Uint8Array): string {
  return Buffer.from(key.buffer, key.byteOffset, key.length).toString('latin1');
}

interface Waiting {
  readonly batch: readonly Write[];
  readonly resolve: () => void;
  readonly reject: (error: RejoinError) => void;
}

/** The store as one run of a server has it: after a crash its promises stay open for ever, as nobody is there to hear. */
export class SimStore implements Store {
  private waiting: Waiting[] = [];
  private syncing: Waiting[] = [];
  /** What is on the disk of a sync that failed: nobody sees it before the store is opened anew. */
  private hidden: (readonly Write[])[] = [];
  /** Every write is refused with it until `reopen`. */
  private refusal: RejoinError | null = null;
  private isDead = false;
  /** How often it was opened anew: who was reading then is interrupted. */
  private reopened = 0;
  /** Whether a sync has failed, ever. */
  hasFailed = false;

  constructor(
    private readonly disk: SimDisk,
    private readonly clock: SimClock,
    private readonly chance: Chance,
  ) {}

  /** Whether something isn't durable yet. */
  get isBusy(): boolean {
    return this.syncing.length + this.waiting.length > 0;
  }

  /** The process dies: of what was being synced the first batches may be on the disk. */
  crash(): void {
    this.isDead = true;
    this.showHidden();
    const kept = this.chance.integer(0, this.syncing.length);
    for (const { batch } of this.syncing.slice(0, kept)) this.disk.apply(batch);
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.read(() => this.disk.get(key));
  }

  scan(range: Range): AsyncGenerator<readonly Entry[]> {
    return this.pagesOf(this.read(() => this.disk.range(range)));
  }

  write(batch: readonly Write[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.isDead) return;
      if (this.refusal) {
        reject(this.refusal);
        return;
      }
      this.waiting.push({ batch, resolve, reject });
      if (this.syncing.length === 0) this.sync();
    });
  }

  approximateSize(range: Range): Promise<number> {
    const sizes = this.disk.range(range).map(({ key, value }) => key.length + value.length);
    return Promise.resolve(sizes.reduce((sum, size) => sum + size, 0));
  }

  compact(): Promise<void> {
    return Promise.resolve();
  }

  probe(): Promise<void> {
    return this.read(() => this.checkDisk());
  }

  reopen(): Promise<void> {
    return this.read(() => {
      this.checkDisk();
      this.showHidden();
      this.refusal = null;
      this.reopened++;
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** All that waits shares one sync; what comes meanwhile shares the next. */
  private sync(): void {
    this.syncing = this.waiting;
    this.waiting = [];
    if (this.syncing.length === 0) return;
    const latencyMs = this.chance.integer(1, latencyMsMax) * (this.disk.isSlow ? slowness : 1);
    this.clock.after(latencyMs, () => {
      if (this.isDead) return;
      if (this.disk.isFailing) {
        this.fail();
        return;
      }
      const synced = this.syncing;
      for (const { batch } of synced) this.disk.apply(batch);
      this.sync();
      for (const { resolve } of synced) resolve();
    });
  }

  /** As CommitQueue does it: what was being synced is on the disk or not, of what waited behind it nothing was written. */
  private fail(): void {
    this.hasFailed = true;
    const cause = new Error('the disk fails');
    const unknown = new RejoinError('outcome-unknown', 'The outcome is unknown: the store failed', { cause });
    this.refusal = new RejoinError('unavailable', 'Nothing was written: the store failed', { cause });
    const [failed, refused] = [this.syncing, this.waiting];
    [this.syncing, this.waiting] = [[], []];
    if (this.chance.oneIn(2)) this.hidden = failed.map(({ batch }) => batch);
    for (const { reject } of failed) reject(unknown);
    for (const { reject } of refused) reject(this.refusal);
  }

  private async *pagesOf(read: Promise<readonly Entry[]>): AsyncGenerator<readonly Entry[]> {
    const { reopened } = this;
    const entries = await read;
    for (let i = 0; i < entries.length; i += pageEntries) {
      if (this.reopened !== reopened)
        throw new RejoinError('unavailable', 'The store was opened anew while it was being read');
      yield entries.slice(i, i + pageEntries);
    }
  }

  private showHidden(): void {
    for (const batch of this.hidden.splice(0)) this.disk.apply(batch);
  }

  private checkDisk(): void {
    if (this.disk.isFailing) throw new Error('the disk fails');
  }

  /** Most reads are quick; now and then one takes its time, and others overtake it. What it says is of the moment of the call. */
  private read<T>(read: () => T): Promise<T> {
    if (this.isDead) return new Promise(() => undefined);
    let value: T;
    try {
      value = read();
    } catch (error) {
      return Promise.reject(error instanceof Error ? error : new Error(String(error)));
    }
    if (!this.chance.oneIn(30)) return Promise.resolve(value);
    return new Promise((resolve) => {
      this.clock.after(this.chance.integer(1, latencyMsMax), () => {
        if (!this.isDead) resolve(value);
      });
    });
  }
}
