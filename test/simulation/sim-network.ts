// The simulated network between two servers: sockets that deliver frames in order, late, twice or not at all, and that break.
// A frame that is lost takes its socket with it sooner or later, as with TCP; other sockets are faster or slower.

import type { Chance } from '../campaigns/kill9/chance.ts';
import type { SimClock } from './sim-clock.ts';

/** One end of a socket, as its owner hears of it. */
export interface SocketListener {
  receive(frame: Uint8Array): void;
  /** Called once, also for who has closed it. */
  closed(): void;
}

export interface SocketEnd {
  send(frame: Uint8Array): void;
  close(): void;
  listener: SocketListener | null;
}

const delayMsMax = 25;
const brokenMsMax = 2_000;
/** One that is slow takes so much longer for each frame, one after the other. */
const slowness = 8;

export class SimNetwork {
  /** Pairs of servers that can't reach each other, as "0-2". */
  readonly partitions = new Set<string>();
  private readonly sockets = new Set<SimSocket>();
  /** Once it is healed nothing is lost or sent twice any more. */
  isHealed = false;

  constructor(
    private readonly clock: SimClock,
    private readonly chance: Chance,
  ) {}

  canReach(a: number, b: number): boolean {
    return !this.partitions.has(pairOf(a, b));
  }

  /** Two servers that can reach each other are connected. @returns the end of the first and that of the second. */
  connect(a: number, b: number): [SocketEnd, SocketEnd] {
    const socket = new SimSocket(pairOf(a, b), this, this.clock, this.chance);
    this.sockets.add(socket);
    return [socket.ends[0], socket.ends[1]];
  }

  get openSockets(): number {
    return this.sockets.size;
  }

  partition(a: number, b: number): void {
    this.partitions.add(pairOf(a, b));
    for (const socket of this.sockets)
      if (socket.pair === pairOf(a, b))
        this.clock.after(this.chance.integer(0, brokenMsMax), () => socket.cut());
  }

  heal(): void {
    this.partitions.clear();
  }

  /** Everything that is still open between these two breaks, at once. */
  cut(a: number, b: number): void {
    for (const socket of [...this.sockets]) if (socket.pair === pairOf(a, b)) socket.cut();
  }

  /** All sockets that have lost something break. */
  cutBroken(): void {
    for (const socket of [...this.sockets]) if (socket.isBroken) socket.cut();
  }

  forget(socket: SimSocket): void {
    this.sockets.delete(socket);
  }
}

export function pairOf(a: number, b: number): string {
  return a < b ? `${a}-${b}` : `${b}-${a}`;
}

class SimSocket {
  readonly ends: readonly [SocketEnd, SocketEnd];
  isBroken = false;
  private isOpen = true;
  /** When the last frame of each direction arrives: the next one can't come before. */
  private readonly busyUntilMs: [number, number] = [0, 0];
  private readonly isSlow: boolean;

  constructor(
    readonly pair: string,
    private readonly network: SimNetwork,
    private readonly clock: SimClock,
    private readonly chance: Chance,
  ) {
    const end = (to: 0 | 1): SocketEnd => ({
      send: (frame) => this.send(frame, to),
      close: () => this.close(to),
      listener: null,
    });
    this.ends = [end(1), end(0)];
    this.isSlow = chance.oneIn(5);
  }

  /** Both sides hear of it; what is on its way is lost. */
  cut(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.network.forget(this);
    for (const { listener } of this.ends) if (listener) this.clock.after(0, () => listener.closed());
  }

  private send(frame: Uint8Array, to: 0 | 1): void {
    if (!this.isOpen) return;
    const { chance, network } = this;
    if (!network.isHealed && chance.oneIn(80)) {
      this.isBroken = true;
      this.clock.after(chance.integer(1, brokenMsMax), () => this.cut());
      return;
    }
    const times = !network.isHealed && chance.oneIn(40) ? 2 : 1;
    for (let time = 0; time < times; time++) this.deliver(to, (listener) => listener.receive(frame));
  }

  private close(to: 0 | 1): void {
    if (!this.isOpen) return;
    this.deliver(to, () => this.cut());
  }

  private deliver(to: 0 | 1, run: (listener: SocketListener) => void): void {
    const { nowMs } = this.clock;
    const delayMs = this.chance.integer(1, delayMsMax);
    const isSlow = this.isSlow && !this.network.isHealed;
    const atMs = isSlow
      ? Math.max(this.busyUntilMs[to], nowMs) + delayMs * slowness
      : Math.max(this.busyUntilMs[to], nowMs + delayMs);
    this.busyUntilMs[to] = atMs;
    this.clock.after(atMs - nowMs, () => this.arrive(to, run));
  }

  /** While the two can't reach each other nothing arrives: the socket breaks in the end. */
  private arrive(to: 0 | 1, run: (listener: SocketListener) => void): void {
    const { listener } = this.ends[to];
    if (!this.isOpen || !listener) return;
    if (!this.network.partitions.has(this.pair)) {
      run(listener);
      return;
    }
    this.isBroken = true;
    this.clock.after(brokenMsMax, () => this.cut());
  }
}
