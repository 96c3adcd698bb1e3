// The test files of a folder, and what their opening comments say of how to run them (test/runner/run-files.ts).

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** A long one that starts last would run alone: it starts first. It has a process of its own. */
const longMark = 'takes long';
/**
 * It changes what all in a process share (globals, the environment, clocks, V8's flags), or measures it: no other file runs
 * in the same one.
 */
const aloneMark = 'in a process of its own';

/** In the order in which to start them. */
export interface TestFiles {
  /** Each of these has a process of its own. */
  readonly alone: readonly string[];
  /** Many of these run in one process, one after the other. */
  readonly shared: readonly string[];
}

/** Every `*.test.ts` whose path from the folder has one of the parts in it; all of them without parts. */
export function testFilesIn(folder: string, parts: readonly string[]): TestFiles {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .map((file) => file.replaceAll('\\', '/'))
    .filter((file) => file.endsWith('.test.ts'))
    .filter((file) => parts.length === 0 || parts.some((part) => file.includes(part)))
    .sort()
    .map((file) => ({ file, opening: openingComment(readFileSync(join(folder, file), 'utf8')) }));
  const long = files.filter(({ opening }) => opening.includes(longMark));
  const alone = files.filter((one) => !long.includes(one) && one.opening.includes(aloneMark));
  const shared = files.filter((one) => !long.includes(one) && !alone.includes(one));
  return {
    alone: [...long, ...alone].map(({ file }) => file),
    shared: shared.map(({ file }) => file),
  };
}

/** As one line. */
function openingComment(text: string): string {
  const [opening = ''] = text.split('\n\n', 1);
  const lines = opening.split('\n').filter((line) => line.startsWith('//'));
  return lines.map((line) => line.slice(2).trim()).join(' ');
}
