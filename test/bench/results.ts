// RESULTS.md of the benchmarks: one table each, the ratio first, and what was aimed at beside it.

import { fileURLToPath } from 'node:url';
import { provenance, writeSection } from '../support/results-file.ts';
import type { Benchmark, Reach, Row, Spread } from './benchmark.ts';

const path = fileURLToPath(new URL('RESULTS.md', import.meta.url));

const head = `# Results of the benchmarks

Written by \`npm run bench\`: the figures of the last full run of each. How to read them: README.md beside this file.
`;

/** Writes the section of a benchmark in the place of the one it had. */
export async function writeResults(name: string, { about }: Benchmark, rows: readonly Row[]): Promise<void> {
  const { date, commit, machine } = await provenance();
  const text = `${capitalised(about)}.\n\n${printRows(rows)}\n${date}, commit ${commit}, ${machine}\n`;
  await writeSection(path, head, name, text);
}

/** A table. */
export function printRows(rows: readonly Row[]): string {
  const lines = rows.map(({ work, unit, measured, floor, ratio, reach }) => {
    const inUnit = (spread: Spread | null): string => (spread ? `${printSpread(spread)} ${unit}` : '–');
    const figures = [measured ? inUnit(measured) : 'n/a', inUnit(floor)];
    return [work, ratio ? printSpread(ratio) : '–', printReach(ratio, reach), ...figures];
  });
  const table = [['work', 'ratio', 'reach', 'rejoin', 'floor'], Array<string>(5).fill('---'), ...lines];
  return table.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function printReach(ratio: Spread | null, reach: Reach | null): string {
  if (!ratio || !reach) return '–';
  const isMet = 'atLeast' in reach ? ratio.median >= reach.atLeast : ratio.median <= reach.atMost;
  const aim = 'atLeast' in reach ? `≥ ${reach.atLeast}` : `≤ ${reach.atMost}`;
  return `${aim}: ${isMet ? 'met' : '**missed**'}`;
}

/** The median, with the least and the most of all rounds. */
function printSpread({ median, least, most }: Spread): string {
  if (least === most) return printNumber(median);
  return `${printNumber(median)} (${printNumber(least)}–${printNumber(most)})`;
}

function printNumber(value: number): string {
  if (Math.abs(value) >= 1_000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(3)));
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
