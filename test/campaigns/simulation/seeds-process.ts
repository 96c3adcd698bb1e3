// Runs seeds of the simulation in another process, of this repository or of a copy of it. A run that doesn't end holds up nothing but
// itself: its process is ended, and another one goes on with the next seed.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { SimulationResult } from '../../simulation/simulation.ts';

export interface SeedsRequest {
  /** The repository. */
  readonly folder: string;
  readonly first: number;
  readonly count: number;
  readonly untilFailed: boolean;
  /** For one seed, and for the start of a process. Default: a hundred times what a seed takes. */
  readonly seedTimeoutMs?: number;
  /** After so many seeds that didn't end no more are run. Default: 3. */
  readonly maxEndless?: number;
  readonly onResult?: (result: SimulationResult) => void;
}

export interface SeedsReport {
  /** Of each seed whose run ended. */
  readonly results: readonly SimulationResult[];
  /** The seeds whose run didn't end. */
  readonly endless: readonly number[];
  /** Why the process ended before its time; null if it didn't. */
  readonly broken: string | null;
}

/** @returns when all are run, or it stops as the request says, or the process broke. */
export async function runSeedsIn(request: SeedsRequest): Promise<SeedsReport> {
  const { first, count, untilFailed, maxEndless = 3 } = request;
  const results: SimulationResult[] = [];
  const endless: number[] = [];
  const onResult = (result: SimulationResult): void => {
    results.push(result);
    request.onResult?.(result);
  };
  const seedsRun = (): number => results.length + endless.length;
  const hasFailed = (): boolean => results.some(({ problems }) => problems.length > 0);
  while (seedsRun() < count && endless.length < maxEndless && !(untilFailed && hasFailed())) {
    const next = first + seedsRun();
    const end = await runProcess({ ...request, first: next, count: count - seedsRun(), onResult });
    if (end.type === 'late') endless.push(first + seedsRun());
    else if (end.type === 'broken') return { results, endless, broken: end.problem };
    else if (first + seedsRun() === next) return { results, endless, broken: 'it told nothing' };
  }
  return { results, endless, broken: null };
}

type ProcessEnd =
  | { readonly type: 'ended' }
  /** Nothing came of a seed for so long. */
  | { readonly type: 'late' }
  | { readonly type: 'broken'; readonly problem: string };

async function runProcess({
  folder,
  first,
  count,
  untilFailed,
  seedTimeoutMs = 60_000,
  onResult,
}: SeedsRequest): Promise<ProcessEnd> {
  const script = join(folder, 'test/campaigns/simulation/run-seeds.ts');
  const args = ['--import', 'tsx', script, String(first), String(count)];
  if (untilFailed) args.push('--until-failed');
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  const wait = { isOver: false };
  const late = setTimeout(() => (wait.isOver = child.kill('SIGKILL')), seedTimeoutMs);
  let told = '';
  child.stderr.on('data', (chunk: Buffer) => (told = `${told}${chunk.toString()}`.slice(-2000)));
  createInterface({ input: child.stdout }).on('line', (line) => {
    late.refresh();
    if (line.startsWith('{')) onResult?.(JSON.parse(line) as SimulationResult);
    else told = `${told}${line}\n`.slice(-2000);
  });
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
  clearTimeout(late);
  if (wait.isOver) return { type: 'late' };
  if (code === 0) return { type: 'ended' };
  return { type: 'broken', problem: `it ended with ${code ?? signal ?? 'nothing'}: ${told}` };
}
