// Reads a root type of a document as JSON. Yjs doesn't encode the type of a root, so that of an application's own root is
// inferred from its content (design.md, "The document"); the root itself is left as it is. WholeDocument calls it.

import * as Y from 'yjs';
import type { Json } from '../model/json.ts';
import { isContainer, isText, plainToJson, textToJson, viewLevelsMax, type YType } from './y-value.ts';

/** So many values are read in a few milliseconds. */
const sliceValues = 5_000;

/**
 * Keys make it an object, strings or formats a string, XML nodes the string of their tree; anything else is an array. What JSON
 * has no place for reads as null, or is absent.
 * @param breathe lets other work go on. The root must not change meanwhile.
 */
export async function rootToJson(root: YType, breathe: () => Promise<void>): Promise<Json> {
  const reading = new RootReader().root(root);
  for (let step = reading.next(); ; step = reading.next()) {
    if (step.done === true) return step.value;
    await breathe();
  }
}

/** Each generator yields where others may have their turn. */
class RootReader {
  private left = sliceValues;

  root(root: YType): Generator<void, Json> {
    switch (formOf(root)) {
      case 'map':
        return this.map(root, 1);
      case 'text':
        return this.text(root);
      case 'xml':
        return this.xml(root);
      case 'array':
        return this.array(root, 1);
    }
  }

  private *map(type: YType, level: number): Generator<void, Json> {
    const members: [string, Json][] = [];
    for (const [key, item] of type._map) {
      if (item.deleted || key === '__proto__') continue;
      const value = yield* this.value(item.content.getContent()[item.length - 1], level + 1);
      if (value !== undefined) members.push([key, value]);
    }
    return Object.fromEntries(members);
  }

  private *array(type: YType, level: number): Generator<void, Json> {
    const elements: Json[] = [];
    for (const { content, countable } of visibleItems(type)) {
      if (!countable) continue;
      for (const element of content.getContent())
        elements.push((yield* this.value(element, level + 1)) ?? null);
    }
    return elements;
  }

  private *text(type: YType): Generator<void, Json> {
    const strings: string[] = [];
    for (const { content } of visibleItems(type)) {
      if (content instanceof Y.ContentString) strings.push(content.str);
      if (this.isLong()) yield;
    }
    return strings.join('').toWellFormed();
  }

  private *xml(type: YType): Generator<void, Json> {
    const nodes: string[] = [];
    for (const { content } of visibleItems(type)) {
      const node = content instanceof Y.ContentType ? content.type : null;
      const text = isText(node) ? textToJson(node, ignore) : '';
      if (text === null) return null;
      nodes.push(text);
      if (this.isLong()) yield;
    }
    return nodes.join('');
  }

  private *value(value: unknown, level: number): Generator<void, Json | undefined> {
    if (this.isLong()) yield;
    if (isText(value)) return textToJson(value, ignore);
    if (!isContainer(value)) return plainToJson(value, level, ignore);
    if (level > viewLevelsMax) return null;
    return yield* value instanceof Y.Map ? this.map(value, level) : this.array(value, level);
  }

  /** Counts another value. */
  private isLong(): boolean {
    if (this.left-- > 0) return false;
    this.left = sliceValues;
    return true;
  }
}

function formOf(root: YType): 'map' | 'text' | 'xml' | 'array' {
  if (root instanceof Y.Map) return 'map';
  if (root instanceof Y.Array) return 'array';
  if (root instanceof Y.XmlFragment) return 'xml';
  if (root instanceof Y.Text) return 'text';
  for (const { deleted } of root._map.values()) if (!deleted) return 'map';
  for (const { content } of visibleItems(root)) {
    if (content instanceof Y.ContentType) return isXmlNode(content.type) ? 'xml' : 'array';
    const isOfText =
      content instanceof Y.ContentString ||
      content instanceof Y.ContentFormat ||
      content instanceof Y.ContentEmbed;
    return isOfText ? 'text' : 'array';
  }
  return 'array';
}

function isXmlNode(type: unknown): boolean {
  return type instanceof Y.XmlElement || type instanceof Y.XmlText || type instanceof Y.XmlHook;
}

function* visibleItems(type: YType): Generator<Y.Item> {
  for (let item = type._start; item; item = item.right) if (!item.deleted) yield item;
}

function ignore(): void {
  // Nobody is told what an application's own root holds that JSON has no place for: it reads as absent or null.
}
