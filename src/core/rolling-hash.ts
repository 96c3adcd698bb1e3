// The polynomial hash of UDT-2 over text that is written bit by bit: hash(a + b) = hash(a) · 31^length(b) + hash(b),
// modulo 2³². So the hash of a text can be put together from the hashes of its parts.

/** A text, as far as its hash is concerned. */
export interface Piece {
  /** Signed 32-bit. */
  readonly hash: number;
  /** 31^length modulo 2³², signed. */
  readonly power: number;
  /** In UTF-16 units. */
  readonly length: number;
}

export class RollingHash {
  private hash = 0;
  private power = 1;
  private currentLength = 0;

  get length(): number {
    return this.currentLength;
  }

  write(text: string): void {
    let hash = this.hash;
    let power = this.power;
    for (let i = 0; i < text.length; i++) {
      hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0;
      power = Math.imul(power, 31);
    }
    this.hash = hash;
    this.power = power;
    this.currentLength += text.length;
  }

  /** Writes what JSON.stringify makes of a string. */
  writeString(string: string): void {
    let hash = (Math.imul(this.hash, 31) + quote) | 0;
    let power = Math.imul(this.power, 31);
    for (let i = 0; i < string.length; i++) {
      const unit = string.charCodeAt(i);
      if (unit < 0x20 || unit === quote || unit === backslash || (unit & 0xf800) === 0xd800) {
        this.write(JSON.stringify(string)); // has something to escape, or half a character
        return;
      }
      hash = (Math.imul(hash, 31) + unit) | 0;
      power = Math.imul(power, 31);
    }
    this.hash = (Math.imul(hash, 31) + quote) | 0;
    this.power = Math.imul(power, 31);
    this.currentLength += string.length + 2;
  }

  append(piece: Piece): void {
    this.hash = (Math.imul(this.hash, piece.power) + piece.hash) | 0;
    this.power = Math.imul(this.power, piece.power);
    this.currentLength += piece.length;
  }

  /** Makes another character of the last one, which is known: it counts in the hash with the factor 31⁰. */
  replaceLast(character: string, replacement: string): void {
    this.hash = (this.hash - character.charCodeAt(0) + replacement.charCodeAt(0)) | 0;
  }

  /** What was written since the last time; from here on the text is empty. */
  take(): Piece {
    const piece = { hash: this.hash, power: this.power, length: this.currentLength };
    this.hash = 0;
    this.power = 1;
    this.currentLength = 0;
    return piece;
  }
}

const quote = 0x22;
const backslash = 0x5c;
