// Reads where an entry of an index leads, which names the position of a change: those of numbers and of version uuids.

import { hasCode } from '../errors.ts';
import { unseal } from './digest.ts';
import { readNumber } from './key-parts.ts';

/** The position; null if the entry is damaged. */
export function readPlace(key: Uint8Array, sealed: Uint8Array): number | null {
  try {
    return readNumber(unseal(key, sealed));
  } catch (error) {
    if (hasCode(error, 'damaged')) return null;
    throw error;
  }
}
