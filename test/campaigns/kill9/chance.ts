// Seeded chance for the kill -9 campaign: one generator per writer, so that what each does depends on the seed alone.

import * as prng from 'lib0/prng';

export class Chance {
  private readonly generator: prng.PRNG;

  constructor(seed: number) {
    this.generator = prng.create(seed);
  }

  /** Both bounds included. */
  integer(least: number, most: number): number {
    return prng.int32(this.generator, least, most);
  }

  oneIn(count: number): boolean {
    return this.integer(1, count) === 1;
  }

  pick<T>(list: readonly [T, ...T[]]): T {
    return list[this.integer(0, list.length - 1)] ?? list[0];
  }

  uuid(): string {
    const hex = Buffer.from(prng.uint8Array(this.generator, 16)).toString('hex');
    return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
  }

  /** A generator of its own, for a part that runs beside others. */
  fork(): Chance {
    return new Chance(this.integer(1, 0x7fff_fffe));
  }
}
