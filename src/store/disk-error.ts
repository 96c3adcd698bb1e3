// Says in plain words what is wrong with a disk, whoever reported it: LevelDB, Node, or one of our errors that quotes
// them. The store calls it when it can't be opened, the core when a write failed.

import { messageOf } from '../errors.ts';

/** A clause such as "the disk is full", or the message itself where it is about something else. */
export function diskProblem(thrown: unknown): string {
  const message = messageOf(thrown);
  const known = knownProblems.find(({ pattern }) => pattern.test(message));
  return known ? known.words : message;
}

/** Whether it is one of the problems that a disk has, and not a defect. */
export function isDiskProblem(thrown: unknown): boolean {
  const message = messageOf(thrown);
  return knownProblems.some(({ pattern }) => pattern.test(message));
}

const knownProblems = [
  { pattern: /no space left|\bENOSPC\b/i, words: 'the disk is full' },
  { pattern: /quota exceeded|\bEDQUOT\b/i, words: 'the disk quota is used up' },
  { pattern: /input\/output error|\bEIO\b/i, words: 'the disk reports an input/output error' },
  { pattern: /read-only file system|\bEROFS\b/i, words: 'the disk is mounted read-only' },
  { pattern: /file too large|\bEFBIG\b/i, words: 'a file would be larger than is allowed' },
] as const;
