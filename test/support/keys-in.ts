// Every key of a store, for tests that nothing is left behind.

import type { Range, Store } from '../../src/store/store.ts';

const everything: Range = { from: Buffer.alloc(0), before: Buffer.from([0xff]) };

/** As Latin-1, which shows the letters of sections and ids. */
export async function keysIn(store: Store, range: Range = everything): Promise<string[]> {
  const keys: string[] = [];
  for await (const page of store.scan(range))
    for (const { key } of page) keys.push(Buffer.from(key).toString('latin1'));
  return keys;
}
