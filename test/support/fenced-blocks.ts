// The fenced blocks of a Markdown file, so that tests can run the examples of the documentation.

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export interface FencedBlock {
  /** What stands behind the opening fence, such as `js`. */
  readonly info: string;
  readonly text: string;
}

/** @param path from the top of the project. */
export function fencedBlocks(path: string): FencedBlock[] {
  const file = fileURLToPath(new URL(`../../${path}`, import.meta.url));
  return [...readFileSync(file, 'utf8').matchAll(/^```(.*)\n([^]*?)^```$/gm)].map(
    ([, info = '', text = '']) => ({
      info,
      text,
    }),
  );
}
