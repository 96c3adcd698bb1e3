// Somebody who polls sessions while something else goes on: how long did the longest poll take?

import { setTimeout as sleep } from 'node:timers/promises';
import { HttpConnection, httpRequest } from './http-connection.ts';

const intervalMs = 5;

/** @param ids of sessions. @throws Error if a poll fails. */
export async function pollingMeanwhile<T>(
  url: string,
  ids: readonly string[],
  work: () => Promise<T>,
): Promise<{ result: T; longestPollMs: number; polls: number }> {
  const connection = await HttpConnection.open(url);
  const ending = new AbortController();
  let longestPollMs = 0;
  let polls = 0;
  const poll = async (): Promise<void> => {
    while (!ending.signal.aborted) {
      const id = ids[polls % ids.length] ?? '';
      const startedMs = performance.now();
      const { status } = await connection.ask(httpRequest(url, 'GET', `/api/session/${id}/diffs?since=0`));
      longestPollMs = Math.max(longestPollMs, performance.now() - startedMs);
      polls++;
      if (status !== 200) throw new Error(`a poll was answered with ${status}`);
      await sleep(intervalMs);
    }
  };
  const polling = poll();
  try {
    const result = await work();
    ending.abort();
    await polling;
    return { result, longestPollMs, polls };
  } finally {
    ending.abort();
    connection.close();
    await polling.catch(() => undefined);
  }
}
