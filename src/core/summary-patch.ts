// What v2 clients are told of a change (UDT-17): `replace` of the top-level keys that changed, and what became of the list of
// summaries. All of it is idempotent, but for samples that are appended or removed.

import { escapeKey, type Json, type JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import type { Edit } from './edits.ts';
import { samplesKey } from './roots.ts';

/** What a v2 client's summary says of a sample. */
export interface SampleSummary {
  readonly hasAnnotation: boolean;
  /** In how many of this server's versions it was changed. */
  readonly version: number;
  readonly _id: string;
}

/** The list of summaries, as it is after a change. */
export interface SummaryList {
  readonly length: number;
  summaryOf(index: number): SampleSummary;
  summary(): SampleSummary[];
}

/** A longer patch isn't kept: clients are sent the whole summary. */
const operationsMax = 5_000;

interface SamplesChange {
  readonly edits: readonly Edit[];
  /** Where samples are that changed inside. */
  readonly touched: ReadonlySet<number>;
  /** Where samples are that are other Yjs items than before, in ascending order. */
  readonly fresh: readonly number[];
  /** Of the list, after it. */
  readonly length: number;
}

export class SummaryPatch {
  private readonly keys = new Set<string>();
  private change: SamplesChange | null = null;
  private isWhole = false;

  add(change: SamplesChange): void {
    for (const edit of change.edits) {
      const key = edit.path[0] ?? ('key' in edit ? edit.key : '');
      this.keys.add(String(key));
      if (edit.path.length === 0 && key === samplesKey) this.isWhole = true;
    }
    if (this.change) this.isWhole = true; // indices of one are not those of the other
    this.change = change;
  }

  /** @returns null if it is too large, or clients must have everything anew. */
  write(view: JsonObject, samples: SummaryList): readonly Operation[] | null {
    const patch: Operation[] = [];
    for (const key of this.keys) {
      if (key === samplesKey) continue;
      const value = Object.hasOwn(view, key) ? view[key] : undefined;
      // UDT-9: their library throws at the removal of a top-level key, and takes "/" for the root.
      if (value === undefined || key === '') return null;
      patch.push({ op: 'replace', path: `/${escapeKey(key)}`, value });
    }
    const ofSamples = this.ofSamples(samples);
    return ofSamples && [...patch, ...ofSamples];
  }

  private ofSamples(samples: SummaryList): Operation[] | null {
    const ofList = this.change ? listPatch(this.change, samples) : [];
    if (ofList && !this.isWhole) return ofList.length > operationsMax ? null : ofList;
    if (samples.length > operationsMax) return null;
    return [{ op: 'replace', path: '/summary/samples', value: samples.summary().map(toJson) }];
  }
}

/** What happened to the list, sample by sample; null if the list must be replaced. */
function listPatch(
  { edits, touched, fresh, length }: SamplesChange,
  samples: SummaryList,
): Operation[] | null {
  const patch: Operation[] = [];
  const splices = edits.filter((edit) => edit.type === 'splice').filter(({ path }) => isList(path));
  let present = splices.reduce((before, { remove, insert }) => before + remove - insert.length, length);
  // Every index is one of the list as it is afterwards: what comes before it is so already.
  for (const { index, remove, insert } of splices) {
    const isAppended = remove === 0 && index === present;
    if (remove === insert.length) {
      for (let i = index; i < index + remove; i++) patch.push(replaceEntry(i, samples));
    } else if (isAppended) {
      for (let i = index; i < index + insert.length; i++)
        patch.push({ op: 'add', path: '/summary/samples/-', value: toJson(samples.summaryOf(i)) });
    } else if (insert.length > 0) return null;
    else
      for (let i = index + remove - 1; i >= index; i--)
        patch.push({ op: 'remove', path: `/summary/samples/${i}` });
    present += insert.length - remove;
    if (patch.length > operationsMax) return patch;
  }
  const told = new Set(
    splices.flatMap(({ index, insert }) => Array.from({ length: insert.length }, (_, i) => index + i)),
  );
  // One that reads as the one before it did has another `_id` all the same: a plain value that became a type, say.
  const others = new Set(fresh.filter((index) => !told.has(index)));
  if (others.size > operationsMax) return null;
  for (const index of others) patch.push(replaceEntry(index, samples));
  for (const index of touched) if (!others.has(index)) patch.push(...entryPatch(index, samples));
  return patch;
}

function entryPatch(index: number, samples: SummaryList): Operation[] {
  const { hasAnnotation, version } = samples.summaryOf(index);
  const path = `/summary/samples/${index}`;
  return [
    { op: 'replace', path: `${path}/hasAnnotation`, value: hasAnnotation },
    { op: 'replace', path: `${path}/version`, value: version },
  ];
}

function replaceEntry(index: number, samples: SummaryList): Operation {
  return { op: 'replace', path: `/summary/samples/${index}`, value: toJson(samples.summaryOf(index)) };
}

function toJson(summary: SampleSummary): Json {
  return { ...summary };
}

function isList(path: readonly unknown[]): boolean {
  return path.length === 1 && path[0] === samplesKey;
}
