// Puts a JSON value together from paths and values, as the cells of a CSV file give them. Lists may be filled in any
// order; what is never filled reads as null.

import { RejoinError } from '../errors.ts';
import type { Json, JsonObject } from '../model/json.ts';
import { isIndex, type CsvPath } from './csv-path.ts';

type Container = Json[] | Record<string, Json>;

export class JsonBuilder {
  private root: Record<string, Json> = {};
  /** Lists that were not filled from their start on. */
  private readonly sparse = new Set<Json[]>();

  /** @param itemsMax a list can't be longer: bounds what one large index costs. */
  constructor(private readonly itemsMax: number) {}

  /** @throws RejoinError `bad-request` if the path leads through something else than an object or a list. */
  set(path: CsvPath, value: Json): void {
    const last = path.at(-1);
    if (last === undefined) {
      this.setRoot(value);
      return;
    }
    let container: Container = this.root;
    for (let depth = 0; depth < path.length - 1; depth++) {
      const key = path[depth] ?? '';
      const inside = memberOf(container, key);
      if (isContainer(inside)) {
        container = inside;
        continue;
      }
      if (inside !== undefined && inside !== null) {
        const [outer, whole] = [path.slice(0, depth + 1).join('.'), path.join('.')];
        const message = `${whole} can't be set, because ${outer} is ${printShort(inside)}, no list and no object`;
        throw new RejoinError('bad-request', message);
      }
      const made: Container = isIndex(path[depth + 1] ?? '') ? [] : {};
      this.put(container, key, made, path);
      container = made;
    }
    this.put(container, last, value, path);
  }

  /** What was built. @throws RejoinError `bad-request` if there are more gaps than a file can mean. */
  finish(): JsonObject {
    let filled = 0;
    for (const list of this.sparse) {
      for (let i = 0; i < list.length; i++) {
        if (i in list) continue;
        list[i] = null;
        if (++filled > this.itemsMax)
          throw new RejoinError('bad-request', 'lists have too many gaps in them');
      }
    }
    return this.root;
  }

  private setRoot(value: Json): void {
    if (!isContainer(value) || Array.isArray(value))
      throw new RejoinError('bad-request', 'the whole file (path ".") should be an object');
    if (Object.keys(this.root).length > 0)
      throw new RejoinError('bad-request', 'the whole file (path ".") should be given before its parts');
    this.root = value;
  }

  private put(container: Container, key: string, value: Json, path: CsvPath): void {
    if (!Array.isArray(container)) {
      container[key] = value;
      return;
    }
    const at = Number(key);
    if (!isIndex(key))
      throw new RejoinError('bad-request', `${path.join('.')} has ${key} where a list has a number`);
    if (at >= this.itemsMax)
      throw new RejoinError('bad-request', `${path.join('.')} leaves most of its list empty`);
    if (at > container.length) this.sparse.add(container);
    container[at] = value;
  }
}

function memberOf(container: Container, key: string): Json | undefined {
  if (Array.isArray(container)) return isIndex(key) ? container[Number(key)] : undefined;
  return Object.hasOwn(container, key) ? container[key] : undefined;
}

function isContainer(value: Json | undefined): value is Container {
  return typeof value === 'object' && value !== null;
}

function printShort(value: Json): string {
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
