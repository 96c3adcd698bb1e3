// Runs test files, some at a time, and adds up what uvu says of each (test/run.ts). Starting a process takes longer than most of them
// do: these share some. A file that runs no test, doesn't end, or ends badly has failed, and the files after it get a new process.

import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compileTests } from './compile-tests.ts';
import type { Outcome } from './outcome.ts';
import { testFilesIn } from './test-files.ts';
import { processScript, Worker } from './worker.ts';

export interface RunOptions {
  readonly folder: string;
  /** Parts of the names of the files to run; all of them without any. */
  readonly parts: readonly string[];
  /** What tests start as processes of their own, by paths from the folder: compiled as they are. */
  readonly scripts?: readonly string[];
  /** How many files run at a time. */
  readonly parallel: number;
  readonly fileTimeoutMs: number;
  readonly print: (text: string) => void;
}

/** @returns the exit code: 0 when there are such files and all of their tests passed. */
export async function runFiles(options: RunOptions): Promise<0 | 1> {
  const { folder, parts, scripts = [], parallel, fileTimeoutMs, print } = options;
  const { alone, shared } = testFilesIn(folder, parts);
  const files = [...alone, ...shared];
  const script = fileURLToPath(new URL(processScript, import.meta.url));
  const compiled = await compileTests(folder, [...files, ...scripts], [script]);
  const waiting = [...files];
  const outcomes: Outcome[] = [];
  const work = async (_: unknown, index: number): Promise<void> => {
    const outputPath = join(compiled, `output-${index}.txt`);
    const worker = new Worker({ compiled, outputPath, fileTimeoutMs, print });
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift())
      outcomes.push(await (alone.includes(file) ? worker.runAlone(file) : worker.run(file)));
    outcomes.push(await worker.close());
  };
  await Promise.all(Array.from({ length: parallel }, work));

  const sum = (of: keyof Outcome): number => outcomes.reduce((total, outcome) => total + outcome[of], 0);
  const failed = files.length === 0 ? 1 : sum('failed');
  const skipped = sum('skipped');
  print(`\n${files.length} files`);
  print(`${sum('passed')} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
  return failed > 0 ? 1 : 0;
}
