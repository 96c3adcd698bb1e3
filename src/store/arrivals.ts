// What another server sends with a snapshot (REP-7), kept beside the log until all of it is here: the pieces of the snapshot, then
// the records that go with it. The core writes it part by part, and takes it over into the log.

import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { z } from 'zod';
import { RejoinError } from '../errors.ts';
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

export class Arrival {
  private parts = 0;

  /** @param number of its own among those of the project. */
  constructor(
    private readonly store: Store,
    private readonly keys: ProjectKeys,
    readonly number: number,
  ) {}

  /** Resolves when it is durable. */
  async add({ piece, records }: ArrivedPart): Promise<void> {
    const key = this.keys.arrivalPart(this.number, this.parts++);
    const bytes = encoding.encode((encoder) => {
      encoding.writeVarUint8Array(encoder, piece);
      encoding.writeVarUint(encoder, records.length);
      for (const record of records) encoding.writeVarUint8Array(encoder, record);
    });
    await this.store.write([{ key, value: seal(key, bytes) }]);
  }

  /** In the order of `add`. @throws RejoinError `damaged`. */
  async *read(): AsyncGenerator<ArrivedPart> {
    let expected = 0;
    for await (const page of this.store.scan(this.keys.arrival(this.number))) {
      for (const { key, value } of page) {
        const { part } = readArrivalKey(key);
        if (part === null) continue;
        if (part !== expected++)
          throw new RejoinError('damaged', `Part ${expected - 1} of what another server has sent is missing`);
        yield readPart(unseal(key, value));
      }
    }
  }

  begin(mark: ArrivalMark): Write {
    const key = this.keys.arrivalMark(this.number);
    return { key, value: sealJson(key, mark) };
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

function readPart(bytes: Uint8Array): ArrivedPart {
  const decoder = decoding.createDecoder(bytes);
  const piece = decoding.readVarUint8Array(decoder);
  const records: Uint8Array[] = [];
  for (let left = decoding.readVarUint(decoder); left > 0; left--)
    records.push(decoding.readVarUint8Array(decoder));
  return { piece, records };
}
