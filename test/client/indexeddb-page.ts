// Runs in a browser, for indexeddb-storage.test.ts: gives the page the storage, and the contract to run it in.

import { IndexeddbStorage } from '../../src/client/indexeddb-storage.ts';
import type { KeptObject } from '../../src/client/storage.ts';
import { runStorageContract } from './storage-contract.ts';

let made = 0;

export interface StoragePage {
  open(name: string): IndexeddbStorage;
  runContract(): void;
  /** Stores many large changes, without waiting for any. */
  storeMany(storage: IndexeddbStorage): void;
  /** Stores a change of which the last object can't be stored. @returns what is said of it. */
  storeBad(storage: IndexeddbStorage): Promise<string | undefined>;
}

const page: StoragePage = {
  open: (name) => new IndexeddbStorage({ name }),
  storeMany: (storage) => {
    for (let round = 1; round <= 200; round++) {
      const received = Array.from({ length: 50 }, (_, index) => ({
        ...entry(`r${round}-${index}`),
        places: [[7, round] as const],
      }));
      void storage.apply({ project: 'p', received, vector: [[7, round]] });
    }
  },
  storeBad: async (storage) => {
    const bad = { ...entry('b'), value: { text: (() => 'no data') as unknown as string } };
    try {
      await storage.apply({ project: 'p', queued: [entry('a'), bad], vector: [[1, 1]] });
      return undefined;
    } catch (error) {
      return String(error);
    }
  },
  runContract: () =>
    runStorageContract('IndexedDB', () => {
      const name = `contract ${made++}`;
      return Promise.resolve({
        storage: new IndexeddbStorage({ name }),
        restart: () => Promise.resolve(new IndexeddbStorage({ name })),
        remove: () => Promise.resolve(void indexedDB.deleteDatabase(name)),
      });
    }),
};

function entry(versionUuid: string): KeptObject {
  return { kind: 'entry', versionUuid, value: {} };
}

Object.assign(globalThis, { page });
