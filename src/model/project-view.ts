// What the objects of a project say together: the current rows of its reports with their conflicts, its threads and
// comments. Pure: the REST API makes one of what a version vector covers, the client library keeps one current.

import { commentOf, LatestVersions, threadOf, type Comment, type Thread } from './discussion.ts';
import { EntryVersions, type Row } from './entry-versions.ts';
import { compare, textOf, uuidOf } from './head-order.ts';
import type { JsonObject } from './json.ts';
import type { ObjectKind } from './objects.ts';

/** What an object is a version of. */
export type Touched =
  | { readonly kind: 'entry'; readonly report: string; readonly entry: string }
  | { readonly kind: 'thread'; readonly thread: string }
  | { readonly kind: 'comment'; readonly thread: string; readonly comment: string };

export interface ShownDeleted {
  /** Also rows and comments that were deleted (default: those in conflict alone). */
  readonly deleted?: boolean | undefined;
}

export class ProjectView {
  /** report → entry → its versions. An edit belongs to the report that it names. */
  private readonly entries = new Map<string, Map<string, EntryVersions>>();
  private readonly threadVersions = new LatestVersions('thread_uuid');
  private readonly commentVersions = new LatestVersions('comment_uuid');

  /**
   * Takes an object, in any order: a version may come before those that it modifies.
   * @param value a stored object, with the field names of `/ws`. It must not change any more.
   * @returns what it is a version of; null if the version was known: the first counts.
   */
  add(kind: ObjectKind, value: JsonObject): Touched | null {
    return this.find(kind, value) ? null : this.put(kind, value);
  }

  /** Takes an object, also in the place of one with its version uuid. */
  put(kind: ObjectKind, value: JsonObject): Touched {
    if (kind === 'entry') this.versionsOf(value).put(value);
    else this.latestOf(kind).put(value);
    return touchedBy(kind, value);
  }

  /** Takes an object out again. */
  remove(kind: ObjectKind, value: JsonObject): Touched {
    if (kind === 'entry') this.removeEntry(value);
    else this.latestOf(kind).remove(value);
    return touchedBy(kind, value);
  }

  // ---- reports

  /** The reports that have entries, also deleted ones. Sorted. */
  reports(): string[] {
    return [...this.entries.keys()].sort(compare);
  }

  /** The rows of a report, or of all reports, in the order in which they were first authored. */
  rows(report?: string, { deleted = false }: ShownDeleted = {}): Row[] {
    const reports = report === undefined ? this.reports() : [report];
    return reports.flatMap((name) =>
      [...(this.entries.get(name)?.entries() ?? [])]
        .map(([entry, versions]) => ({ entry, versions, first: versions.firstAuthored }))
        .sort((a, b) => compare(a.first, b.first) || compare(a.entry, b.entry))
        .map(({ versions }) => versions.row)
        .filter((row) => deleted || !row.deleted || row.conflicts.length > 0),
    );
  }

  /** The row of an entry, also of a deleted one. */
  row(report: string, entry: string): Row | undefined {
    return this.entries.get(report)?.get(entry)?.row;
  }

  /** All that is known of an entry. */
  entry(report: string, entry: string): EntryVersions | undefined {
    return this.entries.get(report)?.get(entry);
  }

  // ---- threads and comments

  /** In the order in which they were first authored. */
  threads(): Thread[] {
    return this.threadVersions.all().map(threadOf);
  }

  thread(uuid: string): Thread | undefined {
    const latest = this.threadVersions.latest(uuid);
    return latest && threadOf(latest);
  }

  /** The comments of a thread, or of all, in the order in which they were first authored. */
  comments(thread?: string, { deleted = false }: ShownDeleted = {}): Comment[] {
    return this.commentVersions
      .all()
      .filter((latest) => thread === undefined || textOf(latest, 'thread_uuid') === thread)
      .map(commentOf)
      .filter((comment) => deleted || !comment.deleted);
  }

  comment(uuid: string): Comment | undefined {
    const latest = this.commentVersions.latest(uuid);
    return latest && commentOf(latest);
  }

  private find(kind: ObjectKind, value: JsonObject): JsonObject | undefined {
    if (kind !== 'entry') return this.latestOf(kind).find(value);
    return this.entry(textOf(value, 'report_uuid'), textOf(value, 'entry_uuid'))?.get(uuidOf(value));
  }

  private versionsOf(value: JsonObject): EntryVersions {
    const report = textOf(value, 'report_uuid');
    const entry = textOf(value, 'entry_uuid');
    const entries = this.entries.get(report) ?? new Map<string, EntryVersions>();
    this.entries.set(report, entries);
    const versions = entries.get(entry) ?? new EntryVersions(report, entry);
    entries.set(entry, versions);
    return versions;
  }

  private removeEntry(value: JsonObject): void {
    const report = textOf(value, 'report_uuid');
    const entry = textOf(value, 'entry_uuid');
    const entries = this.entries.get(report);
    const versions = entries?.get(entry);
    versions?.remove(uuidOf(value));
    if (versions?.isEmpty === true) entries?.delete(entry);
    if (entries?.size === 0) this.entries.delete(report);
  }

  private latestOf(kind: 'thread' | 'comment'): LatestVersions {
    return kind === 'thread' ? this.threadVersions : this.commentVersions;
  }
}

function touchedBy(kind: ObjectKind, value: JsonObject): Touched {
  switch (kind) {
    case 'entry':
      return { kind, report: textOf(value, 'report_uuid'), entry: textOf(value, 'entry_uuid') };
    case 'thread':
      return { kind, thread: textOf(value, 'thread_uuid') };
    case 'comment':
      return { kind, thread: textOf(value, 'thread_uuid'), comment: textOf(value, 'comment_uuid') };
  }
}
