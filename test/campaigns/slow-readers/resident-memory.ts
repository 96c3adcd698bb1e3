// How much memory a process has, from what Linux says of it.

import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';

const sampleEveryMs = 250;
const steadySamples = 4;
const steadyWithinMib = 1;
const samplesMax = 40;

/** Resident memory once it is steady. MiB. */
export async function steadyMemoryMib(pid: number): Promise<number> {
  const samples: number[] = [];
  while (samples.length < samplesMax) {
    samples.push(await memoryMib(pid));
    const last = samples.slice(-steadySamples);
    if (last.length === steadySamples && Math.max(...last) - Math.min(...last) < steadyWithinMib) break;
    await sleep(sampleEveryMs);
  }
  return samples.at(-1) ?? 0;
}

async function memoryMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1];
  if (kib === undefined) throw new Error(`the memory of process ${pid} is not known`);
  return Number(kib) / 1024;
}
