// Reads what servers store, by docs/format.md alone and by none of the code under test: keys, records, entries of the catalogue.
// The ledger calls it for all that reaches a disk or a link.

import { createHash } from 'node:crypto';

export interface SeenRecord {
  readonly serverId: number;
  readonly seqno: number;
  readonly groupIndex: number;
  readonly groupSize: number;
  /** Of a session that is made in slices: `session`, `slice`s, `closing`. */
  readonly kind: 'session' | 'slice' | 'closing' | 'other';
  /** Of the header, which has the digests of the object and the update: what it stands for can't differ. */
  readonly checksum: string;
  /** JSON text, or null. */
  readonly object: string | null;
  readonly update: Uint8Array | null;
}

export type SeenKey =
  | { readonly type: 'record'; readonly project: string; readonly position: number }
  | { readonly type: 'project'; readonly project: string }
  | { readonly type: 'other' };

/** Ids of projects in the simulation have no byte that is escaped. */
export function readKey(key: Uint8Array): SeenKey {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.length);
  const section = String.fromCharCode(bytes[0] ?? 0);
  if (section !== 'd' && section !== 'p') return { type: 'other' };
  const end = bytes.indexOf(0);
  const project = bytes.toString('utf8', 1, end);
  if (section === 'p') return { type: 'project', project };
  if (bytes[end + 1] !== 'r'.charCodeAt(0)) return { type: 'other' };
  return { type: 'record', project, position: bytes.readUIntBE(end + 2, 6) };
}

/** What the catalogue says of a project. */
export interface SeenEntry {
  /** How often it was deleted and brought back: odd while it is deleted (REP-14). */
  readonly lifecycle: number;
  readonly isSession: boolean;
}

export function readEntry(sealed: Uint8Array): SeenEntry {
  const info = JSON.parse(Buffer.from(sealed.subarray(8)).toString('utf8')) as {
    session: unknown;
    tombstone: unknown;
    lifecycle?: number;
  };
  const lifecycle = info.lifecycle ?? (info.tombstone === null ? 0 : 1);
  return { lifecycle, isSession: info.session !== null };
}

/** The bytes of a record are checked when it is seen first, and the next ones when it differs. */
export class RecordReader {
  private readonly seen = new Map<string, SeenRecord>();

  /** @throws Error that says what is wrong with it. */
  read(bytes: Uint8Array): SeenRecord {
    const name = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');
    const known = this.seen.get(name);
    if (known) return known;
    const record = readRecord(bytes);
    this.seen.set(name, record);
    return record;
  }
}

function readRecord(bytes: Uint8Array): SeenRecord {
  const reader = new Reader(bytes);
  const present = reader.byte();
  const checksum = reader.take(8).toString('hex');
  const header = reader.take(reader.number());
  if (hashOf(header).toString('hex', 0, 8) !== checksum) throw new Error('a record fails its checksum');
  const fields = new Reader(header);
  if (fields.byte() !== 1) throw new Error('a record has another format');
  const [serverId, seqno] = [fields.number(), fields.number()];
  const [groupIndex, groupSize] = [fields.number(), fields.number()];
  fields.number(); // its time
  fields.byte(); // its protocol
  fields.take(fields.number()); // its user
  const kind = (['session', 'slice', 'closing'] as const)[fields.byte() - 5] ?? 'other';
  const parts = fields.byte();
  const [object, update] = [1, 2].map((bit) => {
    if ((parts & bit) === 0) return null;
    const [length, digest] = [fields.number(), fields.take(16)];
    if ((present & bit) === 0) return null;
    const part = reader.take(length);
    if (hashOf(part).compare(digest, 0, 16, 0, 16) !== 0) throw new Error('a record fails its digest');
    return part;
  });
  return {
    serverId,
    seqno,
    groupIndex,
    groupSize,
    kind,
    checksum,
    object: object?.toString('utf8') ?? null,
    update: update ?? null,
  };
}

function hashOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}

class Reader {
  private at = 0;
  private readonly bytes: Buffer;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  byte(): number {
    return this.bytes.readUInt8(this.at++);
  }

  /** Seven bits a byte, the lowest first; the eighth says that more follow. */
  number(): number {
    let value = 0;
    for (let factor = 1; ; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) return value;
    }
  }

  take(length: number): Buffer {
    if (this.at + length > this.bytes.length) throw new Error('a record ends too early');
    return this.bytes.subarray(this.at, (this.at += length));
  }
}
