// How what a Yjs client stored reads as JSON, as far as it has no parts that change on their own: plain values, text and
// XML (UDT-22). The view of a document calls it.

import * as Y from 'yjs';
import type { Json } from '../model/json.ts';

/** Any shared type, as Yjs declares it. */
export type YType = Exclude<Y.Item['parent'], Y.ID | null>;

/** What JSON has no place for; it reads as absent or null and is counted. */
export type Oddity = 'proto-key' | 'too-deep' | 'unreadable-xml';
export type OnOddity = (oddity: Oddity) => void;

/** How deep containers may be nested; the outermost one is at level 1. */
export const viewLevelsMax = 500;

/** A shared type that reads as an object or an array. */
export function isContainer(value: unknown): value is Y.Map<unknown> | Y.Array<unknown> {
  // An XmlHook is a map by inheritance only.
  return value instanceof Y.Array || (value instanceof Y.Map && !(value instanceof Y.XmlHook));
}

/** A shared type that reads as a string. Nothing inside it has a place of its own. */
export function isText(value: unknown): value is Y.Text | Y.XmlFragment {
  return value instanceof Y.Text || value instanceof Y.XmlFragment;
}

/**
 * A value that is no shared type, and never an exception.
 * @param level of the value, if it is a container.
 * @returns undefined for undefined, which is absent in an object and null in an array.
 */
export function plainToJson(value: unknown, level: number, onOddity: OnOddity): Json | undefined {
  switch (typeof value) {
    case 'undefined':
    case 'boolean':
      return value;
    case 'string':
      // Old clients store JSON text, whose escapes can hold lone surrogates, and a text inside an array is cut in units.
      return value.toWellFormed();
    case 'number':
      return Number.isFinite(value) ? value : null;
    case 'bigint':
      return value.toString();
    case 'object':
      return value === null || isForeign(value) ? null : plainContainerToJson(value, level, onOddity);
    default:
      return null; // symbols and functions, which only this process could have stored
  }
}

/** The string of a text, or of an XML tree; null when Yjs can't print it. */
export function textToJson(text: Y.Text | Y.XmlFragment, onOddity: OnOddity): string | null {
  if (text instanceof Y.Text && !(text instanceof Y.XmlText)) return text.toJSON().toWellFormed();
  if (isDeeperThan(text, viewLevelsMax)) {
    onOddity('too-deep'); // printing recurses
    return null;
  }
  try {
    return text.toJSON().toWellFormed();
  } catch {
    // An attribute or a child that has no string, such as null.
    onOddity('unreadable-xml');
    return null;
  }
}

function isForeign(value: object): boolean {
  return (
    value instanceof Uint8Array ||
    value instanceof Date ||
    value instanceof Y.Doc ||
    value instanceof Y.AbstractType
  );
}

function plainContainerToJson(value: object, level: number, onOddity: OnOddity): Json {
  if (level > viewLevelsMax) {
    onOddity('too-deep');
    return null;
  }
  if (Array.isArray(value))
    return Array.from(value, (element: unknown) => plainToJson(element, level + 1, onOddity) ?? null);
  // lib0 assigns the members that it decodes, and a member `__proto__` thus becomes the prototype.
  if (Object.getPrototypeOf(value) !== Object.prototype) onOddity('proto-key');
  const json: Record<string, Json> = {};
  for (const [key, member] of Object.entries(value)) {
    const read = plainToJson(member, level + 1, onOddity);
    if (key === '__proto__') onOddity('proto-key');
    else if (read !== undefined) json[key.toWellFormed()] = read;
  }
  return json;
}

function isDeeperThan(root: YType, levelsMax: number): boolean {
  const stack = [{ type: root, level: 1 }];
  for (let next = stack.pop(); next; next = stack.pop()) {
    const { type, level } = next;
    if (level > levelsMax) return true;
    for (const child of childrenOf(type)) stack.push({ type: child, level: level + 1 });
  }
  return false;
}

function childrenOf(type: YType): YType[] {
  const items = [...type._map.values()];
  for (let item = type._start; item; item = item.right) items.push(item);
  return items.flatMap(({ deleted, content }) =>
    !deleted && content instanceof Y.ContentType ? [content.type] : [],
  );
}
