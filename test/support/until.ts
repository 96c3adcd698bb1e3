// Waiting for what happens in its own time, within a deadline that only a failure reaches.

import { setTimeout as sleep } from 'node:timers/promises';

const withinMs = 30_000;

/** Resolves when the condition holds. @throws Error that names it when it never does. */
export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > deadline) throw new Error(`not within ${withinMs} ms: ${what}`);
    await sleep(2);
  }
}
