// The client library for pages: what `GET /client.js` serves and bundlers find under `rejoin/client`.

export { IndexeddbStorage, type IndexeddbStorageOptions } from './indexeddb-storage.ts';
export { MemoryStorage } from './memory-storage.ts';
