// Floor of opening a document: a process that applies one merged update to a new Y.Doc. Argument: the update's file.
// Prints how long that took and how much memory the process has taken for it.

import { readFile } from 'node:fs/promises';
import * as Y from 'yjs';
import { argument } from './serve.ts';

const residentBefore = process.memoryUsage().rss;
const update = await readFile(argument(0));
const doc = new Y.Doc();
const startedMs = performance.now();
Y.applyUpdate(doc, update);
const ms = performance.now() - startedMs;
console.log(
  JSON.stringify({ ms, bytes: process.memoryUsage().rss - residentBefore, clients: doc.store.clients.size }),
);
