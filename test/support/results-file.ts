// A shared file of results: one section per campaign or benchmark, with the figures of its last full run, and where and
// when it ran.

import { execFile } from 'node:child_process';
import { readFile, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { promisify } from 'node:util';
import { isMissing } from '../../src/store/marker.ts';

/** Writes a section in the place of the one of this name; the others stay. `head` stands before all of them. */
export async function writeSection(path: string, head: string, name: string, text: string): Promise<void> {
  const sections = await readSections(path);
  sections.set(name, text);
  const texts = [...sections]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([title, section]) => `## ${title}\n\n${section}`);
  await writeFile(path, [head, ...texts].join('\n'));
}

/** Where and when a run takes place. */
export async function provenance(): Promise<{ date: string; commit: string; machine: string }> {
  return { date: new Date().toISOString().slice(0, 10), commit: await commit(), machine: machine() };
}

/** Name → text, without what stands before the first section. */
async function readSections(path: string): Promise<Map<string, string>> {
  const [, ...sections] = (await readIfThere(path)).split(/^## /m);
  return new Map(
    sections.map((section) => {
      const [title = '', ...lines] = section.split('\n');
      return [title, lines.join('\n').trim() + '\n'];
    }),
  );
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return '';
    throw error;
  }
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
