// Reads the values of flags, and says in a sentence what would be right. The command line calls it.

import { InvalidArgumentError } from 'commander';
import { RejoinError } from '../errors.ts';
import { parseProjectId } from '../model/project-id.ts';

export function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`It should be an integer from ${min} to ${max}.`);
    }
    return value;
  };
}

/** A longer text than this is more than the engine can hold (2^29 characters). */
const bodyBytesLimit = 500 * 1024 * 1024;

export function bodySize(text: string): number {
  const [, digits, unit = ''] = /^(\d{1,12})(kb|mb)?$/i.exec(text) ?? [];
  const bytes = Number(digits) * ({ kb: 1024, mb: 1024 * 1024 }[unit.toLowerCase()] ?? 1);
  if (!(bytes >= 1024 && bytes <= bodyBytesLimit))
    throw new InvalidArgumentError('It should be a number of bytes, or such as 64mb, from 1kb to 500mb.');
  return bytes;
}

/** Nothing would be taken for the folder that the command is run in, or for one that there isn't. */
export function folderName(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It should be the name of a folder; . is this one.');
  return text;
}

export function httpUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url?.protocol !== 'http:' && url?.protocol !== 'https:') {
    throw new InvalidArgumentError('It should be a URL such as https://rejoin.example.');
  }
  return url;
}

export function projectId(text: string): string {
  try {
    return parseProjectId(text, 'It');
  } catch (error) {
    if (!(error instanceof RejoinError)) throw error;
    throw new InvalidArgumentError(`${error.message}.`);
  }
}

/** Of a flag that is repeatable, with commas between its values in the environment. */
export function list(text: string, before: readonly string[]): string[] {
  return [...before, ...text.split(',').map((value) => value.trim())];
}

export function origin(text: string): string {
  if (text === '*') return text;
  const trimmed = text.trim().replace(/\/$/, '');
  if (!URL.canParse(trimmed) || new URL(trimmed).origin !== trimmed) {
    throw new InvalidArgumentError('It should be an origin such as https://app.example, without a path.');
  }
  return trimmed;
}

const dayMs = 24 * 60 * 60 * 1000;
const unitsMs: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: dayMs };

/** A number with its unit, in milliseconds. */
export function duration(minMs: number): (text: string) => number {
  return (text) => {
    const [, count, unit = ''] = /^(\d{1,9})([smhd])$/.exec(text) ?? [];
    const ms = Number(count) * (unitsMs[unit] ?? NaN);
    if (!(ms >= minMs)) {
      const atLeast = minMs > 0 ? `, and at least ${minMs / 3_600_000}h` : '';
      throw new InvalidArgumentError(`It should be a number with its unit: 45s, 30m, 12h or 30d${atLeast}.`);
    }
    return ms;
  };
}
