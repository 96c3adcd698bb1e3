// How much memory a process has had at most, as its system tells.

import { readFileSync } from 'node:fs';

/** Bytes; null where that can't be told. */
export function peakMemoryBytes(pid: number | undefined): number | null {
  try {
    const status = readFileSync(`/proc/${pid ?? 0}/status`, 'utf8');
    const kilobytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1];
    return kilobytes === undefined ? null : Number(kilobytes) * 1024;
  } catch {
    return null;
  }
}
