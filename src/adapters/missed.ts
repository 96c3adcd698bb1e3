// What a Yjs client that reads slowly was not told (YJS-11): the frames themselves while they are few; then only that
// there were more, for the log has them.

import { frameOverheadBytes } from './outgoing.ts';

/** A frame that tells of an update; all clients of a room share its bytes. */
export interface UpdateFrame {
  readonly frame: Uint8Array;
  /** The last position of the update's group in the log; null for the mere acknowledgement of something known. */
  readonly position: number | null;
}

/** As many bytes of frames are kept. */
const keptBytesMax = 256 * 1024;

export class Missed {
  /** Whether something about who is here was missed. */
  presence = false;
  /** Whether the frames are not kept any more: what is missing must be read from the log. */
  isMuch = false;
  /** The last number of durable messages (YJS-7): it says all that those before it did. */
  durableCount: number | null = null;
  private frames: UpdateFrame[] = [];
  private keptBytes = 0;

  add(frame: UpdateFrame): void {
    if (this.isMuch) return;
    this.frames.push(frame);
    this.keptBytes += frame.frame.length + frameOverheadBytes;
    if (this.keptBytes <= keptBytesMax) return;
    this.takeFrames();
    this.isMuch = true;
  }

  /** The frames that were kept, in their order; they don't count as missed any more. */
  takeFrames(): readonly UpdateFrame[] {
    const { frames } = this;
    this.frames = [];
    this.keptBytes = 0;
    return frames;
  }
}
