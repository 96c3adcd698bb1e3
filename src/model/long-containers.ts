// Puts a JSON value together piece by piece: long arrays and objects are cut between their members, each piece is given
// to JSON.parse, and what it brings goes to the end of its container. It is told of the marks of the text, in order.

import { RejoinError } from '../errors.ts';
import type { ChunkedText } from './chunked-text.ts';
import type { MarkReader } from './json-marks.ts';
import { checkJson, jsonDepthMax, type Json } from './json.ts';

/** Thrown for text that isn't UTF-8, isn't JSON or is nested too deep: what exactly isn't known yet. */
export class UnparsableText extends Error {}

type LongContainer = Json[] | Record<string, Json>;

/** An array or object that was opened and not closed yet. The outermost one stands for the text: an array of one value. */
interface Open {
  isArray: boolean;
  /** Where it was opened. */
  at: number;
  /** Where the text begins that isn't parsed yet. While the container is not a long one, that is its first byte. */
  from: number;
  /** What comes before `from`. */
  behind: 'opening' | 'comma' | 'long-member';
  /** The last comma between members after `from`, or -1. */
  comma: number;
  /** From here on it is cut at its next comma. */
  cutAt: number;
  /** What of it is parsed; undefined until it turns out to be a long one. */
  value: LongContainer | undefined;
}

export class LongContainers implements MarkReader {
  /** By depth; those deeper than `depth` are used again. */
  private readonly open: Open[] = Array.from({ length: jsonDepthMax + 1 }, () => newOpen());
  private depth = 0;
  private mayBeBad = false;

  /**
   * @param pieceBytes of text are parsed at once, and up to twice as many: more only where a single string, number
   *   or run of white space is longer.
   */
  constructor(
    private readonly text: ChunkedText,
    private readonly pieceBytes: number,
    from: number,
  ) {
    Object.assign(this.top, { from, cutAt: 0, value: [] }); // the text has no comma outside its value
  }

  /** Whether a part of the value would not pass `checkJson`. It may have been replaced by a later member of its key. */
  get isSuspect(): boolean {
    return this.mayBeBad;
  }

  /** The value, when it was told of all marks. @throws UnparsableText. */
  end(): Json {
    if (this.depth > 0) throw new UnparsableText();
    const { top } = this;
    this.take(top, this.text.byteLength, true);
    const [value, ...more] = top.value as Json[];
    if (value === undefined || more.length > 0) throw new UnparsableText();
    return value;
  }

  private get top(): Open {
    return this.at(0);
  }

  private at(depth: number): Open {
    const container = this.open[depth];
    if (!container) throw new UnparsableText(); // deeper than allowed
    return container;
  }

  onComma(at: number): void {
    const container = this.at(this.depth);
    container.comma = at;
    if (at < container.cutAt) return;
    if (this.depth === 0) throw new UnparsableText();
    this.makeLong();
    this.take(container, at, false);
    continueAfter(container, at, 'comma');
    container.cutAt = at + this.pieceBytes;
  }

  onOpening(isArray: boolean, at: number): void {
    const container = this.at(++this.depth);
    container.isArray = isArray;
    container.at = at;
    container.value = undefined;
    container.cutAt = at + this.pieceBytes;
    continueAfter(container, at, 'opening');
  }

  onClosing(isArray: boolean, at: number): void {
    const container = this.at(this.depth);
    if (this.depth === 0 || container.isArray !== isArray) throw new UnparsableText();
    this.depth--;
    if (!container.value) return; // it is parsed with what is around it
    this.take(container, at, true);
    const parent = this.at(this.depth);
    continueAfter(parent, at, 'long-member');
    parent.cutAt = 0; // what is behind a long member is to be looked at before any other comes
  }

  /** Gives the innermost container, and so all those around it, a value of its own to be filled. */
  private makeLong(): void {
    for (let depth = 1; depth <= this.depth; depth++) {
      const container = this.at(depth);
      container.value ??= this.takeEmptied(container, this.at(depth - 1));
    }
  }

  /** Parses what precedes a container in its parent, then its own member, as if there were nothing in it. */
  private takeEmptied(container: Open, parent: Open): LongContainer {
    if (parent.comma >= 0) {
      const { comma } = parent;
      this.take(parent, comma, false);
      continueAfter(parent, comma, 'comma');
    }
    if (parent.behind === 'long-member') throw new UnparsableText(); // without a comma between
    const member = this.parse(parent, container.at + 1, container.isArray ? ']' : '}');
    const [emptied, ...more] = Object.values(member);
    if (!isContainer(emptied) || more.length > 0) throw new UnparsableText();
    append(parent, member);
    return emptied;
  }

  /**
   * Parses the members of a long container from where it was left.
   * @param isLast whether it ends there, and not with a comma.
   */
  private take(container: Open, to: number, isLast: boolean): void {
    const members = this.parse(container, to, '');
    const isEmpty = append(container, members) === 0;
    const mayBeEmpty = container.behind === 'long-member' || (isLast && container.behind === 'opening');
    if (isEmpty ? !mayBeEmpty : container.behind === 'long-member') throw new UnparsableText();
  }

  private parse({ isArray, from }: Open, to: number, after: string): LongContainer {
    let members: LongContainer;
    try {
      const text = this.text.read(from, to, isArray ? '[' : '{', after + (isArray ? ']' : '}'));
      members = JSON.parse(text) as LongContainer; // by its brackets
    } catch {
      throw new UnparsableText();
    }
    this.check(members);
    return members;
  }

  private check(members: LongContainer): void {
    if (this.mayBeBad) return; // the whole will be checked
    try {
      checkJson(members);
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      this.mayBeBad = true;
    }
  }
}

function newOpen(): Open {
  return { isArray: true, at: 0, from: 0, behind: 'opening', comma: -1, cutAt: 0, value: undefined };
}

function continueAfter(container: Open, at: number, behind: Open['behind']): void {
  container.from = at + 1;
  container.behind = behind;
  container.comma = -1;
}

function isContainer(value: Json | undefined): value is LongContainer {
  return typeof value === 'object' && value !== null;
}

/** @returns how many members there were. */
function append({ value }: Open, members: LongContainer): number {
  if (Array.isArray(members)) {
    if (Array.isArray(value)) for (const member of members) value.push(member);
    return members.length;
  }
  const entries = Object.entries(members);
  if (value && !Array.isArray(value)) for (const [key, member] of entries) setMember(value, key, member);
  return entries.length;
}

/** As JSON.parse does it: the last of equal keys wins, in the place of the first, and `__proto__` is a key like others. */
function setMember(object: Record<string, Json>, key: string, value: Json): void {
  if (key !== '__proto__') object[key] = value;
  else Object.defineProperty(object, key, { value, writable: true, enumerable: true, configurable: true });
}
