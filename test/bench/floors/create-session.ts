// Floor of the creation of a session: node:http that parses the UDT file, builds a bare Yjs document of it, encodes that, and
// writes the update to LevelDB with one fsync. Argument: a folder.

import { createServer } from 'node:http';
import * as Y from 'yjs';
import { argument, openLevel, serve } from './serve.ts';

const db = await openLevel(argument(0));
let written = 0;

serve(
  createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { udt } = JSON.parse(Buffer.concat(chunks).toString()) as { udt: Record<string, unknown> };
      const id = `session-${written++}`;
      const put = { type: 'put' as const, key: Buffer.from(id), value: Buffer.from(updateOf(udt)) };
      db.batch([put], { sync: true }, (error) => {
        if (error) throw error;
        const body = JSON.stringify({ short_id: id, version: 0 });
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length });
        response.end(body);
      });
    });
  }),
);

function updateOf(udt: Record<string, unknown>): Uint8Array {
  const doc = new Y.Doc();
  const root = doc.getMap('udt');
  doc.transact(() => {
    for (const [key, value] of Object.entries(udt)) root.set(key, shared(value));
  });
  const update = Y.encodeStateAsUpdate(doc);
  doc.destroy();
  return update;
}

function shared(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (!Array.isArray(value))
    return new Y.Map(Object.entries(value).map(([key, member]) => [key, shared(member)]));
  const array = new Y.Array<unknown>();
  for (let start = 0; start < value.length; start += pushedMax)
    array.push(value.slice(start, start + pushedMax).map(shared));
  return array;
}

/** Yjs takes them as arguments of one call. */
const pushedMax = 10_000;
