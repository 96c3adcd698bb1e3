// Checks the snapshots of one project as they come by: each chunk, and that all of them are there. A part of the check of a
// project.

import { hasCode } from '../errors.ts';
import { unseal, unsealJson } from './digest.ts';
import { readSnapshotKey } from './read-key.ts';
import { snapshotHeaderShape } from './snapshots.ts';
import type { Entry } from './store.ts';

export class SnapshotCheck {
  /** Positions of snapshots that are whole. */
  readonly whole: number[] = [];
  /** Of those that have a header and are not. */
  readonly damaged: { readonly position: number; readonly problem: string }[] = [];
  private chunks = 0;
  private bytes = 0;
  private problem: string | null = null;
  private position = 0;

  /** A chunk or a header, in the order of keys: a header is behind its chunks. */
  take({ key, value }: Entry): void {
    const { position, chunk } = readSnapshotKey(key);
    if (position !== this.position) {
      this.position = position;
      [this.chunks, this.bytes, this.problem] = [0, 0, null];
    }
    try {
      if (chunk === null) this.takeHeader(unsealJson(key, value));
      else this.takeChunk(chunk, unseal(key, value));
    } catch (error) {
      if (!hasCode(error, 'damaged')) throw error;
      this.problem ??= chunk === null ? 'its header is damaged' : `chunk ${chunk} is damaged`;
    }
    if (chunk !== null) return; // without a header it was never whole: a crash left it
    if (this.problem === null) this.whole.push(position);
    else this.damaged.push({ position, problem: this.problem });
  }

  private takeChunk(chunk: number, bytes: Uint8Array): void {
    if (chunk !== this.chunks) this.problem ??= `chunk ${this.chunks} is missing`;
    this.chunks = chunk + 1;
    this.bytes += bytes.length;
  }

  private takeHeader(value: unknown): void {
    const header = snapshotHeaderShape.safeParse(value).data;
    if (!header) this.problem ??= 'its header is damaged';
    else if (header.chunks !== this.chunks || header.bytes !== this.bytes)
      this.problem ??= `it has ${this.chunks} chunks with ${this.bytes} bytes, its header says ${header.chunks} with ${header.bytes}`;
  }
}
