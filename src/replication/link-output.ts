// What a link sends: it numbers the frames, and holds back those that count in the window until the peer has dealt
// with enough of what it was sent before, so that a slow peer costs neither side more than the window (REP-3).

import { RejoinError } from '../errors.ts';
import { countsInWindow, type ReplicationMessage } from '../wire/replication/messages.ts';
import { printFrame } from '../wire/replication/print-message.ts';
import { windowCost, windowCostMax } from './link-window.ts';

/** Called when there is room, which may be much later. null: nothing need be sent any more. */
export type MakeMessage = () => ReplicationMessage | null;

interface Waiting {
  readonly make: MakeMessage;
  readonly settle: (isSent: boolean) => void;
  /** What its frame cost when there was no room for it: a long one isn't printed again before there is. */
  cost: number;
}

/** With less than this outstanding, what only begins things may be sent. */
const lightCostMax = windowCostMax / 4;

export class LinkOutput {
  private lastNumber = 0;
  private outstandingCost = 0;
  private hasEnded = false;
  private readonly waiting: Waiting[] = [];
  bytesSent = 0;

  constructor(
    private readonly write: (frame: Uint8Array) => void,
    /** The peer has dealt with something. */
    private readonly onRoom: () => void,
  ) {}

  /** Whether the peer keeps up: there is room for what only begins things. */
  get isLight(): boolean {
    return this.waiting.length === 0 && this.outstandingCost < lightCostMax;
  }

  /** Sends a message that doesn't count in the window. */
  send(message: ReplicationMessage): void {
    if (!this.hasEnded) this.put(printFrame({ number: this.lastNumber + 1, message }));
  }

  /** Sends a message that counts when its turn comes and there is room. @returns whether it was sent. */
  sendInWindow(make: MakeMessage): Promise<boolean> {
    if (this.hasEnded) return Promise.resolve(false);
    return new Promise((settle) => {
      this.waiting.push({ make, settle, cost: 0 });
      this.pump();
    });
  }

  /** @throws RejoinError `bad-request` if that much isn't outstanding. */
  acknowledged(cost: number): void {
    if (cost > this.outstandingCost)
      throw new RejoinError(
        'bad-request',
        `ack.bytes is ${cost}, but only ${this.outstandingCost} are outstanding`,
      );
    this.outstandingCost -= cost;
    this.pump();
    this.onRoom();
  }

  /** Nothing is sent any more; who waits is told so. */
  end(): void {
    this.hasEnded = true;
    for (const { settle } of this.waiting.splice(0)) settle(false);
  }

  private pump(): void {
    for (let next = this.waiting[0]; next && !this.hasEnded; next = this.waiting[0]) {
      if (!this.fits(next.cost)) return;
      const message = next.make();
      const frame = message && printFrame({ number: this.lastNumber + 1, message });
      const cost = frame && countsInWindow(message) ? windowCost(frame.length) : 0;
      next.cost = cost;
      if (!this.fits(cost)) return;
      this.waiting.shift();
      this.outstandingCost += cost;
      if (frame) this.put(frame);
      next.settle(frame !== null);
    }
  }

  /** A frame that is longer than the window goes when nothing else is outstanding. */
  private fits(cost: number): boolean {
    return this.outstandingCost === 0 || this.outstandingCost + cost <= windowCostMax;
  }

  private put(frame: Uint8Array): void {
    this.lastNumber++;
    this.bytesSent += frame.length;
    this.write(frame);
  }
}
