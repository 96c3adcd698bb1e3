// What the outside world decides: the time and chance. Read here, handed down from the command line, and replaced by
// tests and simulations.

import { randomBytes } from 'node:crypto';

export interface Environment {
  /** Milliseconds since 1970. */
  now(): number;
  /** Unguessable bytes. */
  randomBytes(count: number): Uint8Array;
  /** Calls back once, after a time in milliseconds. @returns how to take that back. */
  after(delayMs: number, run: () => void): () => void;
}

export const realEnvironment: Environment = {
  now: () => Date.now(),
  randomBytes: (count) => randomBytes(count),
  after: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};

/** A random integer from 0 to 2^bits − 1; bits is a multiple of 8, at most 48. */
export function randomInteger(environment: Environment, bits: 8 | 16 | 24 | 32 | 40 | 48): number {
  return environment.randomBytes(bits / 8).reduce((sum, byte) => sum * 256 + byte, 0);
}
