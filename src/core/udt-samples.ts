// The samples of a session as UDT's v2 clients know them: each by an `_id`, with whether it is annotated and how often it
// was changed (UDT-14 to UDT-17). The document owns one and tells it of every change.

import * as Y from 'yjs';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { identityHunks, type Hunk } from './array-hunks.ts';
import type { RollingHash, Piece } from './rolling-hash.ts';
import { samplesKey } from './roots.ts';
import { derivedId, isDerivedId, ownIdOf, parseDerivedId, type ItemId } from './sample-ids.ts';
import { derivedIdsIn, isInArray, itemOf, typeOfItem } from './sample-items.ts';
import { SummaryHash } from './summary-hash.ts';
import { SummaryPatch, type SampleSummary } from './summary-patch.ts';
import type { UdtChange } from './udt-change.ts';
import type { JsonView } from './y-view.ts';

/** How often the sample that is a Yjs item was changed. */
export interface SampleChanges {
  readonly item: ItemId;
  /** 0 if the sample is gone. */
  readonly count: number;
}

export class UdtSamples {
  /** Usable `_id`s of the file, and the element of the array in Yjs that has each. */
  private readonly owners = new Map<string, unknown>();
  private hasDuplicates = false;
  /** Client → clock → how often the sample that is this item was changed; absent for 0. */
  private readonly changes = new Map<number, Map<number, number>>();
  private elements: readonly unknown[];
  private plainIds: readonly string[] | null = null;
  private readonly sum = new SummaryHash((text, index) => this.write(text, index));
  private pending = new SummaryPatch();
  private changed = new Map<string, SampleChanges>();

  private constructor(private readonly view: JsonView) {
    this.elements = view.elementsOf(samplesKey);
  }

  /**
   * @param stored what was kept of changes (see `take`).
   * @param breathe lets other work go on. The document must not change meanwhile.
   */
  static async load(
    view: JsonView,
    stored: Iterable<SampleChanges>,
    breathe: () => Promise<void>,
  ): Promise<UdtSamples> {
    const samples = new UdtSamples(view);
    for (const { item, count } of stored) samples.count(item, count);
    for (let index = 0; index < samples.length; index++) {
      samples.own(index);
      if (index % samplesPerPart === samplesPerPart - 1) await breathe();
    }
    await samples.sum.load(samples.length, breathe);
    return samples;
  }

  get length(): number {
    return this.list.length;
  }

  summaryOf(index: number): SampleSummary {
    return {
      hasAnnotation: isAnnotated(this.list[index]),
      version: this.changesOf(this.elements[index]),
      _id: this.idOf(index),
    };
  }

  summary(): SampleSummary[] {
    return this.list.map((_, index) => this.summaryOf(index));
  }

  /** As `summary`, in parts. The document must not change meanwhile. @param breathe lets other work go on. */
  async summaryInParts(breathe: () => Promise<void>): Promise<SampleSummary[]> {
    const summary: SampleSummary[] = [];
    for (let index = 0; index < this.length; index++) {
      summary.push(this.summaryOf(index));
      if (index % samplesPerPart === samplesPerPart - 1) await breathe();
    }
    return summary;
  }

  /** The `_id` of the sample at an index that there is (UDT-15). */
  idOf(index: number): string {
    const own = ownIdOf(this.list[index]);
    const element = this.elements[index];
    return own !== undefined && this.owners.get(own) === element ? own : this.derivedIdOf(element, index);
  }

  /** Where the sample with this `_id` is; -1 if there is none. */
  indexOf(id: string): number {
    if (this.owners.has(id)) return this.view.indexOf(samplesKey, this.owners.get(id));
    if (!isDerivedId(id)) return -1;
    const item = parseDerivedId(id);
    const { doc } = this.view;
    const type = doc && item && typeOfItem(doc, item);
    if (type) return this.view.indexOf(samplesKey, type);
    return this.elements.every((element) => element instanceof Y.AbstractType)
      ? -1
      : this.idsOfPlain().indexOf(id);
  }

  /** The text of the list of summaries, as the hash of the summary document needs it. */
  get piece(): Piece {
    return this.sum.piece;
  }

  /** Follows a change of the view. @param edits of it; none if the JSON is the same. */
  follow({ places, edits }: UdtChange): void {
    const hadDuplicates = this.hasDuplicates;
    const isOther = this.elements !== this.view.elementsOf(samplesKey);
    const listBefore = samplesBefore(places);
    const hunks = isOther ? this.followList(listBefore ?? []) : [];
    if (edits.length === 0 && hunks.length === 0) return;
    const touched = edits.length > 0 ? this.view.changedIn(samplesKey) : [];
    for (const index of touched) this.countChange(index);
    this.sum.replaced(touched);
    const renamed = listBefore
      ? touched.filter((index) => this.isRenamed(index, listBefore[indexBefore(index, hunks)]))
      : places.filter(isRenaming).map(({ path }) => Number(path[1]));
    if (renamed.length > 0) this.ownAll();
    this.pending.add({ edits, hunks, touched, renamed, length: this.length });
    if ((this.hasDuplicates || hadDuplicates) && (isOther || renamed.length > 0)) this.pending.replaceList(); // any sample may have another `_id`
  }

  /** Whether v2 clients lack something: also samples that became other Yjs items and read as before. */
  get hasNews(): boolean {
    return !this.pending.isEmpty;
  }

  /**
   * What v2 clients lack since the last time, and what is to be kept of it.
   * @param view after the change.
   * @returns patch: null if it is too large to be kept, or says more than their library can do.
   */
  take(view: JsonObject): { patch: readonly Operation[] | null; changes: readonly SampleChanges[] } {
    const patch = this.pending.write(view, this);
    const changes = [...this.changed.values()];
    this.pending = new SummaryPatch();
    this.changed = new Map();
    return { patch, changes };
  }

  private get list(): readonly Json[] {
    const samples = this.view.read()[samplesKey];
    return isJsonArray(samples) ? samples : [];
  }

  // ---- ids

  /** The first sample with an `_id` has it; any other of the same is known by a derived one. */
  private own(index: number): void {
    const own = ownIdOf(this.list[index]);
    if (own === undefined) return;
    if (this.owners.has(own)) this.hasDuplicates = true;
    else this.owners.set(own, this.elements[index]);
  }

  private isRenamed(index: number, before: Json | undefined): boolean {
    return ownIdOf(before) !== ownIdOf(this.list[index]);
  }

  private ownAll(): void {
    this.owners.clear();
    this.hasDuplicates = false;
    for (let index = 0; index < this.length; index++) this.own(index);
    this.sum.spliced(0, this.sum.length, this.length);
  }

  private derivedIdOf(element: unknown, index: number): string {
    const item = itemOf(element);
    return item ? derivedId(item) : (this.idsOfPlain()[index] ?? '');
  }

  /** Plain values have no item of their own at hand: all are looked through. */
  private idsOfPlain(): readonly string[] {
    return (this.plainIds ??= derivedIdsIn(this.view.root));
  }

  /**
   * The array holds other elements, or is another array.
   * @param listBefore what they read as.
   * @returns which of them stand for which.
   */
  private followList(listBefore: readonly Json[]): Hunk[] {
    const before = this.elements;
    const now = this.view.elementsOf(samplesKey);
    this.elements = now;
    this.plainIds = null;
    const hunks = hunksBetween(before, now);
    for (const { before: from, removed } of hunks) {
      for (let index = from; index < from + removed; index++)
        this.forget(before[index], ownIdOf(listBefore[index]));
    }
    for (const { after: from, removed, inserted } of hunks) {
      for (let index = from; index < from + inserted && !this.hasDuplicates; index++) this.own(index);
      this.sum.spliced(from, removed, inserted);
    }
    if (this.hasDuplicates) this.ownAll();
    return hunks;
  }

  // ---- changes

  private changesOf(element: unknown): number {
    const item = itemOf(element);
    return item ? (this.changes.get(item.client)?.get(item.clock) ?? 0) : 0;
  }

  private countChange(index: number): void {
    const item = itemOf(this.elements[index]);
    if (item) this.keep(item, this.changesOf(this.elements[index]) + 1);
  }

  /** An element left its place. One that is still there, in another, comes back with the new ones. */
  private forget(element: unknown, own: string | undefined): void {
    if (own !== undefined && this.owners.get(own) === element) this.owners.delete(own);
    const item = itemOf(element);
    if (item && this.changesOf(element) > 0 && !isInArray(element)) this.keep(item, 0);
  }

  private keep(item: ItemId, count: number): void {
    this.count(item, count);
    this.changed.set(derivedId(item), { item, count });
  }

  private count({ client, clock }: ItemId, count: number): void {
    const ofClient = this.changes.get(client);
    if (count === 0) ofClient?.delete(clock);
    else if (ofClient) ofClient.set(clock, count);
    else this.changes.set(client, new Map([[clock, count]]));
  }

  /** As json-stable-stringify would. */
  private write(text: RollingHash, index: number): void {
    if (index >= this.length) return; // its block is written again when what follows was taken out, too
    const { _id, hasAnnotation, version } = this.summaryOf(index);
    text.write('{"_id":');
    text.writeString(_id);
    text.write(`,"hasAnnotation":${hasAnnotation},"version":${version}}`);
  }
}

const samplesPerPart = 5_000;

/** Strings and numbers have no identity: one of equals may be gone, and nobody knows which. */
function hunksBetween(before: readonly unknown[], now: readonly unknown[]): Hunk[] {
  if (before.every(isObject) && now.every(isObject)) return identityHunks(before, now);
  return [{ before: 0, removed: before.length, after: 0, inserted: now.length }];
}

function isObject(element: unknown): boolean {
  return typeof element === 'object' && element !== null;
}

/** The list before a change that went further than into its samples; undefined if it went no further. */
function samplesBefore(places: UdtChange['places']): readonly Json[] | undefined {
  for (const { path, before } of places) {
    if (path.length > 1 || (path[0] ?? samplesKey) !== samplesKey) continue;
    const list = path.length === 0 && isJsonObject(before) ? before[samplesKey] : before;
    return isJsonArray(list) ? list : [];
  }
  return undefined;
}

/** Where a sample was that is still there. */
function indexBefore(index: number, hunks: readonly Hunk[]): number {
  const last = hunks.findLast(({ after }) => after <= index);
  return last ? index - (last.after + last.inserted) + last.before + last.removed : index;
}

/** Whether a sample got another `_id` here, or none. */
function isRenaming({ path, before, after }: UdtChange['places'][number]): boolean {
  if (path[0] !== samplesKey) return false;
  if (path.length === 2) return ownIdOf(before) !== ownIdOf(after);
  return path.length === 3 && path[2] === '_id' && ownIdOf({ _id: before }) !== ownIdOf({ _id: after });
}

/** UDT-16. */
function isAnnotated(sample: Json | undefined): boolean {
  return isJsonObject(sample) && Object.hasOwn(sample, 'annotation') && sample['annotation'] !== null;
}
