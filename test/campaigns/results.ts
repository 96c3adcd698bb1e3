// RESULTS.md: one section per campaign with the figures of its last full run, and where and when it ran.

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { isMissing } from '../../src/store/marker.ts';

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
  const sections = await readSections();
  sections.set(name, await printSection(results));
  const texts = [...sections]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([title, text]) => `## ${title}\n\n${text}`);
  await writeFile(path, [head, ...texts].join('\n'));
}

/** Name → text, without what stands before the first section. */
async function readSections(): Promise<Map<string, string>> {
  const [, ...sections] = (await readIfThere()).split(/^## /m);
  return new Map(
    sections.map((section) => {
      const [title = '', ...lines] = section.split('\n');
      return [title, lines.join('\n').trim() + '\n'];
    }),
  );
}

async function readIfThere(): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
}

async function printSection({ seed, hasFailed, figures }: Results): Promise<string> {
  const rows = {
    result: hasFailed ? '**failed**' : 'passed',
    ...figures,
    seed,
    date: new Date().toISOString().slice(0, 10),
    commit: await commit(),
    machine: machine(),
  };
  const lines = Object.entries(rows).map(([name, value]) => `| ${name} | ${value} |`);
  return ['|  |  |', '| --- | --- |', ...lines, ''].join('\n');
}

async function commit(): Promise<string> {
  const hash = await git('rev-parse', '--short=12', 'HEAD');
  if (hash === null) return 'unknown: not a git checkout';
  return hash.trim() + ((await git('status', '--porcelain')) === '' ? '' : '-dirty');
}

/** What git prints, or null where there is no repository. */
async function git(...args: string[]): Promise<string | null> {
  try {
    return (await promisify(execFile)('git', args)).stdout;
  } catch {
    return null;
  }
}

function machine(): string {
  const cores = cpus();
  const model = cores[0]?.model.trim() ?? 'unknown';
  return `${model}, ${cores.length} cores, Node ${process.version}, ${process.platform} ${process.arch}`;
}
