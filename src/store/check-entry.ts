// Checks one entry of the store, whatever it is, and says in words what it is. Backup and verification read everything by it.

import { unseal } from './digest.ts';
import type { Section } from './keys.ts';
import { readKey, readLastNumber, readSequenceKey, readSnapshotKey, type StoredKey } from './read-key.ts';
import { decodeRecord, type LogRecord } from './record.ts';
import type { Entry } from './store.ts';

/** @returns the record, if it is one. @throws RejoinError `damaged` if it isn't what was stored under its key. */
export function checkEntry({ key, value }: Entry, place: StoredKey | null): LogRecord | null {
  if (place?.type === 'data' && place.section === 'record') return decodeRecord(value);
  unseal(key, value);
  return null;
}

/** Where an entry belongs, for people: `project "film", position 12`. */
export function nameOfEntry(key: Uint8Array, place: StoredKey | null = readKey(key)): string {
  const ofProject = place && 'project' in place ? `project ${JSON.stringify(place.project)}, ` : '';
  return ofProject + nameOfPart(key, place);
}

/** The same without its project. */
export function nameOfPart(key: Uint8Array, place: StoredKey | null): string {
  switch (place?.type) {
    case undefined:
      return `the unknown key ${JSON.stringify(Buffer.from(key).toString('latin1'))}`;
    case 'store':
      return `what is kept of the whole folder under ${Buffer.from(key).toString('latin1')}`;
    case 'project':
      return 'its entry in the catalogue';
    case 'unfinished':
      return 'the mark of a session that is being created';
    case 'purge':
      return 'the mark of its removal';
    case 'holder':
      return 'the index of reports and topics';
    case 'data':
      return sectionNames[place.section](key, place.rest);
  }
}

const atPosition = (key: Uint8Array): string => `position ${readLastNumber(key)}`;

const sectionNames: Readonly<Record<Section, (key: Uint8Array, rest: Uint8Array) => string>> = {
  record: atPosition,
  sequence: (key) => {
    const { serverId, seqno } = readSequenceKey(key);
    return `the number [${serverId}, ${seqno}]`;
  },
  uuid: (_, rest) => `the index of the uuid ${Buffer.from(rest.subarray(1)).toString('utf8')}`,
  version: (key) => `version ${readLastNumber(key)} of udt`,
  clients: () => 'its Yjs clientIDs',
  topLevelKeys: () => 'the top-level keys of udt',
  snapshot: (key) => `the snapshot at position ${readSnapshotKey(key).position}`,
  idempotency: () => 'the answer to a request with an Idempotency-Key',
  samples: (_, rest) => `how often the sample ${Buffer.from(rest).toString('utf8')} was changed`,
  upkeep: () => 'what compaction has done',
  postings: (key) => `the index of reports, topics and users at position ${readLastNumber(key)}`,
  indexMark: () => 'how far it is indexed',
  udtChanges: (key) => `the index of changes of udt at position ${readLastNumber(key)}`,
  unkeptPatches: (key) => `the index of patches at position ${readLastNumber(key)}`,
  quarantine: () => 'what is wanted back from other servers',
  unordered: () => 'the mark of its order',
  arrivals: () => 'what another server is sending',
  repeats: (key) => `the index of repeated objects at position ${readLastNumber(key)}`,
};
