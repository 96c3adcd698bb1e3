// Takes a document apart into updates of bounded size, so that a large one can be stored and loaded piece by piece with
// other work in between. Snapshots are made of them.

import * as encoding from 'lib0/encoding';
import * as Y from 'yjs';
import { referencesOf } from './update-decode.ts';

/** A piece ends at this size. One struct alone may be larger, since it can't be cut. */
export const pieceBytesMin = 256 * 1024;
/** Or with so many structs: what a piece takes to apply goes by their number. */
const pieceStructsMax = 4_096;

/**
 * Updates (v1 format) that make this document when they are applied in their order to an empty one, by `applyStored`:
 * what lies between two of them is no state that anybody has seen. Each builds only on what came before it, and the last
 * ones hold the deletions. Between two of them the document may change: all that it had at the first is in them, and what
 * is added meanwhile may be.
 * @returns what is in them.
 */
export function* documentPieces(doc: Y.Doc, bytesMin = pieceBytesMin): Generator<Uint8Array, Clocks> {
  const written = new Map<number, number>();
  yield* structPieces(doc.store, written, bytesMin);
  yield* deletionPieces(doc.store, written, bytesMin);
  return written;
}

/** Clocks per clientID, exclusive: how much there is of what each client wrote. */
export type Clocks = ReadonlyMap<number, number>;

type Struct = Y.Item | Y.GC;
type StructStore = Y.Doc['store'];

function* structPieces(
  store: StructStore,
  written: Map<number, number>,
  bytesMin: number,
): Generator<Uint8Array, void> {
  // One client after the other, but for what a struct builds on: that comes first, whoever wrote it.
  const wanted = [...store.clients.keys()].map((client) => ({ client, before: Y.getState(store, client) }));
  const cursor = new StructCursor(store);
  let piece = new Piece();
  for (let next = wanted.at(-1); next; next = wanted.at(-1)) {
    const clock = written.get(next.client) ?? 0;
    if (clock >= next.before) {
      wanted.pop();
      continue;
    }
    const struct = cursor.at(next.client, clock);
    const offset = clock - struct.id.clock;
    const lack = lackOf(struct, offset, written);
    if (lack) {
      wanted.push({ client: lack.client, before: lack.clock + 1 });
      continue;
    }
    piece.add(struct, offset);
    written.set(next.client, struct.id.clock + struct.length);
    if (piece.bytes < bytesMin && piece.structs < pieceStructsMax) continue;
    yield piece.encode();
    piece = new Piece();
  }
  if (piece.structs > 0) yield piece.encode();
}

/** The first thing that a struct refers to and that isn't written yet. */
function lackOf(struct: Struct, offset: number, written: Clocks): Y.ID | undefined {
  if (!(struct instanceof Y.Item)) return undefined;
  return referencesIn(struct, offset).find(({ client, clock }) => (written.get(client) ?? 0) <= clock);
}

/** What Yjs writes of an item's place: its neighbours, or its container if it had none. */
function referencesIn(item: Y.Item, offset: number): Y.ID[] {
  if (offset > 0) return item.rightOrigin ? [item.rightOrigin] : []; // its left neighbour is its own beginning
  const { origin, rightOrigin, parent } = item;
  if (origin ?? rightOrigin) return [origin, rightOrigin].filter((id) => id !== null);
  if (parent instanceof Y.AbstractType) return parent._item ? [parent._item.id] : [];
  return referencesOf(item);
}

/** Finds structs by their clocks; they may be merged or split between two calls. */
class StructCursor {
  private readonly indexes = new Map<number, number>();

  constructor(private readonly store: StructStore) {}

  at(client: number, clock: number): Struct {
    const structs = this.store.clients.get(client) ?? [];
    let index = (this.indexes.get(client) ?? -1) + 1; // most often it is simply the next one
    if (structs[index]?.id.clock !== clock) index = Y.findIndexSS(structs, clock);
    this.indexes.set(client, index);
    const struct = structs[index];
    if (!struct) throw new Error(`the document has nothing at ${client}:${clock}`);
    return struct;
  }
}

/** An update in the making: of each client a run of structs without gaps. */
class Piece {
  private readonly runs = new Map<number, { from: number; count: number; encoder: Y.UpdateEncoderV1 }>();
  bytes = 0;
  structs = 0;

  add(struct: Struct, offset: number): void {
    let run = this.runs.get(struct.id.client);
    if (!run) {
      run = { from: struct.id.clock + offset, count: 0, encoder: new Y.UpdateEncoderV1() };
      this.runs.set(struct.id.client, run);
    }
    const before = encoding.length(run.encoder.restEncoder);
    struct.write(run.encoder, offset);
    run.count++;
    this.structs++;
    this.bytes += encoding.length(run.encoder.restEncoder) - before;
  }

  encode(): Uint8Array {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, this.runs.size);
    // Yjs merges updates on the understanding that greater clientIDs come first.
    for (const [client, run] of [...this.runs].sort(([a], [b]) => b - a)) {
      encoding.writeVarUint(encoder, run.count);
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, run.from);
      encoding.writeUint8Array(encoder, encoding.toUint8Array(run.encoder.restEncoder));
    }
    encoding.writeVarUint(encoder, 0); // no deletions
    return encoding.toUint8Array(encoder);
  }
}

/** The deletions among what is written: of anything else the receiver would keep them as pending. */
function* deletionPieces(store: StructStore, written: Clocks, bytesMin: number): Generator<Uint8Array, void> {
  let piece = new Deletions();
  for (const [client, end] of [...written].sort(([a], [b]) => b - a)) {
    const cursor = new StructCursor(store);
    const known = Math.min(end, Y.getState(store, client));
    for (let clock = 0; clock < known;) {
      const struct = cursor.at(client, clock);
      const next = Math.min(struct.id.clock + struct.length, known);
      if (struct.deleted) piece.add(client, clock, next);
      clock = next;
      if (piece.bytes < bytesMin) continue;
      yield piece.encode();
      piece = new Deletions();
    }
  }
  if (piece.bytes > 0) yield piece.encode();
}

/** A clock and a length take this much, about. */
const rangeBytes = 8;

class Deletions {
  private readonly clients = new Map<number, { clock: number; end: number }[]>();
  bytes = 0;

  add(client: number, clock: number, end: number): void {
    let ranges = this.clients.get(client);
    if (!ranges) this.clients.set(client, (ranges = []));
    const last = ranges.at(-1);
    if (last?.end === clock) {
      last.end = end;
      return;
    }
    ranges.push({ clock, end });
    this.bytes += rangeBytes;
  }

  encode(): Uint8Array {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0); // no structs
    encoding.writeVarUint(encoder, this.clients.size);
    for (const [client, ranges] of this.clients) {
      encoding.writeVarUint(encoder, client);
      encoding.writeVarUint(encoder, ranges.length);
      for (const { clock, end } of ranges) {
        encoding.writeVarUint(encoder, clock);
        encoding.writeVarUint(encoder, end - clock);
      }
    }
    return encoding.toUint8Array(encoder);
  }
}
