// Finds the brackets and commas of JSON in its bytes, outside strings. Whether the rest is JSON is for JSON.parse to see.

import type { Slice } from './chunked-text.ts';

/** Each is told where in the text its mark is. */
export interface MarkReader {
  onComma(at: number): void;
  onOpening(isArray: boolean, at: number): void;
  onClosing(isArray: boolean, at: number): void;
}

export class JsonMarks {
  private isInString = false;
  /** How many bytes of the next slice belong to an escape. */
  private escaped = 0;

  constructor(private readonly reader: MarkReader) {}

  /** Takes the next slice, cut anywhere. */
  scan({ bytes, at }: Slice): void {
    const { reader } = this;
    const end = bytes.length;
    let i = this.escaped;
    let isInString = this.isInString;
    while (i < end) {
      const byte = bytes[i++];
      if (isInString) {
        if (byte === backslash) i++;
        else if (byte === quote) isInString = false;
        continue;
      }
      switch (byte) {
        case quote:
          isInString = true;
          break;
        case comma:
          reader.onComma(at + i - 1);
          break;
        case openArray:
        case openObject:
          reader.onOpening(byte === openArray, at + i - 1);
          break;
        case closeArray:
        case closeObject:
          reader.onClosing(byte === closeArray, at + i - 1);
          break;
        default: // part of a number or a word, white space, or wrong
      }
    }
    this.escaped = i - end;
    this.isInString = isInString;
  }
}

const quote = 0x22;
const backslash = 0x5c;
const comma = 0x2c;
const openArray = 0x5b;
const closeArray = 0x5d;
const openObject = 0x7b;
const closeObject = 0x7d;
