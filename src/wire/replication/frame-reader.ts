// Reads the numbers, texts and byte strings that frames of replication are made of (docs/replication-protocol.md). What
// isn't there or can't be is an error that names its field. parse-message.ts calls it.

import { RejoinError } from '../../errors.ts';
import { parseProjectId, projectIdBytesMax, type ProjectId } from '../../model/project-id.ts';

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export class FrameReader {
  /** What is read now, for errors. */
  part = 'frame';
  /** Which element of a list is read now: errors name it where a field's name has `[]`. */
  index = 0;
  private at = 0;

  constructor(private readonly bytes: Uint8Array) {}

  get left(): number {
    return this.bytes.length - this.at;
  }

  /** A lib0 varUint: seven bits a byte, the lowest first. */
  integer(field: string, min: number, max: number): number {
    let value = 0;
    for (let factor = 1; factor <= 2 ** 49; factor *= 128) {
      const byte = this.bytes[this.at++];
      if (byte === undefined) throw this.missing(field);
      value += (byte & 127) * factor;
      if (byte >= 128) continue;
      if (value >= min && value <= max) return value;
      break;
    }
    throw this.refusal(field, `must be an integer from ${printBound(min)} to ${printBound(max)}`);
  }

  boolean(field: string): boolean {
    return this.integer(field, 0, 1) === 1;
  }

  /** One of these, by its place in the list. */
  choice<T>(field: string, from: readonly T[]): T {
    const place = this.integer(field, 0, Number.MAX_SAFE_INTEGER);
    const chosen = from[place];
    if (chosen === undefined)
      throw this.refusal(field, `is ${place}; the highest that is known is ${from.length - 1}`);
    return chosen;
  }

  /**
   * How many elements follow. The bytes that are left must suffice for so many, so that nothing is allocated for elements that aren't
   * there.
   */
  count(field: string, max: number, elementBytesMin: number): number {
    const count = this.integer(field, 0, Number.MAX_SAFE_INTEGER);
    if (count > max) throw this.refusal(field, `has ${count} elements; at most ${max} are allowed`);
    if (count * elementBytesMin > this.left)
      throw this.refusal(field, `has ${count} elements, but only ${this.left} bytes follow`);
    return count;
  }

  /** A view of so many bytes. */
  take(field: string, length: number): Uint8Array {
    if (length > this.left) throw this.missing(field);
    const start = this.bytes.byteOffset + this.at;
    this.at += length;
    return new Uint8Array(this.bytes.buffer, start, length);
  }

  /** A view of bytes that are preceded by their length. */
  slice(field: string, min: number, max: number): Uint8Array {
    const length = this.integer(field, 0, Number.MAX_SAFE_INTEGER);
    if (length < min || length > max)
      throw this.refusal(
        field,
        `is ${length} bytes long; it must be ${printBound(min)} to ${printBound(max)}`,
      );
    if (length > this.left)
      throw this.refusal(field, `is ${length} bytes long, but only ${this.left} bytes follow`);
    return this.take(field, length);
  }

  /** UTF-8, preceded by its length in bytes. */
  text(field: string, min: number, max: number): string {
    const bytes = this.slice(field, min, max);
    try {
      return utf8.decode(bytes);
    } catch (error) {
      throw this.refusal(field, 'must be valid UTF-8', error);
    }
  }

  project(field: string): ProjectId {
    const text = this.text(field, 1, projectIdBytesMax);
    return parseProjectId(text, this.nameOf(field));
  }

  /** @throws RejoinError `bad-request` if something follows. */
  end(): void {
    if (this.left > 0) throw this.refusal('', `is followed by ${this.left} bytes that belong to no field`);
  }

  /** Passes over what is left. */
  skip(): void {
    this.at = this.bytes.length;
  }

  /** The error that a field is wrong in this way. */
  refusal(field: string, problem: string, cause?: unknown): RejoinError {
    return new RejoinError('bad-request', `${this.nameOf(field)} ${problem}`, { cause });
  }

  private missing(field: string): RejoinError {
    return this.refusal(field, 'is cut off: the frame ends too early');
  }

  private nameOf(field: string): string {
    const name = field.replace('[]', `[${this.index}]`);
    return name === '' ? this.part : `${this.part}.${name}`;
  }
}

/** Large bounds are powers of two less one. */
function printBound(bound: number): string {
  const bits = Math.log2(bound + 1);
  return bits >= 31 && Number.isInteger(bits) ? `2^${bits} - 1` : String(bound);
}
