// Says what a key of the store is of (docs/format.md), and reads the numbers in it. Scans call this.

import { numberBytes, numberMax, readEscaped, readNumber } from './key-parts.ts';
import { sections, type Section } from './keys.ts';
import { projectOfKey } from './store-keys.ts';

/** What a key of the store is of. */
export type StoredKey =
  | { readonly type: 'store' }
  | { readonly type: 'project' | 'unfinished' | 'purge' | 'holder'; readonly project: string }
  | {
      readonly type: 'data';
      readonly project: string;
      readonly section: Section;
      /** Behind the project and the letter of the section. */
      readonly rest: Uint8Array;
    };

/** Null for a key that this release doesn't know. */
export function readKey(key: Uint8Array): StoredKey | null {
  switch (String.fromCharCode(key[0] ?? 0)) {
    case '!':
      return { type: 'store' };
    case 'p':
      return { type: 'project', project: projectOfKey(key) };
    case 'n':
      return { type: 'unfinished', project: projectOfKey(key) };
    case 'q':
      return { type: 'purge', project: projectOfKey(key) };
    case 'h':
      return { type: 'holder', project: readEscaped(key.subarray(key.indexOf(0) + 1)) };
    case 'd': {
      const end = key.indexOf(0) + 1;
      const section = sectionOfLetter.get(key[end] ?? 0);
      if (end === 0 || !section) return null;
      return {
        type: 'data',
        project: readEscaped(key.subarray(1, end)),
        section,
        rest: key.subarray(end + 1),
      };
    }
    default:
      return null;
  }
}

const sectionOfLetter = new Map(
  Object.entries(sections).map(([section, letter]) => [letter.charCodeAt(0), section as Section]),
);

/** Server id and seqno of a sequence key. */
export function readSequenceKey(key: Uint8Array): { serverId: number; seqno: number } {
  return {
    serverId: readNumber(key.subarray(-2 * numberBytes, -numberBytes)),
    seqno: readNumber(key.subarray(-numberBytes)),
  };
}

/** Position and chunk of a snapshot's key; `null` for its header. */
export function readSnapshotKey(key: Uint8Array): { position: number; chunk: number | null } {
  const chunk = readLastNumber(key);
  return {
    position: readNumber(key.subarray(-2 * numberBytes, -numberBytes)),
    chunk: chunk === numberMax ? null : chunk,
  };
}

/** The arrival that a key is of, and its part; `null` for its mark. */
export function readArrivalKey(key: Uint8Array): { arrival: number; part: number | null } {
  const { position: arrival, chunk: part } = readSnapshotKey(key);
  return { arrival, part };
}

/** The number that the key of a record, a version, a posting or a change of `udt` ends with. */
export function readLastNumber(key: Uint8Array): number {
  return readNumber(key.subarray(-numberBytes));
}
