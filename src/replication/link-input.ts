// What a link receives: it follows the numbers of the frames, holds the peer to the window, and acknowledges what is
// dealt with, several frames at once where they come fast (REP-3).

import { RejoinError } from '../errors.ts';
import { countsInWindow, type ReplicationMessage } from '../wire/replication/messages.ts';
import { parseFrame } from '../wire/replication/parse-message.ts';
import { windowCost, windowCostMax } from './link-window.ts';

export type Received =
  /** `cost` is to be given to `dealtWith`. */
  | { readonly type: 'message'; readonly message: ReplicationMessage; readonly cost: number }
  /** It came twice. */
  | { readonly type: 'known' }
  /** One before it was lost. */
  | { readonly type: 'gap'; readonly detail: string };

/** So much is acknowledged at once while more is being dealt with. */
const acknowledgedAtOnce = windowCostMax / 16;

export class LinkInput {
  private lastNumber = 0;
  private outstandingCost = 0;
  private outstandingFrames = 0;
  private owedCost = 0;
  bytesReceived = 0;

  constructor(private readonly acknowledge: (cost: number) => void) {}

  /** @throws RejoinError `bad-request` for what is no frame, or more than the window allows. */
  read(bytes: Uint8Array): Received {
    const { number, message } = parseFrame(bytes);
    if (number <= this.lastNumber) return { type: 'known' };
    if (number > this.lastNumber + 1)
      return { type: 'gap', detail: `Frame ${number} came behind frame ${this.lastNumber}` };
    this.lastNumber = number;
    this.bytesReceived += bytes.length;
    return { type: 'message', message, cost: countsInWindow(message) ? this.count(bytes.length) : 0 };
  }

  /** A frame of this cost is dealt with, durably where it brought changes. */
  dealtWith(cost: number): void {
    if (cost === 0) return;
    this.outstandingFrames--;
    this.owedCost += cost;
    if (this.outstandingFrames > 0 && this.owedCost < acknowledgedAtOnce) return;
    const owed = this.owedCost;
    this.owedCost = 0;
    this.outstandingCost -= owed;
    this.acknowledge(owed);
  }

  private count(frameBytes: number): number {
    const cost = windowCost(frameBytes);
    if (this.outstandingCost > 0 && this.outstandingCost + cost > windowCostMax)
      throw new RejoinError(
        'bad-request',
        `The frame goes beyond the window of ${windowCostMax} bytes: ${this.outstandingCost} are not acknowledged yet`,
      );
    this.outstandingFrames++;
    this.outstandingCost += cost;
    return cost;
  }
}
