// An edit is the smallest change of a JSON document that keeps its exact meaning: one member of an object set or
// removed, one splice of an array. Patches are planned into edits, documents are changed by edits, and differences
// between two states are found as edits.

import { RejoinError } from '../errors.ts';
import { isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import { ElementList } from './element-list.ts';

/** The way from the root to a container: object keys and array indices. */
export type Path = readonly (string | number)[];

export type Edit =
  /** Set member `key` of the object at `path`. */
  | { readonly type: 'set'; readonly path: Path; readonly key: string; readonly value: Json }
  /** Remove member `key`, which exists, of the object at `path`. */
  | { readonly type: 'unset'; readonly path: Path; readonly key: string }
  /** Remove `remove` elements of the array at `path` from `index` on, then insert `insert` there. */
  | {
      readonly type: 'splice';
      readonly path: Path;
      readonly index: number;
      readonly remove: number;
      readonly insert: readonly Json[];
    };

/** The elements of an array, wherever they are kept. */
export type Elements = Pick<readonly Json[], 'length' | 'at'>;

/**
 * The view after all edits, each of which sees the effect of those before. Only the containers on their paths are copied,
 * the rest is shared with `view`.
 * @throws RejoinError `internal` when an edit doesn't fit.
 */
export function applyEdits(view: JsonObject, edits: readonly Edit[]): JsonObject {
  const draft = new Draft(view);
  for (const edit of edits) draft.apply(edit);
  return draft.view;
}

/**
 * A view while a row of edits is applied to it. A container is copied when the first edit enters it and changed in
 * place by the later ones, so that 100,000 edits of one long array don't copy it 100,000 times. What `view` returns
 * may therefore still change; what is sealed doesn't, and nothing does when no edit follows.
 */
export class Draft {
  private currentView: JsonObject;
  // Each maps a container that this draft has made to the same container, as a type that can be written.
  private readonly arrays = new Map<readonly Json[], Json[]>();
  private readonly objects = new Map<JsonObject, Record<string, Json>>();
  private readonly undos: (() => void)[] = [];
  /** Long arrays of which elements were replaced in place. */
  private readonly inPlace = new Set<readonly Json[]>();
  /** Long arrays that elements were put in or taken out of; the view still has them as they were. */
  private readonly lists = new Map<readonly Json[], ElementList<Json>>();

  /**
   * @param longArrays what is done with long arrays that are members of the root: `in-place` replaces elements of the view's own
   *   ones until `revert`, since to copy 100,000 references takes longer than most edits. What else happens to them `view`
   *   doesn't show, but `elementsOf` and `whole` do.
   */
  constructor(
    view: JsonObject,
    private readonly longArrays: 'copied' | 'in-place' = 'copied',
  ) {
    this.currentView = view;
  }

  get view(): JsonObject {
    return this.currentView;
  }

  /** What an array of the view holds at present. */
  elementsOf(array: readonly Json[]): Elements {
    return this.lists.get(array) ?? array;
  }

  /** A value of the view, as it is at present. */
  whole(value: Json): Json {
    if (this.lists.size === 0) return value;
    if (isJsonArray(value)) return this.lists.get(value)?.toArray() ?? value;
    if (value !== this.currentView || !isJsonObject(value)) return value;
    return mapMembers(value, (member) => this.whole(member));
  }

  /** @throws RejoinError `internal` when the edit doesn't fit the view; the draft is of no use then. */
  apply(edit: Edit): void {
    this.currentView = this.changedObject(this.currentView, edit, 0);
  }

  /** Makes the view what it was before the first edit. The draft is of no use then. */
  revert(): void {
    for (const undo of this.undos.reverse()) undo();
    this.undos.length = 0;
  }

  /**
   * A value of the present view that stays as it is from now on, with all in it: for one that gets a second place. It takes no
   * longer than the copying took that made the value's containers writable.
   */
  sealed(value: Json): Json {
    this.seal(value);
    if (this.longArrays === 'copied') return value;
    if (isJsonArray(value)) return this.lists.get(value)?.toArray() ?? value.slice();
    if (value !== this.currentView || !isJsonObject(value)) return value;
    return mapMembers(value, (member) => (isJsonArray(member) ? this.sealed(member) : member));
  }

  /** A value of the present view, and all in it, stays as it is from now on. */
  seal(value: Json = this.currentView): void {
    const stack = [value];
    for (let next = stack.pop(); next !== undefined; next = stack.pop()) {
      // A container that this draft hasn't made holds none that it has, unless it was changed in place.
      const list = isJsonArray(next) ? this.elementsInPlace(next) : undefined;
      if (list) for (const item of list) stack.push(item);
      else if (isJsonArray(next) && this.arrays.delete(next)) for (const item of next) stack.push(item);
      else if (isJsonObject(next) && this.objects.delete(next))
        for (const member of Object.values(next)) stack.push(member);
    }
  }

  private changed(container: Json | undefined, edit: Edit, depth: number): Json {
    if (isJsonArray(container)) return this.changedArray(container, edit, depth);
    if (isJsonObject(container)) return this.changedObject(container, edit, depth);
    throw misfit(edit, 'its path leads into a plain value');
  }

  private changedObject(container: JsonObject, edit: Edit, depth: number): JsonObject {
    if (depth < edit.path.length) {
      const key = edit.path[depth];
      if (typeof key !== 'string' || !Object.hasOwn(container, key)) throw misfit(edit, 'no such member');
      const object = this.writableObject(container);
      object[key] = this.changed(object[key], edit, depth + 1);
      return object;
    }
    if (edit.type === 'splice') throw misfit(edit, 'not an array');
    if (edit.key === '__proto__') throw misfit(edit, 'its key is __proto__'); // UDT-4
    if (edit.type === 'set') {
      const object = this.writableObject(container);
      object[edit.key] = edit.value;
      return object;
    }
    if (!Object.hasOwn(container, edit.key)) throw misfit(edit, 'no such member');
    return this.without(container, edit.key);
  }

  private changedArray(container: readonly Json[], edit: Edit, depth: number): readonly Json[] {
    const isInPlace =
      depth === 1 && this.longArrays === 'in-place' && (isLong(container) || this.lists.has(container));
    const array = isInPlace ? container : this.writableArray(container);
    const elements = this.elementsOf(array);
    if (depth < edit.path.length) {
      const index = edit.path[depth];
      if (typeof index !== 'number' || index >= elements.length) throw misfit(edit, 'no such element');
      const old = elements.at(index) ?? null;
      const now = this.changed(old, edit, depth + 1);
      if (now !== old) this.replaceElement(array, index, old, now, isInPlace);
      return array;
    }
    if (edit.type !== 'splice') throw misfit(edit, 'not an object');
    const { index, remove, insert } = edit;
    if (index < 0 || remove < 0 || index + remove > elements.length) throw misfit(edit, 'out of range');
    if (isInPlace) this.listOf(array).splice(index, remove, insert);
    else splice(this.writableArray(array), index, remove, insert);
    return array;
  }

  private replaceElement(
    array: readonly Json[],
    index: number,
    old: Json,
    now: Json,
    isInPlace: boolean,
  ): void {
    const list = this.lists.get(array);
    if (list) {
      list.set(index, now);
      return;
    }
    const writable = isInPlace ? (array as Json[]) : this.writableArray(array);
    writable[index] = now;
    if (!isInPlace) return;
    this.undos.push(() => (writable[index] = old));
    this.inPlace.add(array);
  }

  private listOf(array: readonly Json[]): ElementList<Json> {
    const known = this.lists.get(array);
    if (known) return known;
    const list = new ElementList(array);
    this.lists.set(array, list);
    return list;
  }

  /** Of an array that was changed in place: what it holds at present. */
  private elementsInPlace(array: readonly Json[]): readonly Json[] | undefined {
    return this.lists.get(array)?.toArray() ?? (this.inPlace.has(array) ? array : undefined);
  }

  private writableObject(container: JsonObject): Record<string, Json> {
    return this.objects.get(container) ?? this.keepObject({ ...container });
  }

  private writableArray(container: readonly Json[]): Json[] {
    const known = this.arrays.get(container);
    if (known) return known;
    const copy = container.slice();
    this.arrays.set(copy, copy);
    return copy;
  }

  private without(container: JsonObject, key: string): JsonObject {
    const known = this.objects.get(container);
    if (known) {
      Reflect.deleteProperty(known, key);
      return known;
    }
    // Not copied and deleted from: V8 keeps an object that lost a property in its slow, large form.
    return this.keepObject(Object.fromEntries(Object.entries(container).filter(([name]) => name !== key)));
  }

  private keepObject(object: Record<string, Json>): Record<string, Json> {
    this.objects.set(object, object);
    return object;
  }
}

// More arguments than this in one call may overflow the stack.
const argumentsMax = 10_000;

function splice(array: Json[], index: number, remove: number, insert: readonly Json[]): void {
  if (insert.length <= argumentsMax) {
    array.splice(index, remove, ...insert);
    return;
  }
  const tail = array.splice(index).slice(remove);
  for (const item of insert) array.push(item);
  for (const item of tail) array.push(item);
}

function mapMembers(object: JsonObject, map: (member: Json) => Json): JsonObject {
  return Object.fromEntries(Object.entries(object).map(([key, member]) => [key, map(member)]));
}

function isLong(array: readonly Json[]): boolean {
  return array.length >= longArrayMin;
}

const longArrayMin = 1_000;

function misfit(edit: Edit, reason: string): RejoinError {
  const where = edit.type === 'splice' ? edit.index : edit.key;
  return new RejoinError('internal', `The edit ${edit.type} ${[...edit.path, where].join('/')}: ${reason}`);
}
