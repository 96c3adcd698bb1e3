// What another server sends with a snapshot (REP-7), kept beside the log until all of it is here: the pieces of the snapshot, then
// the records that go with it. The core writes it part by part, and takes it over into the log; what is cut off it goes on with, if
// its label says of which snapshot it is.

import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { z } from 'zod';
import { RejoinError } from '../errors.ts';
import { printVersionVector, type VersionVector } from '../model/version-vector.ts';
import { seal, sealJson, unseal, unsealJson } from './digest.ts';
import type { ProjectKeys } from './keys.ts';
import { readArrivalKey } from './read-key.ts';
import { removeRange } from './remove-range.ts';
import { firstOf, type Store, type Write } from './store.ts';

/** What comes at once, about 256 KiB. */
export interface ArrivedPart {
  /** Of the snapshot, as its sender has made it; empty if there is none. */
  readonly piece: Uint8Array;
  /** Of whole groups. */
  readonly records: readonly Uint8Array[];
}

const markShape = z.object({
  /** The position of the log from which on it is taken. */
  from: z.number(),
});

/** From this mark on it is gone on with, whatever happens, until it is taken. */
export type ArrivalMark = z.infer<typeof markShape>;

const labelShape = z.object({
  /** That of the snapshot, as hexadecimal digits. */
  name: z.string(),
  /** What the snapshot has. */
  covers: z.array(z.tuple([z.number(), z.number()])),
});

/** Of which snapshot an arrival is. */
export interface ArrivalLabel {
  readonly name: Uint8Array;
  readonly covers: VersionVector;
}

export class Arrival {
  private parts = 0;

  /** @param number of its own among those of the project. */
  constructor(
    private readonly store: Store,
    private readonly keys: ProjectKeys,
    readonly number: number,
  ) {}

  /** Resolves when it is durable. @param label goes with the first part; null if it can't be gone on with when it is cut off. */
  async add({ piece, records }: ArrivedPart, label: ArrivalLabel | null): Promise<void> {
    const key = this.keys.arrivalPart(this.number, this.parts);
    const bytes = encoding.encode((encoder) => {
      encoding.writeVarUint8Array(encoder, piece);
      encoding.writeVarUint(encoder, records.length);
      for (const record of records) encoding.writeVarUint8Array(encoder, record);
    });
    const writes: Write[] = [{ key, value: seal(key, bytes) }];
    if (label && this.parts === 0) writes.push(this.writeLabel(label));
    this.parts++;
    await this.store.write(writes);
  }

  /** In the order of `add`, also those of before that it is to go on behind. @throws RejoinError `damaged`. */
  async *read(): AsyncGenerator<ArrivedPart> {
    let expected = 0;
    for await (const page of this.store.scan(this.keys.arrivalParts(this.number))) {
      for (const { key, value } of page) {
        const { part } = readArrivalKey(key);
        if (part !== expected++)
          throw new RejoinError('damaged', `Part ${expected - 1} of what another server has sent is missing`);
        yield readPart(unseal(key, value));
      }
    }
    if (expected < this.parts)
      throw new RejoinError('damaged', `Part ${expected} of what another server has sent is missing`);
  }

  /** What is added next follows so many parts that are here already. */
  goOnBehind(parts: number): void {
    this.parts = parts;
  }

  /** Null if there is none that can be read: then nothing can go on behind it. */
  async label(): Promise<ArrivalLabel | null> {
    const key = this.keys.arrivalLabel(this.number);
    const sealed = await this.store.get(key);
    if (!sealed) return null;
    try {
      const { name, covers } = labelShape.parse(unsealJson(key, sealed));
      return { name: Buffer.from(name, 'hex'), covers: new Map(covers) };
    } catch {
      return null;
    }
  }

  private writeLabel({ name, covers }: ArrivalLabel): Write {
    const key = this.keys.arrivalLabel(this.number);
    const label = { name: Buffer.from(name).toString('hex'), covers: printVersionVector(covers) };
    return { key, value: sealJson(key, label) };
  }

  /** From then on it is taken, whatever happens, and nothing follows. */
  begin(mark: ArrivalMark): readonly Write[] {
    const key = this.keys.arrivalMark(this.number);
    return [
      { key, value: sealJson(key, mark) },
      { key: this.keys.arrivalLabel(this.number), value: null },
    ];
  }

  /** It is taken: what is left is to be removed. */
  end(): Write {
    return { key: this.keys.arrivalMark(this.number), value: null };
  }

  /** Whether it has to be taken. */
  async isBegun(): Promise<boolean> {
    return (await this.store.get(this.keys.arrivalMark(this.number))) !== undefined;
  }

  /** Null if it hasn't to be taken. @throws RejoinError `damaged`. */
  async mark(): Promise<ArrivalMark | null> {
    const key = this.keys.arrivalMark(this.number);
    const sealed = await this.store.get(key);
    if (!sealed) return null;
    const parsed = markShape.safeParse(unsealJson(key, sealed));
    if (!parsed.success)
      throw new RejoinError('damaged', 'The mark of what another server has sent is damaged');
    return parsed.data;
  }

  async remove(): Promise<void> {
    // The label goes first: without it what is left is never gone on with.
    const label = this.keys.arrivalLabel(this.number);
    if (await this.store.get(label)) await this.store.write([{ key: label, value: null }]);
    await removeRange(this.store, this.keys.arrival(this.number));
  }
}

/** All of which anything is stored, in the order of their numbers. */
export async function* findArrivals(store: Store, keys: ProjectKeys): AsyncGenerator<Arrival> {
  for (let last = 0; ;) {
    const first = await firstOf(store, keys.arrivalsBehind(last));
    if (!first) return;
    last = readArrivalKey(first.key).arrival;
    yield new Arrival(store, keys, last);
  }
}

/** Whether one has to be taken, or is being taken. */
export async function hasBegunArrival(store: Store, keys: ProjectKeys): Promise<boolean> {
  for await (const arrival of findArrivals(store, keys)) if (await arrival.isBegun()) return true;
  return false;
}

function readPart(bytes: Uint8Array): ArrivedPart {
  const decoder = decoding.createDecoder(bytes);
  const piece = decoding.readVarUint8Array(decoder);
  const records: Uint8Array[] = [];
  for (let left = decoding.readVarUint(decoder); left > 0; left--)
    records.push(decoding.readVarUint8Array(decoder));
  return { piece, records };
}
