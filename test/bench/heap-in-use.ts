// How much heap a server has in use, without the garbage in it.

import { setTimeout as sleep } from 'node:timers/promises';
import type { ServerProcess } from '../support/server.ts';

/** The environment of a server that can be asked for it. */
export function gaugedEnvironment(): NodeJS.ProcessEnv {
  const gauge = new URL('heap-gauge.mjs', import.meta.url).href;
  return { ...process.env, NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --import ${gauge}` };
}

/** Of a server that was started in such an environment. It is held up while garbage is collected. Bytes. */
export async function heapInUse(server: ServerProcess): Promise<number> {
  const asked = answersOf(server).length;
  server.child.kill('SIGUSR2');
  const untilMs = performance.now() + answerWithinMs;
  while (performance.now() < untilMs) {
    const answer = answersOf(server)[asked];
    if (answer !== undefined) return answer;
    await sleep(10);
  }
  throw new Error('the server does not say how much heap it has in use');
}

const answerWithinMs = 60_000;

function answersOf(server: ServerProcess): number[] {
  return [...server.output().matchAll(/^heap in use: (\d+) bytes$/gm)].map(([, bytes]) => Number(bytes));
}
