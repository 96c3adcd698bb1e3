// The versions of a project's `udt` part that were made so far: the last of them in memory, the rest in their records beside the
// log. Polls are answered from here, without the document. UdtVersions adds to them and asks for them.

import type { ProjectKeys } from '../store/keys.ts';
import { readLastNumber } from '../store/read-key.ts';
import type { Store } from '../store/store.ts';
import { RecentVersions } from './recent-versions.ts';
import { readOrTell, type VersionRecord } from './version-record.ts';

/** A version is epoch · 2³² + n (UDT-3). */
export const epochSize = 2 ** 32;
/** More patches than this are answered with the whole state. */
const answerBytesMax = 16 * 1024 * 1024;

export class VersionHistory {
  private recent = new RecentVersions();

  constructor(
    private readonly store: Store,
    private readonly keys: ProjectKeys,
    private readonly onDamage: (detail: string) => void,
  ) {}

  /** @param bytes of its record as it is stored. */
  add(record: VersionRecord, bytes: number): void {
    this.recent.push(record, bytes);
  }

  /** What is in memory may not be on disk. */
  forgetRecent(): void {
    this.recent = new RecentVersions();
  }

  /** The version that the change at a position of the log made, if it is still in memory. */
  recentAt(position: number): VersionRecord | undefined {
    return this.recent.at(position);
  }

  /** The records of (since, upTo], durable or not; null if one is missing, or of another epoch than `upTo`. */
  async between(since: number, upTo: number): Promise<readonly VersionRecord[] | null> {
    const recent = this.recent.between(since, upTo);
    if (recent) return recent;
    const found: VersionRecord[] = [];
    let bytes = 0;
    const range = this.keys.versions((since % epochSize) + 1, upTo % epochSize);
    for await (const page of this.store.scan(range)) {
      for (const { key, value } of page) {
        bytes += value.length;
        if (bytes > answerBytesMax) return null; // the whole state says the same with less
        const record = readOrTell({ key, value }, this.onDamage);
        if (!record) return null;
        found.push(record);
      }
    }
    const complete = found.every(({ version }, index) => version === since + 1 + index);
    return complete && found.length === upTo - since ? found : null;
  }

  /**
   * The versions accepted after a moment, up to one; null if some of them are not kept any more (UDT-13).
   * @param upTo the newest durable one.
   */
  async afterTime(sinceMs: number, upTo: number): Promise<readonly VersionRecord[] | null> {
    let first = upTo;
    let isOldestFound = first % epochSize === 0;
    const range = { ...this.keys.allVersions(), reverse: true };
    search: for await (const page of this.store.scan(range)) {
      for (const { key, value } of page) {
        if (readLastNumber(key) === 0) {
          isOldestFound = true; // how the session began
          break search;
        }
        const record = readOrTell({ key, value }, this.onDamage);
        if (!record) return null;
        isOldestFound = record.timeMs <= sinceMs || record.version === 1;
        if (record.timeMs <= sinceMs) break search;
        if (epochOf(record.version) !== epochOf(upTo)) return null;
        if (record.version > upTo) continue; // not durable yet
        first = record.version - 1;
      }
    }
    return isOldestFound ? this.between(first, upTo) : null;
  }
}

function epochOf(version: number): number {
  return Math.floor(version / epochSize);
}
