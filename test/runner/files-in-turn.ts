// The process that runs test files (test/runner/file-process.ts starts it): one at a time, as it is told. A file has ended when its tests
// have, and nothing that it opened keeps the process going: then a process of its own would have ended. Where a test has failed, what
// it left open can't keep the others waiting: the process is ended soon after.

import type { FileEnd } from './file-process.ts';

/** Globals by which uvu's modules find each other: `UVU_DEFER` makes its suites wait for `exec`. */
const uvuGlobals = globalThis as unknown as { UVU_DEFER: number; UVU_INDEX: number; UVU_QUEUE: unknown[][] };
uvuGlobals.UVU_DEFER = 1;
const { exec } = await import('uvu');

/** For so long a file of which a test has failed may still close what it opened: it has failed already, however fast it is. */
const closingMs = 5_000;

let areTestsDone = true;
let closing: NodeJS.Timeout | undefined;

process.on('message', (url: string) => {
  process.channel?.unref(); // only what the file opens keeps the process going
  areTestsDone = false;
  // What it throws outside a test is caught by nobody: it ends the process.
  void runTests(url).then(() => {
    areTestsDone = true;
    if (process.exitCode) closing = setTimeout(endOpenFile, closingMs).unref();
  });
});

process.on('beforeExit', () => {
  clearTimeout(closing);
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

function endOpenFile(): void {
  console.log(`ended: ${closingMs} ms after its last test something was still open, where a test has failed`);
  process.exit(1);
}

async function runTests(url: string): Promise<void> {
  uvuGlobals.UVU_INDEX = 0;
  uvuGlobals.UVU_QUEUE.splice(0, Infinity, [null]); // a name to print, then the file's suites
  await import(url);
  await exec();
}
