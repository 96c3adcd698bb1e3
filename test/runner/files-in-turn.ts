// The process that runs test files (test/runner/file-process.ts starts it): one at a time, as it is told. A file has ended when its tests
// have, and nothing that it opened keeps the process going: then a process of its own would have ended.

import type { FileEnd } from './file-process.ts';

/** Globals by which uvu's modules find each other: `UVU_DEFER` makes its suites wait for `exec`. */
const uvuGlobals = globalThis as unknown as { UVU_DEFER: number; UVU_INDEX: number; UVU_QUEUE: unknown[][] };
uvuGlobals.UVU_DEFER = 1;
const { exec } = await import('uvu');

let areTestsDone = true;

process.on('message', (url: string) => {
  process.channel?.unref(); // only what the file opens keeps the process going
  areTestsDone = false;
  // What it throws outside a test is caught by nobody: it ends the process.
  void runTests(url).then(() => (areTestsDone = true));
});

process.on('beforeExit', () => {
  if (!process.connected) return;
  if (!areTestsDone) process.exit(1); // they wait for what never comes
  const end: FileEnd = { exitCode: Number(process.exitCode ?? 0) };
  process.exitCode = 0;
  process.channel?.ref();
  process.send?.(end);
});

// The one who asked is gone.
process.on('disconnect', () => {
  if (!areTestsDone) process.exit(1);
});

async function runTests(url: string): Promise<void> {
  uvuGlobals.UVU_INDEX = 0;
  uvuGlobals.UVU_QUEUE.splice(0, Infinity, [null]); // a name to print, then the file's suites
  await import(url);
  await exec();
}
