// Waiting until Yjs clients have the same document. One of them that writes nothing shows what is durable at the server.

import * as Y from 'yjs';
import { until } from './until.ts';
import type { TestProvider } from './yjs-client.ts';

/** Resolves when all have the same changes, deletions too. */
export function converged(clients: readonly TestProvider[]): Promise<void> {
  return until('the documents have converged', () => {
    const [first, ...rest] = clients.map(({ doc }) => Y.snapshot(doc));
    return rest.every((snapshot) => first !== undefined && Y.equalSnapshots(first, snapshot));
  });
}
