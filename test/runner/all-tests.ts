// The tests of this project, for those who run them: `npm test`, and test/run.ts.

import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runFiles, type RunOptions } from './run-files.ts';

const folder = fileURLToPath(new URL('..', import.meta.url));

/** @param parts of the names of the files to run; all of them without any. @returns the exit code */
export function runTests(parts: readonly string[], print: RunOptions['print']): Promise<0 | 1> {
  return runFiles({
    folder,
    parts,
    scripts: scripts(),
    // Files wait for servers, disks and timers part of their time: one more than there are cores keeps these busy.
    parallel: availableParallelism() + 1,
    fileTimeoutMs: 480_000,
    print,
  });
}

/** What tests start as processes of their own. */
function scripts(): string[] {
  const floors = readdirSync(join(folder, 'bench/floors')).map((name) => `bench/floors/${name}`);
  return [...floors, 'bench/follower.ts', 'campaigns/client-kill/writing-client.ts'];
}
