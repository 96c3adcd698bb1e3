// Says where in the sources a stack trace of compiled tests points to. test/runner/worker.ts shows failures with it: if the processes of the tests
// looked that up themselves, each would read its source maps whether anything fails or not.

import { existsSync, readFileSync } from 'node:fs';
import { SourceMap } from 'node:module';
import { dirname, join } from 'node:path';

/** The text, with the places in compiled files replaced by those that they were made of. */
export function withOriginalPlaces(text: string): string {
  const maps = new Map<string, SourceMap | null>();
  return text.replace(
    /(?:file:\/\/)?(\/[^\s():]+\.mjs):(\d+):(\d+)/g,
    (place: string, file: string, line: string, column: string) => {
      if (!maps.has(file)) maps.set(file, readMap(file));
      const entry = maps.get(file)?.findEntry(Number(line) - 1, Number(column) - 1);
      if (!entry || !('originalSource' in entry)) return place;
      const source = join(dirname(file), entry.originalSource);
      return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
    },
  );
}

function readMap(file: string): SourceMap | null {
  const path = `${file}.map`;
  if (!existsSync(path)) return null;
  return new SourceMap(JSON.parse(readFileSync(path, 'utf8')) as ConstructorParameters<typeof SourceMap>[0]);
}
