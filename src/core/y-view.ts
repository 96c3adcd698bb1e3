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
  type Oddity,
  type OnOddity,
  type YType,
} from './y-value.ts';

export interface ViewChange {
  readonly before: JsonObject;
  readonly after: JsonObject;
  /**
   * Where `before` and `after` can differ: the topmost containers, texts and XML trees that the transaction changed, at
   * the indices that hold after it. No path leads through another.
   */
  readonly dirty: readonly Path[];
}

export class JsonView {
  private readonly root: Y.Map<unknown>;
  private readonly onOddity: OnOddity;
  /** Every visible shared type inside the root. */
  private readonly entries = new WeakMap<YType, Entry>();
  /** Plain objects and arrays, so that they too stay the same when their container changes. */
  private readonly plain = new WeakMap<object, Json | undefined>();

  /**
   * @param root has the type Y.Map before the first update is applied: `doc.getMap('udt')`.
   * @param onOddity is called once for each reading of something that JSON has no place for (UDT-22).
   */
  constructor(root: Y.Map<unknown>, onOddity: (oddity: Oddity) => void = () => undefined) {
    this.root = root;
    this.onOddity = onOddity;
    this.readType(root, 0, 1);
  }

  /** The value after the last `refresh`. It and everything in it is immutable. */
  read(): JsonObject {
    const value = this.entries.get(this.root)?.json;
    return isJsonObject(value) ? value : {};
  }

  /**
   * Follows a transaction. To be called once for every transaction of the document, in `afterTransaction`.
   * @returns null when nothing visible in the root was touched.
   */
  refresh(transaction: Y.Transaction): ViewChange | null {
    const before = this.read();
    const changes = changesOf(transaction);
    const dirty: Path[] = [];
    this.follow(this.root, 1, [], changes, dirty);
    return dirty.length === 0 ? null : { before, after: this.read(), dirty };
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
   * @returns whether its value is a new one.
   */
  private follow(type: YType, level: number, path: Path, changes: Changes, dirty: Path[]): boolean {
    const entry = this.entries.get(type);
    if (!entry) return false; // it has no place in the view
    const below = [...(changes.below.get(type) ?? [])];
    const isDirty = changes.own.has(type) || (below.length > 0 && isText(type));
    const changed = below.filter((child) => {
      // One path stands for all below it; what changed there is followed all the same.
      const childPath = isDirty ? [] : [...path, this.keyOf(child, entry)];
      return this.follow(child, level + 1, childPath, changes, isDirty ? [] : dirty);
    });
    if (changed.length > 0) entry.json = this.withChildren(entry, changed);
    if (isDirty) {
      this.readType(type, entry.index, level);
      dirty.push(path);
    }
    return isDirty || changed.length > 0;
  }

  /** A copy that holds the present values of these children, which are in the same places as before. */
  private withChildren(entry: Entry, children: readonly YType[]): Json {
    const members = children.map(
      (child) => [this.keyOf(child, entry), this.entries.get(child)?.json ?? null] as const,
    );
    const copy = isJsonArray(entry.json)
      ? entry.json.slice()
      : isJsonObject(entry.json)
        ? { ...entry.json }
        : {};
    return Object.assign(copy, Object.fromEntries(members));
  }

  /** Where a child is in its parent, as of the parent's entry. */
  private keyOf(child: YType, parent: Entry): string | number {
    const key = child._item?.parentSub;
    if (typeof key === 'string') return key;
    const entry = this.entries.get(child);
    if (!entry || !parent.elements) return 0; // it has no place in the view
    let index = [entry.index, entry.index + parent.shift].find((guess) => parent.elements?.[guess] === child);
    if (index === undefined) {
      index = parent.elements.indexOf(child);
      parent.shift = index - entry.index;
    }
    return (entry.index = index);
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
      if (key === '__proto__') {
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

interface Entry {
  json: Json;
  /** The place in the parent when that is an array, or where it was before others were put in or taken out. */
  index: number;
  /** What an array holds, in its order. */
  elements: readonly unknown[] | undefined;
  /** How far the last element that was looked up had moved. */
  shift: number;
}
