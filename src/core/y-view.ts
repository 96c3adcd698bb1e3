// The JSON view of the root map `udt`, kept up to date transaction by transaction: the parts that a transaction didn't
// touch stay the same values, by identity. The project owns one per document; patches are derived from it (design.md).

import * as Y from 'yjs';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { Path } from './edits.ts';
import { changesOf, type Changes } from './y-changes.ts';
import {
  isContainer,
  isText,
  plainToJson,
  textToJson,
  viewLevelsMax,
  type OnOddity,
  type YType,
} from './y-value.ts';

/** Where a transaction can have changed the view, at the indices that hold after it. */
export interface DirtyPlace {
  readonly path: Path;
  readonly before: Json;
  readonly after: Json;
}

/** The topmost containers, texts and XML trees that a transaction changed. No path leads through another. */
export type ViewChange = readonly DirtyPlace[];

/** The key that has no place in the view (UDT-4). */
const protoKey = '__proto__';

/** An array is read in parts of so many elements while other work goes on. */
const elementsPerPart = 2_000;

export class JsonView {
  readonly root: Y.Map<unknown>;
  private readonly onOddity: OnOddity;
  /** Every visible shared type inside the root. */
  private readonly entries = new WeakMap<YType, Entry>();
  /** Plain objects and arrays, so that they too stay the same when their container changes. */
  private readonly plain = new WeakMap<object, Json | undefined>();
  /** The elements of arrays that are members of the root, as far as the last transaction changed them inside. */
  private changed = new Map<YType, readonly YType[]>();

  /** @param root has the type Y.Map before the first update is applied: `doc.getMap('udt')`. */
  private constructor(root: Y.Map<unknown>, onOddity: OnOddity) {
    this.root = root;
    this.onOddity = onOddity;
  }

  /**
   * Reads the root at once.
   * @param onOddity is called once for each reading of something that JSON has no place for (UDT-22).
   */
  static of(root: Y.Map<unknown>, onOddity: OnOddity = () => undefined): JsonView {
    const view = new JsonView(root, onOddity);
    view.readType(root, 0, 1);
    return view;
  }

  /** As `of`, in parts. The document must not change meanwhile. @param breathe lets other work go on. */
  static async load(
    root: Y.Map<unknown>,
    onOddity: OnOddity,
    breathe: () => Promise<void>,
  ): Promise<JsonView> {
    const view = new JsonView(root, onOddity);
    for (const [key, value] of root.entries()) {
      if (key === protoKey || !(value instanceof Y.Array)) continue;
      const elements = value.toArray();
      const json: Json[] = [];
      for (const [index, element] of elements.entries()) {
        json.push(view.readValue(element, index, 3) ?? null);
        if (index % elementsPerPart === elementsPerPart - 1) await breathe();
      }
      view.entries.set(value, { json, index: 0, elements, shift: 0 });
    }
    view.readType(root, 0, 1); // what was read above has its entry
    return view;
  }

  /**
   * The value after the last `refresh`. It and everything in it is immutable, but for the arrays that are its own members:
   * their elements are replaced in place, because to copy 100,000 references takes longer than all the rest of a change.
   */
  read(): JsonObject {
    const value = this.entries.get(this.root)?.json;
    return isJsonObject(value) ? value : {};
  }

  /** The view as it is now, to be kept: nothing in it changes any more. */
  copy(): JsonObject {
    return withOwnArrays(this.read());
  }

  /**
   * Follows a transaction. To be called once for every transaction of the document, in `afterTransaction`.
   * @returns null when nothing visible in the root was touched.
   */
  refresh(transaction: Y.Transaction): ViewChange | null {
    const dirty: DirtyPlace[] = [];
    this.changed = new Map();
    this.follow(this.root, 1, [], changesOf(transaction), dirty);
    return dirty.length === 0 ? null : dirty;
  }

  get doc(): Y.Doc | null {
    return this.root.doc;
  }

  /** What the array under a key of the root holds in Yjs, in its order; the same object until that changes. */
  elementsOf(key: string): readonly unknown[] {
    const array = this.root.get(key);
    if (Array.isArray(array)) return array; // a plain value
    return (array instanceof Y.Array && this.entries.get(array)?.elements) || noElements;
  }

  /** Where in the array under a key of the root elements are that the last transaction changed inside. */
  changedIn(key: string): number[] {
    const array = this.root.get(key);
    const changed = array instanceof Y.Array ? this.changed.get(array) : undefined;
    return (changed ?? []).map((element) => this.indexOf(key, element)).filter((index) => index >= 0);
  }

  /** Where an element is in the array under a key of the root; -1 if it isn't there. */
  indexOf(key: string, element: unknown): number {
    const array = this.root.get(key);
    if (Array.isArray(array)) return array.indexOf(element);
    const entry = array instanceof Y.Array ? this.entries.get(array) : undefined;
    if (!entry?.elements) return -1;
    if (!(element instanceof Y.AbstractType)) return entry.elements.indexOf(element);
    return element.parent === array ? this.keyIn(entry, element) : -1;
  }

  /**
   * `array.get(index)` as of the last `refresh`, at once: Yjs takes milliseconds in the middle of a long array.
   * @param array lies inside the root and hasn't been changed since.
   */
  elementAt(array: Y.Array<unknown>, index: number): unknown {
    const elements = this.entries.get(array)?.elements;
    return elements ? elements[index] : array.get(index);
  }

  /**
   * Brings the entry of a visible type up to date, and those of all types below it.
   * @param dirty takes the places that changed; null below one of them.
   * @returns whether its value is a new one.
   */
  private follow(
    type: YType,
    level: number,
    path: Path,
    changes: Changes,
    dirty: DirtyPlace[] | null,
  ): boolean {
    const entry = this.entries.get(type);
    if (!entry) return false; // it has no place in the view
    const before = entry.json;
    const below = [...(changes.below.get(type) ?? [])];
    const isDirty = changes.own.has(type) || (below.length > 0 && isText(type));
    const recorded = isDirty ? null : dirty;
    const changed = below.filter((child) => {
      // One place stands for all below it; what changed there is followed all the same.
      const childPath = recorded ? [...path, this.keyOf(child, entry)] : [];
      return this.follow(child, level + 1, childPath, changes, recorded);
    });
    if (level === 2) this.changed.set(type, changed);
    if (changed.length > 0) this.replaceChildren(entry, changed, recorded !== null && level === 2);
    if (isDirty) {
      const after = this.readType(type, entry.index, level);
      dirty?.push({ path, before, after: toKeep(after, level) });
    }
    return isDirty || changed.length > 0;
  }

  /**
   * Takes over the present values of these children, which are in the same places as before.
   * @param inPlace for an array whose former value nobody asks for.
   */
  private replaceChildren(entry: Entry, children: readonly YType[], inPlace: boolean): void {
    const { json } = entry;
    const jsonOf = (child: YType): Json => this.entries.get(child)?.json ?? null;
    if (isJsonArray(json)) {
      const elements: Json[] = inPlace ? (json as Json[]) : json.slice();
      for (const child of children) elements[Number(this.keyOf(child, entry))] = jsonOf(child);
      entry.json = elements;
    } else {
      const members = children.map((child) => [this.keyOf(child, entry), jsonOf(child)] as const);
      entry.json = Object.assign(isJsonObject(json) ? { ...json } : {}, Object.fromEntries(members));
    }
  }

  /** Where a child is in its parent, as of the parent's entry. */
  private keyOf(child: YType, parent: Entry): string | number {
    const key = child._item?.parentSub;
    return typeof key === 'string' ? key : Math.max(this.keyIn(parent, child), 0);
  }

  /** The index of a child in an array, as of the array's entry; -1 if it isn't there. */
  private keyIn(parent: Entry, child: YType): number {
    const entry = this.entries.get(child);
    if (!entry || !parent.elements) return -1; // it has no place in the view
    let index = [entry.index, entry.index + parent.shift].find((guess) => parent.elements?.[guess] === child);
    if (index === undefined) {
      index = parent.elements.indexOf(child);
      if (index >= 0) parent.shift = index - entry.index;
    }
    if (index >= 0) entry.index = index;
    return index;
  }

  /** Reads a type from the document; types inside it that have an entry keep it. */
  private readType(type: YType, index: number, level: number): Json {
    const old = this.entries.get(type);
    const entry: Entry = { json: null, index, elements: undefined, shift: 0 };
    if (isText(type)) entry.json = textToJson(type, this.onOddity);
    else if (!isContainer(type)) return null;
    else if (level > viewLevelsMax) {
      this.onOddity('too-deep');
      return null;
    } else if (type instanceof Y.Map) entry.json = this.readMap(type, level);
    else {
      entry.elements = type.toArray();
      entry.json = this.readElements(entry.elements, level, old);
    }
    this.entries.set(type, entry);
    return entry.json;
  }

  /** What is at the beginning and at the end as it was keeps its value; changes inside of it have been followed. */
  private readElements(elements: readonly unknown[], level: number, old: Entry | undefined): readonly Json[] {
    const oldElements = old?.elements ?? [];
    const oldJson = old && isJsonArray(old.json) ? old.json : [];
    const common = Math.min(elements.length, oldElements.length);
    let head = 0;
    while (head < common && elements[head] === oldElements[head]) head++;
    let tail = 0;
    while (tail < common - head && elements.at(-1 - tail) === oldElements.at(-1 - tail)) tail++;
    const middle = elements
      .slice(head, elements.length - tail)
      .map((element, at) => this.readValue(element, head + at, level + 1) ?? null);
    return oldJson.slice(0, head).concat(middle, oldJson.slice(oldJson.length - tail));
  }

  private readMap(map: Y.Map<unknown>, level: number): JsonObject {
    const json: Record<string, Json> = {};
    map.forEach((value, key) => {
      if (key === protoKey) {
        this.onOddity('proto-key');
        return;
      }
      const read = this.readValue(value, 0, level + 1);
      if (read !== undefined) json[key] = read;
    });
    return json;
  }

  private readValue(value: unknown, index: number, level: number): Json | undefined {
    if (value instanceof Y.AbstractType) {
      const entry = this.entries.get(value);
      if (!entry) return this.readType(value, index, level);
      entry.index = index;
      return entry.json;
    }
    if (typeof value !== 'object' || value === null) return plainToJson(value, level, this.onOddity);
    if (!this.plain.has(value)) this.plain.set(value, plainToJson(value, level, this.onOddity));
    return this.plain.get(value);
  }
}

/** What is kept of a change must not be one of the arrays whose elements are replaced in place. */
function toKeep(value: Json, level: number): Json {
  if (level === 2 && isJsonArray(value)) return value.slice();
  return level === 1 && isJsonObject(value) ? withOwnArrays(value) : value;
}

/** A view to be kept: its arrays aren't those that are changed in place. */
export function withOwnArrays(root: JsonObject): JsonObject {
  const members = Object.entries(root);
  return Object.fromEntries(members.map(([key, value]) => [key, isJsonArray(value) ? value.slice() : value]));
}

const noElements: readonly unknown[] = [];

interface Entry {
  json: Json;
  /** The place in the parent when that is an array, or where it was before others were put in or taken out. */
  index: number;
  /** What an array holds, in its order. */
  elements: readonly unknown[] | undefined;
  /** How far the last element that was looked up had moved. */
  shift: number;
}
