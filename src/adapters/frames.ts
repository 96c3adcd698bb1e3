// Puts the messages of streams into WebSocket frames: one buffer for a piece of history, and live messages that many
// streams share, made once. Streams call it; a server's frames are a header and the bytes as they are (RFC 6455, 5.2).

import type { ChangePrinter, PrintableChange } from '../wire/stream/print-changes.ts';

/** Bytes that are whole frames, and how many. */
export interface Frames {
  /** To be written one behind the other. */
  readonly pieces: readonly Uint8Array[];
  readonly count: number;
}

/** Messages as frames in one buffer of their own: what is written to the network at once costs least. */
export function framesOf(changes: readonly PrintableChange[], printer: ChangePrinter): Frames {
  let bytes = 0;
  const parts = changes.map((change) => {
    const head = printer.head(change);
    const { start, rest } = printer.tail(change);
    const begin = frameHeader(head.length + start.length + rest.length) + head + start;
    bytes += begin.length + rest.length;
    return { begin, rest };
  });
  const buffer = Buffer.allocUnsafeSlow(bytes);
  let at = 0;
  for (const { begin, rest } of parts) {
    at += buffer.write(begin, at, 'latin1');
    buffer.set(rest, at);
    at += rest.length;
  }
  return { pieces: [buffer], count: changes.length };
}

/** Frames of what many streams are told at about the same time: each is made once. */
export class SharedFrames {
  /** By the bytes of the object, or the patch, which all streams get from one place. */
  private readonly made = new WeakMap<object, Map<ChangePrinter['vocabulary'], MadeFrame>>();
  /** Frames that were sent one behind the other, in one buffer, by the first of them. */
  private readonly joined = new WeakMap<Uint8Array, JoinedFrames>();

  framesOf(changes: readonly PrintableChange[], printer: ChangePrinter): Frames {
    const pieces = changes.flatMap((change) => {
      const { head, frame, tail } = this.frameOf(change, printer);
      const ownHead = printer.head(change);
      return ownHead === head ? [frame] : [frameBegin(ownHead, tail), tail];
    });
    const areShared = pieces.length === changes.length;
    return { pieces: areShared ? this.joinedOf(pieces) : pieces, count: changes.length };
  }

  /** Streams that are at the same place send the same frames: one buffer goes to the network faster than many. */
  private joinedOf(frames: readonly Uint8Array[]): readonly Uint8Array[] {
    const [first] = frames;
    if (!first || frames.length === 1) return frames;
    const known = this.joined.get(first);
    if (known?.frames.length === frames.length && frames.every((frame, at) => frame === known.frames[at]))
      return known.pieces;
    const pieces = [Buffer.concat(frames)] as const;
    this.joined.set(first, { frames, pieces });
    return pieces;
  }

  /** The frame of the first stream that was told of the change. */
  private frameOf(change: PrintableChange, printer: ChangePrinter): MadeFrame {
    const key = change.type === 'object' ? change.object : change.patch;
    let made = this.made.get(key);
    made ??= new Map<ChangePrinter['vocabulary'], MadeFrame>();
    this.made.set(key, made);
    let frame = made.get(printer.vocabulary);
    if (!frame) made.set(printer.vocabulary, (frame = madeFrame(change, printer)));
    return frame;
  }
}

interface JoinedFrames {
  readonly frames: readonly Uint8Array[];
  readonly pieces: readonly [Uint8Array];
}

interface MadeFrame {
  readonly head: string;
  readonly frame: Uint8Array;
  /** The end of `frame`, which the frames of other streams have too. */
  readonly tail: Uint8Array;
}

function madeFrame(change: PrintableChange, printer: ChangePrinter): MadeFrame {
  const head = printer.head(change);
  const { start, rest } = printer.tail(change);
  const headerBytes = frameHeader(head.length + start.length + rest.length);
  const frame = Buffer.concat([Buffer.from(headerBytes + head + start, 'latin1'), rest]);
  return { head, frame, tail: frame.subarray(headerBytes.length + head.length) };
}

function frameBegin(head: string, tail: Uint8Array): Uint8Array {
  return Buffer.from(frameHeader(head.length + tail.length) + head, 'latin1');
}

/** Of an unmasked text frame that is a whole message; one unit per byte. */
function frameHeader(payloadBytes: number): string {
  if (payloadBytes < 126) return `\x81${String.fromCharCode(payloadBytes)}`;
  if (payloadBytes < 0x1_0000) return `\x81\x7e${bigEndian(payloadBytes, 2)}`;
  return `\x81\x7f${bigEndian(payloadBytes, 8)}`;
}

function bigEndian(value: number, bytes: number): string {
  let text = '';
  for (let rest = value; text.length < bytes; rest = Math.floor(rest / 256))
    text = String.fromCharCode(rest % 256) + text;
  return text;
}
