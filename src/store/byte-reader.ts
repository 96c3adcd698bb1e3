// Reads the numbers and byte strings that records and LevelDB's files are made of. Used by record.ts, where every row of a
// history passes, and by the readers of LevelDB's MANIFEST and tables.

/** Thrown at the first thing that isn't there or can't be. Its users say in which file that was. */
export class Unreadable extends Error {}

export class ByteReader {
  constructor(
    private readonly bytes: Uint8Array,
    private at = 0,
  ) {}

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  /** Seven bits a byte, the lowest first. */
  varint(): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.byte();
      value += (byte & 127) * factor;
      if (byte < 128) {
        if (!Number.isSafeInteger(value)) break;
        return value;
      }
    }
    throw new Unreadable('a number is too large');
  }

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Unreadable('it ends too early');
    return byte;
  }

  take(length: number): Uint8Array {
    const end = this.at + length;
    if (end > this.bytes.length) throw new Unreadable('it ends too early');
    const taken = this.bytes.subarray(this.at, end);
    this.at = end;
    return taken;
  }

  /** One unit per byte, which costs less than a view of the bytes. */
  latin1(length: number): string {
    return this.text(length, 'latin1');
  }

  /** Preceded by its length in bytes. */
  utf8(): string {
    return this.text(this.varint(), 'utf8');
  }

  /** Preceded by its length. */
  slice(): Uint8Array {
    return this.take(this.varint());
  }

  private text(length: number, encoding: 'latin1' | 'utf8'): string {
    const end = this.at + length;
    if (end > this.bytes.length) throw new Unreadable('it ends too early');
    const { buffer, byteOffset, byteLength } = this.bytes;
    const bytes = Buffer.isBuffer(this.bytes) ? this.bytes : Buffer.from(buffer, byteOffset, byteLength);
    const text = bytes.toString(encoding, this.at, end);
    this.at = end;
    return text;
  }
}
