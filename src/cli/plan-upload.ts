// Decides what of a report file a server lacks: which rows become entries, and which become edits. The uuids follow from
// the rows, so that whoever uploads the same file again, or goes on after a cut, uploads the same objects.

import { RejoinError } from '../errors.ts';
import type { EntryVersions, Row } from '../model/entry-versions.ts';
import { compare, textOrNull, uuidOf } from '../model/head-order.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { ClipRow, KeyColumn } from './clip-rows.ts';
import type { KnownReport } from './known-report.ts';
import { uuidOfName } from './uuid-of-name.ts';

export interface PlannedEntry {
  /** Where its row is in the file. */
  readonly place: string;
  readonly isEdit: boolean;
  readonly entryUuid: string;
  readonly versionUuid: string;
  /** The fields of an entry that an author decides (WS-14). */
  readonly fields: {
    readonly clip_id: string | null;
    readonly content: Readonly<Record<string, string | null>>;
    readonly modifies: readonly string[] | null;
    readonly reason: string | null;
  };
}

export interface UploadTarget {
  readonly project: string;
  /** The column that identifies rows, if one does. */
  readonly key: KeyColumn | null;
  /** The reason of edits. */
  readonly reason: string;
}

/**
 * @returns the entries that are missing, in the order of the file.
 * @throws RejoinError `conflict` if a key names several rows of the server.
 */
export function planUpload(
  rows: readonly ClipRow[],
  known: KnownReport,
  target: UploadTarget,
): PlannedEntry[] {
  const plan = new Plan(known, target);
  return rows.map((row) => plan.next(row)).filter((planned) => planned !== null);
}

class Plan {
  /** How often a row has come in the file. */
  private readonly ordinals = new Map<string, number>();
  /** The rows of the server by their key; made only where there are keys. */
  private readonly rowsByKey: ReadonlyMap<string, readonly Row[]>;

  constructor(
    private readonly known: KnownReport,
    private readonly target: UploadTarget,
  ) {
    this.rowsByKey = target.key ? groupedBy(target.key, known.rows()) : new Map();
  }

  private get keyName(): string {
    return this.target.key?.name ?? '';
  }

  /** @returns null if there is nothing to do. */
  next(row: ClipRow): PlannedEntry | null {
    const { project } = this.target;
    const { report } = this.known;
    if (row.key !== null) return this.nextByKey(row, row.key);
    const identity = identityOf(row);
    const ordinal = this.ordinals.get(identity) ?? 0;
    this.ordinals.set(identity, ordinal + 1);
    return this.original(row, uuidOfName(['row', project, report, identity, String(ordinal)]));
  }

  private nextByKey(row: ClipRow, key: string): PlannedEntry | null {
    const { project, reason } = this.target;
    const named = uuidOfName(['key', project, this.known.report, this.keyName, key]);
    const entryUuid = this.known.entry(named) ? named : (this.entryOfKey(row, key) ?? named);
    const versions = this.known.entry(entryUuid);
    if (!versions) return this.original(row, entryUuid);
    if (isShown(versions.row, row) || this.isLastUploaded(row, entryUuid)) return null;
    return edit(row, entryUuid, versions, reason);
  }

  private original(row: ClipRow, entryUuid: string): PlannedEntry | null {
    const versionUuid = versionUuidOf(entryUuid, row, []);
    if (this.known.has(entryUuid, versionUuid)) return null;
    const fields = { clip_id: row.clipId, content: row.content, modifies: null, reason: null };
    return { place: row.place, isEdit: false, entryUuid, versionUuid, fields };
  }

  /** The entry that has the key, whoever made it. */
  private entryOfKey({ place }: ClipRow, key: string): string | undefined {
    const [row, ...others] = this.rowsByKey.get(key) ?? [];
    if (!row || others.length === 0) return row?.entry_uuid;
    const what = `${JSON.stringify(key)} in ${JSON.stringify(this.keyName)}`;
    throw new RejoinError(
      'conflict',
      `Nothing was uploaded: the row at ${place} could be any of ${others.length + 1} rows of the server that have ${what}`,
    );
  }

  /** Whether the file has said this already, whatever others made of the row since. */
  private isLastUploaded(row: ClipRow, entryUuid: string): boolean {
    const uploaded = this.known
      .versionsOf(entryUuid)
      .map((version) => ({ said: rowOf(version), version }))
      .filter(
        ({ said, version }) =>
          said !== null && versionUuidOf(entryUuid, said, modifiedBy(version)) === uuidOf(version),
      );
    const last = uploaded.at(-1)?.said;
    return last !== undefined && last !== null && identityOf(last) === identityOf(row);
  }
}

function groupedBy({ name, isClip }: KeyColumn, rows: readonly Row[]): ReadonlyMap<string, readonly Row[]> {
  const groups = new Map<string, Row[]>();
  for (const row of rows) {
    const key = isClip ? row.clip_id : row.content[name];
    if (key === undefined || key === null) continue;
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(row);
  }
  return groups;
}

function edit(row: ClipRow, entryUuid: string, versions: EntryVersions, reason: string): PlannedEntry {
  // It says every field, and becomes the one head: nothing of what it was before shows through.
  const { modifies, content: before } = versions.resolution({});
  const gone = Object.keys(before).map((name) => [name, null] as const);
  const content = { ...Object.fromEntries(gone), ...row.content };
  const versionUuid = versionUuidOf(entryUuid, row, modifies);
  const fields = { clip_id: row.clipId, content, modifies, reason };
  return { place: row.place, isEdit: true, entryUuid, versionUuid, fields };
}

function isShown({ deleted, conflicts, clip_id: clipId, content }: Row, row: ClipRow): boolean {
  return (
    !deleted &&
    conflicts.length === 0 &&
    clipId !== null &&
    identityOf({ clipId, content }) === identityOf(row)
  );
}

type Said = Pick<ClipRow, 'clipId' | 'content'>;

/** The same for the same clip and fields, in whatever order. */
function identityOf({ clipId, content }: Said): string {
  return JSON.stringify([clipId, ...Object.entries(content).sort(([a], [b]) => compare(a, b))]);
}

function versionUuidOf(entryUuid: string, row: Said, modifies: readonly string[]): string {
  return uuidOfName(['version', entryUuid, identityOf(row), ...modifies.toSorted(compare)]);
}

/** What a version says, if it says a whole row, as those that were uploaded from files do. */
function rowOf(version: JsonObject): Said | null {
  const clipId = textOrNull(version, 'clip_id');
  const { content } = version;
  if (clipId === null || !isJsonObject(content)) return null;
  const fields = Object.entries(content).filter((field): field is [string, string] => isText(field[1]));
  return { clipId, content: Object.fromEntries(fields) };
}

function modifiedBy({ modifies }: JsonObject): readonly string[] {
  return isJsonArray(modifies) ? modifies.filter(isText) : [];
}

function isText(value: Json): value is string {
  return typeof value === 'string';
}
