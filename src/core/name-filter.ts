// Which names were added, in memory of fixed size (a Bloom filter): "no" is certain, "yes" is not. KnownUuids has one where it
// spares the questions to the store.

/** 512 KiB: of a million names one in eight that were never added seems to be there, of a hundred thousand none to speak of. */
const bitsCount = 2 ** 22;
const bitsPerName = 3;

export class NameFilter {
  private readonly words = new Uint32Array(bitsCount / 32);

  /** The memory that it takes. */
  get bytes(): number {
    return this.words.byteLength;
  }

  add(name: string): void {
    const { first, step } = hashesOf(name);
    for (let i = 0; i < bitsPerName; i++) {
      const bit = (first + i * step) & (bitsCount - 1);
      this.words[bit >>> 5] = (this.words[bit >>> 5] ?? 0) | (1 << (bit & 31));
    }
  }

  mayHave(name: string): boolean {
    const { first, step } = hashesOf(name);
    for (let i = 0; i < bitsPerName; i++) {
      const bit = (first + i * step) & (bitsCount - 1);
      if (((this.words[bit >>> 5] ?? 0) & (1 << (bit & 31))) === 0) return false;
    }
    return true;
  }
}

/** Two of FNV's kind, 32 bits each; the second is odd. */
function hashesOf(name: string): { first: number; step: number } {
  let first = 0x811c9dc5;
  let step = 0x9e3779b9;
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    first = Math.imul(first ^ unit, 0x01000193);
    step = Math.imul(step ^ unit, 0x85ebca6b);
  }
  return { first: first ^ (first >>> 15), step: (step ^ (step >>> 13)) | 1 };
}
