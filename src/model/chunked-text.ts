// Text that came in chunks of UTF-8 bytes: stretches of it, read from front to back, and slices of it to look through.
// The parser of large JSON reads its text through it, so that the bytes are never put together as a whole.

export interface Slice {
  readonly bytes: Uint8Array;
  /** Where in the text it begins, in bytes. */
  readonly at: number;
}

export class ChunkedText {
  readonly byteLength: number;
  private readonly decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  /** The chunk that the last stretch began in, and where in the text that one begins. */
  private chunk = 0;
  private chunkAt = 0;

  constructor(private readonly chunks: readonly Uint8Array[]) {
    this.byteLength = chunks.reduce((sum, { length }) => sum + length, 0);
  }

  /** All of it from a place on, none of the slices larger than this. */
  *slices(from: number, bytesMax: number): Generator<Slice, void> {
    let chunkAt = 0;
    for (const chunk of this.chunks) {
      for (let start = Math.max(0, from - chunkAt); start < chunk.length; start += bytesMax)
        yield { bytes: chunk.subarray(start, start + bytesMax), at: chunkAt + start };
      chunkAt += chunk.length;
    }
  }

  /**
   * The text of the bytes from `from` to before `to`, between these ASCII characters.
   * @param from is never less than the last time.
   * @throws TypeError if it isn't UTF-8.
   */
  read(from: number, to: number, before: string, after: string): string {
    const bytes = new Uint8Array(before.length + to - from + after.length);
    writeAscii(before, bytes, 0);
    this.copy(from, to, bytes.subarray(before.length));
    writeAscii(after, bytes, bytes.length - after.length);
    return this.decoder.decode(bytes);
  }

  private copy(from: number, to: number, target: Uint8Array): void {
    for (let chunk = this.chunks[this.chunk]; chunk; chunk = this.chunks[++this.chunk]) {
      if (this.chunkAt + chunk.length > from) break;
      this.chunkAt += chunk.length;
    }
    let at = this.chunkAt;
    for (let i = this.chunk; at < to; i++) {
      const chunk = this.chunks[i];
      if (!chunk) return;
      const start = Math.max(0, from - at);
      target.set(chunk.subarray(start, to - at), at + start - from);
      at += chunk.length;
    }
  }
}

function writeAscii(text: string, target: Uint8Array, at: number): void {
  for (let i = 0; i < text.length; i++) target[at + i] = text.charCodeAt(i);
}
