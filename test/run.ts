// Runs the test files: `run.ts [PART]...`, where parts of their names choose some.

import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runFiles } from './runner/run-files.ts';

const folder = fileURLToPath(new URL('.', import.meta.url));

/** What tests start as processes of their own. */
function scripts(): string[] {
  const floors = readdirSync(join(folder, 'bench/floors')).map((name) => `bench/floors/${name}`);
  return [...floors, 'bench/follower.ts', 'campaigns/client-kill/writing-client.ts'];
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.exitCode = await runFiles({
  folder,
  parts: process.argv.slice(2),
  scripts: scripts(),
  // Files wait for servers, disks and timers part of their time: one more than there are cores keeps these busy.
  parallel: availableParallelism() + 1,
  fileTimeoutMs: 480_000,
  print: console.log,
});
