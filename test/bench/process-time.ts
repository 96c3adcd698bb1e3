// How much processor time a process has used, as its system tells.

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Milliseconds, of all its threads; null where that can't be told. */
export function processorMs(pid: number | undefined): number | null {
  try {
    const text = readFileSync(`/proc/${pid ?? 0}/stat`, 'utf8');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' '); // the name before may hold anything
    const ticks = Number(fields[11]) + Number(fields[12]);
    const perSecond = Number(execFileSync('getconf', ['CLK_TCK']).toString());
    return (ticks / perSecond) * 1_000;
  } catch {
    return null;
  }
}
