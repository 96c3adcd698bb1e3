// Runs seeds of the simulation in another process, of this repository or of a copy of it.

import { spawn } from 'node:child_process';
import { join } from 'node:path';
import type { SeedsReport } from './seeds-report.ts';

export interface SeedsRequest {
  /** The repository. */
  readonly folder: string;
  readonly first: number;
  readonly count: number;
  readonly untilFailed: boolean;
  readonly timeoutMs: number;
}

export type SeedsOutcome =
  | { readonly type: 'ended'; readonly report: SeedsReport }
  /** The process itself failed, or didn't end. */
  | { readonly type: 'broken'; readonly problem: string };

export async function runSeedsIn({
  folder,
  first,
  count,
  untilFailed,
  timeoutMs,
}: SeedsRequest): Promise<SeedsOutcome> {
  const script = join(folder, 'test/campaigns/simulation/run-seeds.ts');
  const args = ['--import', 'tsx', script, String(first), String(count)];
  if (untilFailed) args.push('--until-failed');
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
  const late = setTimeout(() => child.kill('SIGKILL'), timeoutMs);
  const [code, signal] = await new Promise<[number | null, NodeJS.Signals | null]>((resolve) =>
    child.on('close', (...ended) => resolve(ended)),
  );
  clearTimeout(late);
  if (signal === 'SIGKILL')
    return { type: 'broken', problem: `it did not end within ${timeoutMs / 1000} s, or was killed` };
  const line = output.trim().split('\n').at(-1) ?? '';
  if (code !== 0 || !line.startsWith('{'))
    return { type: 'broken', problem: `it ended with ${code}: ${(errors + output).slice(-2000)}` };
  return { type: 'ended', report: JSON.parse(line) as SeedsReport };
}
