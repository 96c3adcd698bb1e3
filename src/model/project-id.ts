// Project ids as clients send and receive them. Every parser in wire/ that reads the name of a project calls this.

import { RejoinError } from '../errors.ts';

/** The one form in which rejoin knows a project; a project named by a number is known by its decimal string. */
export type ProjectId = string;

export const projectIdBytesMax = 256;

/**
 * Reads the id of a project (WS-2).
 * @param value a string, or a safe integer, which stands for its canonical decimal string.
 * @param field how the sender knows the value, for the error.
 * @throws RejoinError `bad-request` that names the field.
 */
export function parseProjectId(value: unknown, field: string): ProjectId {
  if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) return String(value);
    throw refusal(field, 'must be an integer of at most 2^53 - 1, or a string');
  }
  if (typeof value !== 'string') throw refusal(field, 'must be the id of a project: a string or an integer');
  if (value === '') throw refusal(field, 'must not be empty');
  // No code unit takes less than a byte: the first half spares encoding megabytes.
  if (value.length > projectIdBytesMax || new TextEncoder().encode(value).byteLength > projectIdBytesMax)
    throw refusal(field, `must be at most ${projectIdBytesMax} bytes long in UTF-8`);
  if (!value.isWellFormed()) throw refusal(field, 'must be valid Unicode; it has a lone surrogate');
  if (controlCharacter.test(value)) throw refusal(field, 'must not contain NUL or another control character');
  return value;
}

/** The id as it is printed: a project named by a safe integer is printed as a number (WS-2). */
export function printProjectId(id: ProjectId): string | number {
  const number = Number(id);
  return Number.isSafeInteger(number) && String(number) === id ? number : id;
}

/** C0, DEL and C1. */
const controlCharacter = /\p{Cc}/u;

function refusal(field: string, problem: string): RejoinError {
  return new RejoinError('bad-request', `${field} ${problem}`);
}
