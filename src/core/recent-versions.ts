// The last versions of a project's `udt` part, kept in memory because polls ask for the last few.

import type { VersionRecord } from './version-record.ts';

const versionsMax = 512;
const bytesMax = 4 * 1024 * 1024;

export class RecentVersions {
  private readonly kept: { readonly record: VersionRecord; readonly bytes: number }[] = [];
  private bytes = 0;

  /** @param bytes that it takes, about: as many as it has in the store. */
  push(record: VersionRecord, bytes: number): void {
    this.kept.push({ record, bytes });
    this.bytes += bytes;
    // Halved at a time, so that dropping the oldest costs little per version. One that is too large alone isn't kept.
    while (this.kept.length > versionsMax || this.bytes > bytesMax) {
      const dropped = this.kept.splice(0, Math.ceil(this.kept.length / 2));
      this.bytes -= dropped.reduce((sum, { bytes }) => sum + bytes, 0);
    }
  }

  /** The version of the change at a position of the log, if it is here. */
  at(position: number): VersionRecord | undefined {
    return this.kept.findLast(({ record }) => record.position === position)?.record;
  }

  /** The versions of (since, upTo], or null unless all of them are here. */
  between(since: number, upTo: number): readonly VersionRecord[] | null {
    const first = this.kept[0]?.record;
    if (!first || first.version > since + 1) return null;
    return this.kept.map(({ record }) => record).filter(({ version }) => version > since && version <= upTo);
  }
}
