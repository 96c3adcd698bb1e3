// RESULTS.md of the campaigns: what a section of it says.

import { fileURLToPath } from 'node:url';
import { provenance, writeSection } from '../support/results-file.ts';

export type Figures = Readonly<Record<string, string | number>>;

export interface Results {
  readonly seed: number;
  readonly hasFailed: boolean;
  readonly figures: Figures;
}

const path = fileURLToPath(new URL('RESULTS.md', import.meta.url));

const head = `# Results of the campaigns

Written by \`npm run campaign -- NAME\`: the figures of the last full run of each.
`;

/** Writes the section of a campaign in the place of the one it had. */
export async function writeResults(name: string, results: Results): Promise<void> {
  await writeSection(path, head, name, await printSection(results));
}

async function printSection({ seed, hasFailed, figures }: Results): Promise<string> {
  const rows = { result: hasFailed ? '**failed**' : 'passed', ...figures, seed, ...(await provenance()) };
  const lines = Object.entries(rows).map(([name, value]) => `| ${name} | ${value} |`);
  return ['|  |  |', '| --- | --- |', ...lines, ''].join('\n');
}
