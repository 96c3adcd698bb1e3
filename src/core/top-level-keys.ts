// Every top-level key of `udt` that a version had: a client that is sent the whole state may have to lose one (UDT-10).

import { z } from 'zod';
import { messageOf } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import { sealJson, unsealJson } from '../store/digest.ts';
import type { ProjectKeys } from '../store/keys.ts';
import type { Store, Write } from '../store/store.ts';

export class TopLevelKeys {
  private constructor(
    private readonly key: Uint8Array,
    private named: ReadonlySet<string>,
  ) {}

  /** If they can't be read, the present ones are as good as it gets. */
  static async load(
    store: Store,
    { topLevelKeys: key }: ProjectKeys,
    onDamage: (detail: string) => void,
  ): Promise<TopLevelKeys> {
    const sealed = await store.get(key);
    try {
      const named = sealed ? z.array(z.string()).parse(unsealJson(key, sealed)) : [];
      return new TopLevelKeys(key, new Set(named));
    } catch (error) {
      onDamage(`the top-level keys of udt: ${messageOf(error)}`);
      return new TopLevelKeys(key, new Set());
    }
  }

  /** Whether a version had a key that this view hasn't. */
  hasLostIn(view: JsonObject): boolean {
    return [...this.named].some((key) => !Object.hasOwn(view, key));
  }

  /** Notes the keys of a version. @returns what keeps those that are new. */
  name(view: JsonObject): Write[] {
    const keys = Object.keys(view);
    if (keys.every((key) => this.named.has(key))) return [];
    this.named = new Set([...this.named, ...keys]);
    return [{ key: this.key, value: sealJson(this.key, [...this.named]) }];
  }
}
