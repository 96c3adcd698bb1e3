// What a server has of a report: the versions of its entries, and the rows that they make. `rejoin upload` compares a file
// with it.

import { compareVersions, textOf, uuidOf } from '../model/head-order.ts';
import type { EntryVersions, Row } from '../model/entry-versions.ts';
import type { JsonObject } from '../model/json.ts';
import { ProjectView } from '../model/project-view.ts';

export class KnownReport {
  private readonly view = new ProjectView();
  private readonly versions = new Map<string, JsonObject[]>();

  constructor(readonly report: string) {}

  /** Takes a stored entry, of this report or another. */
  add(value: JsonObject): void {
    if (textOf(value, 'report_uuid') !== this.report || !this.view.add('entry', value)) return;
    const entry = textOf(value, 'entry_uuid');
    const versions = this.versions.get(entry) ?? [];
    this.versions.set(entry, versions);
    versions.push(value);
  }

  entry(entry: string): EntryVersions | undefined {
    return this.view.entry(this.report, entry);
  }

  /** All versions of an entry, the latest authored last. */
  versionsOf(entry: string): JsonObject[] {
    return (this.versions.get(entry) ?? []).toSorted(compareVersions);
  }

  has(entry: string, version: string): boolean {
    return (this.versions.get(entry) ?? []).some((known) => uuidOf(known) === version);
  }

  /** The rows that aren't deleted. */
  rows(): Row[] {
    return this.view.rows(this.report).filter(({ deleted }) => !deleted);
  }
}
