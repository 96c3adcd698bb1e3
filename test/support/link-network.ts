// Links between servers in one process, over a network that a test can slow down, cut, and have lose or repeat frames.
// It watches the frames as they pass: none may go beyond the window.

import type { Environment } from '../../src/model/environment.ts';
import { Link } from '../../src/replication/link.ts';
import type {
  LinkEnd,
  LinkEvent,
  LinkOptions,
  LinkState,
  LinkTimers,
} from '../../src/replication/link-transport.ts';
import type { Replicas } from '../../src/replication/replicas-port.ts';
import { countsInWindow, type ReplicationMessage } from '../../src/wire/replication/messages.ts';
import { parseFrame } from '../../src/wire/replication/parse-message.ts';

export interface NetworkOptions {
  readonly time: LinkTimers & { readonly nowMs: number };
  readonly environment: Environment;
  readonly delayMs: () => number;
  /** Of a frame. The socket breaks some time later, as one does that can't deliver: nobody hears of the last frame otherwise. */
  readonly isLost?: () => boolean;
  readonly isRepeated?: () => boolean;
  /** Whether the socket breaks with this frame. */
  readonly isCut?: () => boolean;
}

export interface NetworkServer {
  readonly replicas: Replicas;
  readonly instance: Uint8Array;
}

export const linkWindowBytes = 4 * 1024 * 1024;
const reconnectMs = 500;
/** How long a socket that has lost something seems to live on. */
const breaksAfterMs = 3_000;

/** A pair of servers of which the first connects to the second again and again, as long as it is up. */
export class NetworkLink {
  private sides: [Side, Side] | null = null;
  private readonly links: Link[] = [];
  private isUp = false;
  readonly ends: LinkEnd[] = [];
  readonly events: LinkEvent[] = [];
  /** All messages that were sent, the connecting side's and the other's. */
  readonly sent: { readonly by: 'connects' | 'accepts'; readonly message: ReplicationMessage }[] = [];
  readonly faults: string[] = [];

  constructor(
    readonly connecting: NetworkServer,
    readonly accepting: NetworkServer,
    private readonly options: NetworkOptions,
    private readonly linkOptions: Partial<LinkOptions> = {},
  ) {}

  /** What the links say of themselves. */
  get states(): LinkState[] {
    return (this.sides ?? []).map(({ link }) => link.state);
  }

  get isInStep(): boolean {
    return this.sides !== null && this.states.every(({ isInStep }) => isInStep);
  }

  up(): void {
    this.isUp = true;
    if (!this.sides) this.connect();
  }

  down(): void {
    this.isUp = false;
    this.cut();
  }

  /** The socket breaks: what is under way is lost. */
  cut(): void {
    const sides = this.sides;
    if (!sides) return;
    this.sides = null;
    for (const side of sides) side.close();
    this.options.time.after(reconnectMs, () => {
      if (this.isUp && !this.sides) this.connect();
    });
  }

  /** Resolves when nothing goes on that any link of the past began. */
  async settled(): Promise<void> {
    for (const link of this.links) await link.settled();
  }

  private connect(): void {
    const connecting = this.sideOf(this.connecting, 'connects');
    const accepting = this.sideOf(this.accepting, 'accepts');
    connecting.other = accepting;
    accepting.other = connecting;
    this.sides = [connecting, accepting];
    connecting.begin();
    accepting.begin();
  }

  private sideOf({ replicas, instance }: NetworkServer, role: 'connects' | 'accepts'): Side {
    return new Side(this.options, {
      role,
      makeLink: (transport) => {
        const link = new Link({
          replicas: this.watched(replicas, role),
          instance,
          role,
          transport,
          timers: this.options.time,
          environment: this.options.environment,
          observe: (event) => this.events.push(event),
          onEnd: (end) => this.ends.push(end),
          ...this.linkOptions,
        });
        this.links.push(link);
        return link;
      },
      onSent: (message) => this.sent.push({ by: role, message }),
      onFault: (fault) => this.faults.push(fault),
      onClosed: () => this.cut(),
    });
  }

  /** Notes if what concerns one project isn't dealt with one after the other. */
  private watched(replicas: Replicas, role: string): Replicas {
    const busy = new Set<string>();
    const alone = async <T>(project: string, work: () => Promise<T>): Promise<T> => {
      if (busy.has(project)) this.faults.push(`${role} deals with two messages of ${project} at once`);
      busy.add(project);
      return work().finally(() => busy.delete(project));
    };
    return {
      get serverId() {
        return replicas.serverId;
      },
      catalogue: (after) => replicas.catalogue(after),
      isReplicated: (project) => replicas.isReplicated(project),
      digest: (project) => replicas.digest(project),
      standing: (project) => replicas.standing(project),
      open: (project, known, kept) => replicas.open(project, known, kept),
      listen: (moved) => replicas.listen(moved),
      renewLife: (reason, left) => replicas.renewLife(reason, left),
      listenLives: (renewed) => replicas.listenLives(renewed),
      meet: (project, theirs) => alone(project, () => replicas.meet(project, theirs)),
      accept: (project, groups) => alone(project, () => replicas.accept(project, groups)),
      receiveSnapshot: (project) => replicas.receiveSnapshot(project),
      resumeSnapshot: (project) => replicas.resumeSnapshot(project),
      listenLost: (wanted) => replicas.listenLost(wanted),
      borrowLost: (project) => replicas.borrowLost(project),
      lost: (project) => replicas.lost(project),
      repair: (project, records, from) => replicas.repair(project, records, from),
      finishRepair: (project) => replicas.finishRepair(project),
      read: (project, range) => replicas.read(project, range),
    };
  }
}

interface SideOptions {
  readonly role: 'connects' | 'accepts';
  readonly makeLink: (transport: LinkOptions['transport']) => Link;
  readonly onSent: (message: ReplicationMessage) => void;
  readonly onFault: (fault: string) => void;
  readonly onClosed: () => void;
}

class Side {
  link!: Link;
  other!: Side;
  /** Bytes of frames that count and were not acknowledged. */
  private outstanding = 0;
  private isClosed = false;
  private lastArrivalMs = 0;
  private readonly underWay: (() => void)[] = [];

  constructor(
    private readonly network: NetworkOptions,
    private readonly options: SideOptions,
  ) {}

  begin(): void {
    this.link = this.options.makeLink({
      send: (frame) => this.send(frame),
      close: () => this.later(() => this.options.onClosed()),
    });
  }

  close(): void {
    this.isClosed = true;
    this.link.end();
  }

  private send(frame: Uint8Array): void {
    if (this.isClosed) return;
    const { message } = parseFrame(frame);
    this.options.onSent(message);
    if (message.type === 'ack') this.other.outstanding -= message.bytes;
    if (countsInWindow(message)) this.count(frame.length);
    if (this.network.isLost?.()) {
      this.network.time.after(breaksAfterMs, () => {
        if (!this.isClosed) this.options.onClosed();
      });
      return;
    }
    for (let times = this.network.isRepeated?.() ? 2 : 1; times > 0; times--)
      this.later(() => {
        this.other.link.receive(new Uint8Array(frame));
        if (this.network.isCut?.()) this.options.onClosed();
      });
  }

  private count(bytes: number): void {
    const before = this.outstanding;
    this.outstanding += bytes + 512;
    if (before > 0 && this.outstanding > linkWindowBytes)
      this.options.onFault(`${this.options.role} has ${this.outstanding} bytes outstanding`);
  }

  /** In the order of the calls, as a socket does. */
  private later(arrive: () => void): void {
    const { time, delayMs } = this.network;
    this.lastArrivalMs = Math.max(this.lastArrivalMs, time.nowMs + delayMs());
    this.underWay.push(arrive);
    time.after(this.lastArrivalMs - time.nowMs, () => {
      const first = this.underWay.shift();
      if (!this.isClosed) first?.();
    });
  }
}
