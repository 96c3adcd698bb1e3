// The `udt` part of an open document: its JSON view, the list of its samples, and the hashes of both, each kept up at the
// cost of a change. The document owns one and has it follow every transaction.

import type * as Y from 'yjs';
import { isJsonArray, type JsonObject } from '../model/json.ts';
import { diff } from './diff.ts';
import { RollingHash, type Piece } from './rolling-hash.ts';
import { samplesKey } from './roots.ts';
import type { UdtChange } from './udt-change.ts';
import { UdtHasher } from './udt-hash.ts';
import { UdtSamples, type SampleChanges } from './udt-samples.ts';
import type { Oddity } from './y-value.ts';
import { JsonView, type ViewChange } from './y-view.ts';

/** UDT-2's hash of what v1 clients have, and of what v2 clients have. */
export interface UdtHashes {
  readonly hash: number;
  readonly summaryHash: number;
}

export class UdtPart {
  private readonly hasher = new UdtHasher();

  private constructor(
    readonly json: JsonView,
    readonly samples: UdtSamples,
  ) {}

  /**
   * Reads it from a document, in parts: the document must not change meanwhile.
   * @param changes what was kept of the samples.
   * @param breathe lets other work go on.
   */
  static async load(
    root: Y.Map<unknown>,
    changes: Iterable<SampleChanges>,
    onOddity: (oddity: Oddity) => void,
    breathe: () => Promise<void>,
  ): Promise<UdtPart> {
    const json = await JsonView.load(root, onOddity, breathe);
    const part = new UdtPart(json, await UdtSamples.load(json, changes, breathe));
    for (const value of Object.values(json.read()))
      if (isJsonArray(value)) await part.hasher.prepare(value, breathe);
    return part;
  }

  /** @returns null if nothing changed in it. */
  follow(transaction: Y.Transaction): UdtChange | null {
    const places = this.json.refresh(transaction);
    if (!places) return null;
    const change = {
      places,
      edits: places.flatMap(({ path, before, after }) => diff(before, after, path)),
    };
    this.rehash(places);
    this.samples.follow(change);
    return change;
  }

  hashes(): UdtHashes {
    const view = this.json.read();
    return {
      hash: this.hasher.hash(view),
      summaryHash: this.hasher.hashWith(withoutSamples(view), 'summary', summaryOf(this.samples.piece)),
    };
  }

  /** The view as it is now, to be kept. */
  copy(): JsonObject {
    return this.json.copy();
  }

  /** What v2 clients have instead, to be kept. The document must not change meanwhile. @param breathe lets other work go on. */
  async summaryDocument(breathe: () => Promise<void>): Promise<JsonObject> {
    const samples = await this.samples.summaryInParts(breathe);
    return { ...withoutSamples(this.json.copy()), summary: { samples } };
  }

  /** Tells the hasher which elements of arrays were replaced in place. */
  private rehash(places: ViewChange): void {
    const replaced = new Map<string, Set<number>>();
    for (const { path } of places) {
      const [key, index] = path;
      if (typeof key !== 'string' || typeof index !== 'number') continue;
      replaced.set(key, (replaced.get(key) ?? new Set()).add(index));
    }
    const view = this.json.read();
    for (const [key, indices] of replaced) {
      const array = view[key];
      if (isJsonArray(array)) this.hasher.replaced(array, indices);
    }
  }
}

/** The text of `summary`, around the list in it. */
function summaryOf(list: Piece): Piece {
  const text = new RollingHash();
  text.write('{"samples":');
  text.append(list);
  text.write('}');
  return text.take();
}

/** A file's own `summary` is none of ours: v2 clients have the server's. */
function withoutSamples(view: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(view).filter(([key]) => key !== samplesKey && key !== 'summary'));
}
