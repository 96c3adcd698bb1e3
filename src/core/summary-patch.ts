// What v2 clients are told of a change (UDT-17): `replace` of the top-level keys that changed, and what became of the list of
// summaries. All of it is idempotent, but for samples that are appended or removed.

import { isShortJson } from '../model/json-pieces.ts';
import { isJsonArray, type JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import type { Edit } from './edits.ts';
import { samplesKey } from './roots.ts';
import type { Hunk } from './array-hunks.ts';
import { isPlainPart } from './wire-patch.ts';

/** What a v2 client's summary says of a sample. */
export type SampleSummary = {
  readonly hasAnnotation: boolean;
  /** In how many of this server's versions it was changed. */
  readonly version: number;
  readonly _id: string;
};

/** The list of summaries, as it is after a change. */
export interface SummaryList {
  readonly length: number;
  summaryOf(index: number): SampleSummary;
  summary(): SampleSummary[];
}

/** A key whose value is longer as JSON isn't repeated in every version that changes it. */
const valueUnitsMax = 64 * 1024;
/** A longer patch isn't kept: clients are sent the whole summary. */
const operationsMax = 5_000;

interface SamplesChange {
  readonly edits: readonly Edit[];
  /** Which samples, as Yjs items, stand for which. */
  readonly hunks: readonly Hunk[];
  /** Where samples are that changed inside. */
  readonly touched: readonly number[];
  /** Where samples are whose `_id` in the file is another. */
  readonly renamed: readonly number[];
  /** Of the list, after it. */
  readonly length: number;
}

export class SummaryPatch {
  private readonly keys = new Set<string>();
  private change: SamplesChange | null = null;
  private isWhole = false;

  /** Whether there is nothing to tell. */
  get isEmpty(): boolean {
    return this.change === null;
  }

  add(change: SamplesChange): void {
    for (const edit of change.edits) {
      const key = edit.path[0] ?? ('key' in edit ? edit.key : '');
      this.keys.add(String(key));
      if (edit.path.length === 0 && key === samplesKey) this.isWhole = true;
    }
    if (this.change) this.isWhole = true; // indices of one are not those of the other
    this.change = change;
  }

  /** More of the list may be other than what is told of it: all of it is to be sent. */
  replaceList(): void {
    this.isWhole = true;
  }

  /** @returns null if it is too large, or clients must have everything anew. */
  write(view: JsonObject, samples: SummaryList): readonly Operation[] | null {
    const patch: Operation[] = [];
    for (const key of this.keys) {
      if (key === samplesKey || key === 'summary') continue; // a file's own `summary` isn't told: see UdtPart
      const value = Object.hasOwn(view, key) ? view[key] : undefined;
      // UDT-9: their library throws at the removal of a top-level key, and doesn't find one with "~" or "/".
      if (value === undefined || !isPlainPart(key) || !isShortJson(value, valueUnitsMax)) return null;
      // A copy: the view's own arrays are changed in place.
      patch.push({
        op: 'replace',
        path: `/${key}`,
        value: isJsonArray(value) ? value.slice() : value,
      });
    }
    const ofSamples = this.ofSamples(samples);
    return ofSamples && [...patch, ...ofSamples];
  }

  private ofSamples(samples: SummaryList): Operation[] | null {
    const ofList = this.change ? listPatch(this.change, samples) : [];
    if (ofList && !this.isWhole) return ofList.length > operationsMax ? null : ofList;
    if (samples.length > operationsMax) return null;
    return [{ op: 'replace', path: '/summary/samples', value: samples.summary() }];
  }
}

/** What happened to the list, sample by sample; null if the list must be replaced. */
function listPatch(
  { hunks, touched, renamed, length }: SamplesChange,
  samples: SummaryList,
): Operation[] | null {
  const patch: Operation[] = [];
  let present = hunks.reduce((before, { removed, inserted }) => before + removed - inserted, length);
  const told = new Set<number>();
  // What comes before a hunk is by then as it is afterwards.
  for (const { after: index, removed, inserted } of hunks) {
    if (inserted > removed && index + removed < present) return null;
    for (let i = index + removed - 1; i >= index + inserted; i--)
      patch.push({ op: 'remove', path: `/summary/samples/${i}` });
    for (let i = index; i < index + inserted; i++) {
      told.add(i);
      if (i < index + removed) patch.push(replaceEntry(i, samples));
      else patch.push({ op: 'add', path: '/summary/samples/-', value: samples.summaryOf(i) });
    }
    present += inserted - removed;
    if (patch.length > operationsMax) return patch;
  }
  for (const index of renamed) {
    if (!told.has(index)) patch.push(replaceEntry(index, samples));
    told.add(index);
  }
  for (const index of touched) if (!told.has(index)) patch.push(...entryPatch(index, samples));
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
  return { op: 'replace', path: `/summary/samples/${index}`, value: samples.summaryOf(index) };
}
