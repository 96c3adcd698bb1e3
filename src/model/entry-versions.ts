// All versions of one entry of a report, and the row that they make. The versions are a graph: an edit names those that
// it modifies, and a version that no other names is a head. More than one head is a conflict.

import { compareVersions, textOf, textOrNull, uuidOf } from './head-order.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from './json.ts';

/** The current row of an entry: its latest head, and the other heads. Names are those of `/ws`. */
export interface Row extends RowVersion {
  readonly report_uuid: string;
  readonly entry_uuid: string;
  /** Every other head, the latest first: who wrote what, when and why. Empty if all agree. */
  readonly conflicts: readonly RowVersion[];
}

/** What the row is at one version. */
export interface RowVersion {
  readonly version_uuid: string;
  /** Null while the original entry isn't known here. */
  readonly clip_id: string | null;
  readonly content: Readonly<Record<string, string>>;
  /** Whether this version deletes the row. `clip_id` and `content` are what it was before. */
  readonly deleted: boolean;
  /** Who wrote the version; null until a server has said it. */
  readonly user_id: string | null;
  readonly user_uuid: string | null;
  /** What its author goes by, as the author's client said: nobody has checked it. */
  readonly author: string | null;
  /** Null for an original entry. */
  readonly reason: string | null;
  readonly authortime: string;
}

/** What an edit says: null deletes a field, a field that isn't named stays. */
export interface RowFields {
  readonly clip_id?: string | undefined;
  readonly content?: Readonly<Record<string, string | null>> | undefined;
}

/** Fewer are looked through one by one: most entries have a version or two, and there may be a million entries. */
const mapFrom = 8;

export class EntryVersions {
  private readonly versions: JsonObject[] = [];
  private byUuid: Map<string, JsonObject> | null = null;
  private shown: Row | null = null;

  constructor(
    private readonly report: string,
    private readonly entry: string,
  ) {}

  get isEmpty(): boolean {
    return this.versions.length === 0;
  }

  /** The version of this uuid, as it was put. */
  get(versionUuid: string): JsonObject | undefined {
    return this.byUuid
      ? this.byUuid.get(versionUuid)
      : this.versions.find((version) => uuidOf(version) === versionUuid);
  }

  /** Adds a version, or puts it in the place of the one with its uuid. */
  put(version: JsonObject): void {
    const uuid = uuidOf(version);
    const known = this.get(uuid);
    if (known) this.versions[this.versions.indexOf(known)] = version;
    else this.versions.push(version);
    if (this.byUuid) this.byUuid.set(uuid, version);
    else if (this.versions.length >= mapFrom)
      this.byUuid = new Map(this.versions.map((each) => [uuidOf(each), each]));
    this.shown = null;
  }

  remove(versionUuid: string): void {
    const known = this.get(versionUuid);
    if (!known) return;
    this.versions.splice(this.versions.indexOf(known), 1);
    this.byUuid?.delete(versionUuid);
    this.shown = null;
  }

  /** The row; only for an entry that has a version. */
  get row(): Row {
    return (this.shown ??= this.makeRow());
  }

  /** The version uuids of all heads, the latest first. */
  get heads(): readonly string[] {
    return this.headVersions().map(uuidOf);
  }

  /** The earliest time that any version was authored: rows are shown in this order. */
  get firstAuthored(): string {
    return this.versions
      .map((version) => textOf(version, 'authortime'))
      .reduce((least, time) => (time < least ? time : least));
  }

  /**
   * An edit that makes one head of all: it says every field, so that nothing depends on which head it is read upon.
   * @param fields what is decided; the rest stays as the row shows it.
   */
  resolution({ clip_id: clipId, content = {} }: RowFields): {
    readonly modifies: readonly string[];
    readonly clip_id: string | null;
    readonly content: Readonly<Record<string, string | null>>;
  } {
    const { row } = this;
    const names = [row, ...row.conflicts].flatMap((version) => Object.keys(version.content));
    const shown = new Map(Object.entries(row.content));
    const said = Object.fromEntries(names.map((name) => [name, shown.get(name) ?? null]));
    return { modifies: this.heads, clip_id: clipId ?? row.clip_id, content: { ...said, ...content } };
  }

  private makeRow(): Row {
    const [latest, ...others] = this.headVersions().map((head) => this.at(head));
    if (!latest) throw new RangeError('an entry without versions has no row');
    return { report_uuid: this.report, entry_uuid: this.entry, ...latest, conflicts: others };
  }

  /** The latest first. Where versions modify each other in a circle none is a head by itself: then the latest of all is. */
  private headVersions(): readonly JsonObject[] {
    const modified = new Set(this.versions.flatMap(modifiedBy));
    const heads = this.versions.filter((version) => !modified.has(uuidOf(version)));
    const sorted = (heads.length > 0 ? heads : this.versions).toSorted(compareVersions).reverse();
    return heads.length > 0 ? sorted : sorted.slice(0, 1);
  }

  /** An edit builds on the latest that is known of the versions that it modifies. */
  private at(head: JsonObject): RowVersion {
    const way = [head];
    const visited = new Set(way);
    for (let base = this.baseOf(head); base && !visited.has(base); base = this.baseOf(base)) {
      way.push(base);
      visited.add(base);
    }
    let clipId: string | null = null;
    const content = new Map<string, string>();
    for (const version of way.reverse()) {
      clipId = textOrNull(version, 'clip_id') ?? clipId;
      for (const [name, value] of Object.entries(contentOf(version))) {
        if (typeof value === 'string') content.set(name, value);
        else content.delete(name);
      }
    }
    return {
      version_uuid: uuidOf(head),
      clip_id: clipId,
      content: Object.fromEntries(content),
      deleted: isDeletion(head),
      user_id: textOrNull(head, 'user_id'),
      user_uuid: textOrNull(head, 'user_uuid'),
      author: textOrNull(head, 'author'),
      reason: textOrNull(head, 'reason'),
      authortime: textOf(head, 'authortime'),
    };
  }

  private baseOf(version: JsonObject): JsonObject | undefined {
    const bases = modifiedBy(version).map((uuid) => this.get(uuid));
    return bases
      .filter((base) => base !== undefined)
      .sort(compareVersions)
      .at(-1);
  }
}

function modifiedBy({ modifies }: JsonObject): readonly string[] {
  return isJsonArray(modifies) ? modifies.filter((uuid) => typeof uuid === 'string') : [];
}

function contentOf({ content }: JsonObject): Readonly<Record<string, Json>> {
  return isJsonObject(content) ? content : {};
}

/** WS-14: an edit without anything deletes the row. */
function isDeletion(version: JsonObject): boolean {
  const { modifies = null, clip_id: clipId = null, content = null } = version;
  return modifies !== null && clipId === null && content === null;
}
