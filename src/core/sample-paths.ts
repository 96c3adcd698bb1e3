// Turns a v2 client's patch, whose paths name samples by `_id`, into one with indices (UDT-14): each operation sees the effect
// of those before it. ProjectUdt plans what comes out.

import { RejoinError } from '../errors.ts';
import { escapeKey, isJsonArray, isJsonObject, type Json, type JsonObject } from '../model/json.ts';
import type { Operation } from '../model/json-patch.ts';
import { ElementList } from './element-list.ts';
import { parsePointer } from './json-pointer.ts';
import { samplesKey } from './roots.ts';
import { isDerivedId } from './sample-ids.ts';

/** The samples before the patch. */
export interface SampleIndex {
  readonly length: number;
  /** -1 if there is none. */
  indexOf(id: string): number;
}

/**
 * @param view that the patch is made against.
 * @throws RejoinError `conflict` for an `_id` that no sample has, `bad-request` for a bad path or one below `/summary`.
 */
export function resolveSamples(
  operations: readonly Operation[],
  samples: SampleIndex,
  view: JsonObject,
): Operation[] {
  const order = new Order(samples);
  const list = view[samplesKey];
  return operations.flatMap((operation, at) => {
    try {
      const resolved = resolve(operation, order, isJsonArray(list) ? list : []);
      return resolved ? [resolved] : [];
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      const message = `Operation ${at} (${operation.op} ${operation.path}): ${error.message}`;
      throw new RejoinError(error.code, message, { cause: error });
    }
  });
}

/** @returns null for an operation that has nothing to do: derived ids aren't stored (UDT-15). */
function resolve(operation: Operation, order: Order, list: readonly Json[]): Operation | null {
  const path = parsePointer(operation.path);
  if (path[0] === 'summary')
    throw new RejoinError('bad-request', '/summary is made by the server: change the samples instead');
  switch (operation.op) {
    case 'add':
    case 'replace': {
      const [, part, member, ...rest] = path;
      const { value } = operation;
      if (path.length === 0) {
        const samples = isJsonObject(value) ? value[samplesKey] : undefined;
        order.reset(isJsonArray(samples) ? samples.length : 0);
        return { ...operation, value: ofFile(value) };
      }
      if (path[0] !== samplesKey) return operation;
      if (part === undefined) {
        order.reset(isJsonArray(value) ? value.length : 0);
        return { ...operation, value: isJsonArray(value) ? value.map((sample) => ofSample(sample)) : value };
      }
      if (member === '_id' && rest.length === 0 && isDerivedId(value)) return null;
      if (member !== undefined) return { ...operation, path: order.pointer(path) };
      if (operation.op === 'add') return { op: 'add', path: order.add(part), value: ofSample(value) };
      const index = order.find(part);
      return { op: 'replace', path: `/samples/${index}`, value: ofSample(value, list[order.former(index)]) };
    }
    case 'remove':
      return { op: 'remove', path: order.remove(path) };
    case 'test':
      return { ...operation, path: order.pointer(path) };
    case 'move': {
      const from = order.remove(parsePointer(operation.from));
      return { op: 'move', from, path: order.addAt(path) };
    }
    case 'copy':
      return { op: 'copy', from: order.pointer(parsePointer(operation.from)), path: order.addAt(path) };
  }
}

/** A sample as the file has it: what a v2 client was given as its `_id` may be none of the file's. */
function ofSample(sample: Json, former?: Json): Json {
  if (!isJsonObject(sample) || !isDerivedId(sample['_id'])) return sample;
  const own = isJsonObject(former) && Object.hasOwn(former, '_id') ? former['_id'] : undefined;
  const members = Object.entries(sample).map(([key, value]): [string, Json | undefined] => [
    key,
    key === '_id' ? own : value,
  ]);
  return Object.fromEntries(members.filter((member): member is [string, Json] => member[1] !== undefined));
}

function ofFile(file: Json): Json {
  if (!isJsonObject(file)) return file;
  const rest = Object.fromEntries(Object.entries(file).filter(([key]) => key !== 'summary'));
  const samples = rest[samplesKey];
  return isJsonArray(samples) ? { ...rest, samples: samples.map((sample) => ofSample(sample)) } : rest;
}

/** Where the samples are while the operations of one patch move them. */
class Order {
  /** At each index, where the sample was before the patch; -1 for a new one. Null while nothing has moved. */
  private formers: ElementList<number> | null = null;
  private length: number;

  constructor(private readonly samples: SampleIndex) {
    this.length = samples.length;
  }

  /** Another list took the place of this one. @param length null if nobody knows it yet. */
  reset(length: number | null): void {
    this.formers = new ElementList(new Array<number>(length ?? 0).fill(-1));
    this.length = length ?? Infinity;
  }

  /** Where the sample at an index was before the patch; -1 for a new one. */
  former(index: number): number {
    return this.formers ? (this.formers.at(index) ?? -1) : index;
  }

  /** The index that a part of a path means. One that is too great is left to who applies it. */
  find(part: string): number {
    if (isDigits(part)) return Number(part);
    const former = this.samples.indexOf(part);
    const index = former < 0 || !this.formers ? former : this.indexOfFormer(this.formers, former);
    if (index >= 0) return index;
    throw new RejoinError('conflict', `there is no sample with the _id ${JSON.stringify(part)}`);
  }

  /** The pointer to a place in or below a sample, or anywhere else. */
  pointer(path: readonly string[]): string {
    const [key, part, ...rest] = path;
    if (key !== samplesKey || part === undefined || (part === '-' && rest.length === 0)) return print(path);
    return print([key, String(this.find(part)), ...rest]);
  }

  /** A place to add a sample at: what is no index within the list is behind its end. */
  add(part: string): string {
    const index = isDigits(part) ? Math.min(Number(part), this.length) : this.length;
    if (index < this.length || this.formers) this.moved().splice(index, 0, [-1]);
    this.length++;
    return index === this.length - 1 ? '/samples/-' : `/samples/${index}`;
  }

  /** A place to add something at, a sample or not. */
  addAt(path: readonly string[]): string {
    const [key, part, ...rest] = path;
    if (key === undefined || (key === samplesKey && part === undefined)) this.reset(null);
    return key === samplesKey && part !== undefined && rest.length === 0
      ? this.add(part)
      : this.pointer(path);
  }

  /** The pointer to what is taken out. */
  remove(path: readonly string[]): string {
    const [key, part, ...rest] = path;
    if (key !== samplesKey || rest.length > 0) return this.pointer(path);
    if (part === undefined) {
      this.reset(0);
      return print(path);
    }
    const index = this.find(part);
    if (index < this.length) {
      this.moved().splice(index, 1, []);
      this.length--;
    }
    return `/samples/${index}`;
  }

  private moved(): ElementList<number> {
    return (this.formers ??= new ElementList(Array.from({ length: this.length }, (_, index) => index)));
  }

  /** Those that were there before are in their old order. */
  private indexOfFormer(formers: ElementList<number>, former: number): number {
    const mayHave = (chunk: readonly number[]): boolean =>
      (chunk.findLast((each) => each >= 0) ?? -1) >= former;
    return formers.findIndex(mayHave, (each) => each === former);
  }
}

function isDigits(part: string): boolean {
  return /^\d+$/.test(part);
}

function print(path: readonly string[]): string {
  return path.map((part) => `/${escapeKey(part)}`).join('');
}
