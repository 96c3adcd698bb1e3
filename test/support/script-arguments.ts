// How tests run a script that lies beside them in a process of its own: as test/run.ts has compiled it, or, when a file is
// run by itself, with a compiler in the process.

import { existsSync } from 'node:fs';
import { join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const testFolder = fileURLToPath(new URL('..', import.meta.url));
/** The variable in which a test finds the folder of what is compiled. */
export const compiledVariable = 'REJOIN_TEST_COMPILED';

/** What Node is called with. @param script the path of its source */
export function scriptArguments(script: string): string[] {
  const folder = process.env[compiledVariable];
  const compiled = folder && join(folder, compiledName(relative(testFolder, script)));
  return compiled && existsSync(compiled) ? [compiled] : ['--import', 'tsx', script];
}

export function compiledName(file: string): string {
  return file.replace(/\.ts$/, '.mjs');
}
