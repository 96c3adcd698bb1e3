// What every benchmark is and gives: rows of figures, each measured beside a floor in the same run.

import type { Workbench } from './workbench.ts';

export interface Benchmark {
  /** What is measured and what the floor does, in a sentence. */
  readonly about: string;
  run(bench: Workbench): Promise<readonly Row[]>;
}

/** One line of the table. */
export interface Row {
  readonly work: string;
  readonly unit: string;
  /** Null where this server can't tell. */
  readonly measured: Spread | null;
  /** Null where there is none. */
  readonly floor: Spread | null;
  /** Of `measured` to `floor`, round by round. */
  readonly ratio: Spread | null;
  readonly reach: Reach | null;
}

/** The ratio that is aimed at. */
export type Reach = { readonly atLeast: number } | { readonly atMost: number };

export interface Spread {
  readonly median: number;
  readonly least: number;
  readonly most: number;
}

export function spreadOf(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (index: number): number => sorted[index] ?? NaN;
  return { median: medianOf(values), least: at(0), most: at(sorted.length - 1) };
}

export function medianOf(values: readonly number[]): number {
  return percentileOf(values, 0.5);
}

/** @param part from 0 to 1. */
export function percentileOf(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) * part;
  const [below, above] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN];
  return below + (above - below) * (at - Math.floor(at));
}

/** Measures both by turns, A B A B, after one of each that doesn't count. A single round is to show that it works: it goes without. */
export async function interleaved(
  rounds: number,
  measured: () => Promise<number>,
  floor: () => Promise<number>,
): Promise<Pick<Row, 'measured' | 'floor' | 'ratio'>> {
  if (rounds > 1) {
    await measured();
    await floor();
  }
  const pairs: [measured: number, floor: number][] = [];
  for (let round = 0; round < rounds; round++) pairs.push([await measured(), await floor()]);
  return compared(pairs);
}

export function compared(
  pairs: readonly (readonly [measured: number, floor: number])[],
): Pick<Row, 'measured' | 'floor' | 'ratio'> {
  return {
    measured: spreadOf(pairs.map(([measured]) => measured)),
    floor: spreadOf(pairs.map(([, floor]) => floor)),
    ratio: spreadOf(pairs.map(([measured, floor]) => measured / floor)),
  };
}

/** A figure that is only printed. */
export function printed(work: string, unit: string, values: readonly number[]): Row {
  const measured = values.length > 0 ? spreadOf(values) : null;
  return { work, unit, measured, floor: null, ratio: null, reach: null };
}

/** Figures beside what is aimed at, where there is no floor: the ratio is the part of it that they take. */
export function besideAim(work: string, unit: string, values: readonly number[], aim: number): Row {
  const row = printed(work, unit, values);
  if (values.length === 0) return row;
  return { ...row, ...compared(values.map((value) => [value, aim])), reach: { atMost: 1 } };
}
