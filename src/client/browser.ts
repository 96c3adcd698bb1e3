// The client library for pages: what `GET /client.js` serves, and what bundlers find under `rejoin/client` when they build
// for browsers.

export * from '../client.ts';
