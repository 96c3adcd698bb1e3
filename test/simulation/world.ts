// One run of the simulation: servers, clients and faults, step by step, all decided by one seed. simulation.ts runs it and has the
// checker look at what it comes to.

import type { ObservedEvent } from '../../src/core/observer.ts';
import type { Sizes } from '../../src/core/sizes.ts';
import { Chance } from '../campaigns/kill9/chance.ts';
import { Ledger } from './ledger.ts';
import { SimClock } from './sim-clock.ts';
import type { SimClient } from './sim-client.ts';
import { SimNetwork } from './sim-network.ts';
import { SimPeers } from './sim-peers.ts';
import { SessionMaker, madeId } from './session-maker.ts';
import { SimServer, emptyCopy, type ServerCopy } from './sim-server.ts';
import { StreamClient } from './stream-client.ts';
import { Trace } from './trace.ts';
import { UdtSimClient, sessionId } from './udt-sim-client.ts';
import { YjsSimClient } from './yjs-sim-client.ts';

export interface WorldOptions {
  readonly seed: number;
  readonly servers: number;
  readonly steps: number;
  /** Whether updates that a snapshot covers are dropped. */
  readonly compacts: boolean;
  /** So many of the last things that happened are kept. */
  readonly traceLines: number;
}

const stepMsMax = 40;
const downMsMax = 900;
/** Old copies begin when there is something to be lost. */
const firstCopyStep = 40;

/** How often something happened: a simulation in which it doesn't shows nothing. */
export type WorldCounts = {
  crashes: number;
  restores: number;
  rollbacks: number;
  partitions: number;
  cuts: number;
  moves: number;
  deletions: number;
  /** Projects that were deleted for good. */
  purges: number;
  closes: number;
  /** Disks that took no writes for a while. */
  failures: number;
  /** Servers that were started on a copy of another one's disk. */
  twins: number;
  /** Links that broke, and servers that crashed, while parts of a snapshot were on their way. */
  snapshotCuts: number;
  snapshotCrashes: number;
};

export class World {
  readonly clock = new SimClock();
  readonly chance: Chance;
  readonly ledger: Ledger;
  readonly network: SimNetwork;
  readonly servers: readonly SimServer[];
  readonly streamClients: readonly StreamClient[];
  readonly udtClients: readonly UdtSimClient[];
  readonly yjsClients: readonly YjsSimClient[];
  readonly maker: SessionMaker;
  readonly trace: Trace;
  readonly counts: WorldCounts = {
    crashes: 0,
    restores: 0,
    rollbacks: 0,
    partitions: 0,
    cuts: 0,
    moves: 0,
    deletions: 0,
    purges: 0,
    closes: 0,
    failures: 0,
    twins: 0,
    snapshotCuts: 0,
    snapshotCrashes: 0,
  };
  isEnding = false;
  private readonly peers: SimPeers;
  /** By the number of the server. */
  private readonly copies = new Map<number, ServerCopy>();

  constructor(private readonly options: WorldOptions) {
    const { seed, servers } = options;
    const chance = new Chance(seed);
    const serverOptions = { keepUpdatesMs: options.compacts ? 0 : Infinity, sizes: sizesOf(chance) };
    this.chance = chance;
    this.trace = new Trace(() => this.clock.nowMs, options.traceLines);
    this.ledger = new Ledger(servers);
    this.network = new SimNetwork(this.clock, chance.fork());
    this.servers = Array.from(
      { length: servers },
      (_, index) => new SimServer(index, this.clock, chance.fork(), this.ledger, this, serverOptions),
    );
    this.peers = new SimPeers(this, chance.fork());
    const home = (): SimServer => this.anyServer();
    const name = (index: number): string => `c${index}`;
    this.streamClients = [0, 1, 2].map((i) => new StreamClient(name(i), this, chance.fork(), home()));
    this.udtClients = [3, 4].map(
      (i) => new UdtSimClient(name(i), this, chance.fork(), i === 3 ? this.servers[0]! : home()),
    );
    if (chance.oneIn(2)) this.udtClients[1]!.dialect = 'v2';
    this.yjsClients = [5, 6, 7].map(
      (i) => new YjsSimClient(name(i), this, chance.fork(), home(), i === 5 ? 'report' : sessionId),
    );
    this.maker = new SessionMaker(name(8), this, chance.fork(), home());
    // Another server may have something of the project already when the session comes.
    if (chance.oneIn(3)) this.streamClients[0]!.projects.push(madeId);
  }

  get clients(): readonly SimClient[] {
    return [...this.streamClients, ...this.udtClients, ...this.yjsClients, this.maker];
  }

  note(what: string): void {
    this.trace.note(what);
  }

  /** All the steps. Stops at the first problem. */
  async run(): Promise<void> {
    for (const server of this.servers) void server.start();
    this.udtClients[0]!.creates = true;
    if (this.chance.oneIn(2)) this.udtClients[0]!.samplesMade = this.chance.integer(12, 40);
    await this.pass(20);
    for (const client of this.clients) client.connect();
    for (let step = 0; step < this.options.steps && !this.hasFailed; step++) {
      this.step(step);
      await this.pass(this.chance.integer(0, stepMsMax));
    }
  }

  /** Ends all faults, has all servers up and all clients connected. */
  heal(): void {
    this.note('all is healed');
    this.isEnding = true;
    this.network.isHealed = true;
    this.network.heal();
    this.network.cutBroken();
    for (const server of this.servers) {
      server.setSlow(false);
      server.setFailing(false);
      void server.start();
    }
    for (const client of this.clients) client.connect();
  }

  pass(ms: number): Promise<void> {
    return this.clock.runTo(this.clock.nowMs + ms);
  }

  get hasFailed(): boolean {
    return this.ledger.problems.length > 0;
  }

  /** Nothing of it goes on. */
  end(): void {
    for (const server of this.servers) server.crash();
  }

  // ---- what servers tell

  started(server: SimServer): void {
    this.note(`server ${server.index} is up as ${server.run?.projects.context.life.serverId ?? ''}`);
    this.noteLife(server);
    this.peers.started(server);
  }

  stopped(server: SimServer): void {
    this.peers.stopped(server);
    for (const client of this.clients) if (client.isAt(server)) client.cut();
  }

  observed(server: SimServer, event: ObservedEvent): void {
    const { type, detail } = event;
    this.note(`server ${server.index} tells ${type}: ${detail}`);
    if (type === 'life-renewed') this.noteLife(server);
    // A change that meets a new server id midway is given up and tried again.
    const isOvertaken = type === 'change-dropped' && detail.startsWith('Nothing was written');
    const isWrong = ['damage', 'change-dropped', 'upkeep-failed', 'store-failed'].includes(type);
    if (isWrong && !isOvertaken && !server.hasFailed)
      this.ledger.fail(`server ${server.index} tells ${type}: ${detail}`);
  }

  private noteLife({ run }: SimServer): void {
    if (run) this.ledger.lived(run.projects.context.life);
  }

  /** Some of them break in the middle: the link does, or the server to which it goes. */
  snapshotSent(from: SimServer, to: SimServer): void {
    if (this.isEnding || !this.chance.oneIn(8)) return;
    this.clock.after(this.chance.integer(0, 30), () => {
      if (this.isEnding) return;
      if (this.chance.oneIn(3)) {
        this.counts.snapshotCrashes++;
        this.crash(to);
      } else {
        this.counts.snapshotCuts++;
        this.note(`a snapshot from server ${from.index} to server ${to.index} is cut`);
        this.network.cut(from.index, to.index);
      }
    });
  }

  // ---- steps

  private step(number: number): void {
    const { chance } = this;
    if (!chance.oneIn(5)) {
      const client = chance.pick(this.clients as [SimClient, ...SimClient[]]);
      if (chance.oneIn(12)) {
        this.counts.moves++;
        client.move();
      } else if (chance.oneIn(15)) {
        this.note(`${client.name} is cut off`);
        client.cut();
      } else {
        client.act();
      }
      return;
    }
    const server = this.anyServer();
    switch (chance.integer(1, 18)) {
      case 1:
      case 2:
        this.crash(server);
        break;
      case 3:
      case 4:
        this.copy(server, number);
        break;
      case 5:
        this.restore(server);
        break;
      case 6:
      case 7:
        this.partition(server);
        break;
      case 8:
        this.note('the network is whole');
        this.network.heal();
        break;
      case 9:
        this.cut(server);
        break;
      case 10:
        this.note(`the clock of server ${server.index} is set`);
        server.setClock();
        break;
      case 11:
        server.setSlow(chance.oneIn(2));
        break;
      case 12:
        this.deleteOrBringBack(server);
        break;
      case 13:
        this.failDisk(server);
        break;
      case 14:
        this.makeTwin(server, number);
        break;
      default:
        this.closeDocument(server);
    }
  }

  private crash(server: SimServer): void {
    if (!server.run) return;
    this.counts.crashes++;
    this.note(`server ${server.index} crashes`);
    server.crash();
    this.clock.after(this.chance.integer(1, downMsMax), () => void server.start());
  }

  private copy(server: SimServer, step: number): void {
    if (step < firstCopyStep || this.udtClients[0]!.creates || this.copies.has(server.index)) return;
    this.note(`server ${server.index} is copied`);
    this.copies.set(server.index, server.copy());
  }

  /** Its disk is replaced by an old copy; now and then by an empty one. */
  private restore(server: SimServer): void {
    const copy = this.chance.oneIn(4) ? emptyCopy() : this.copies.get(server.index);
    if (!copy || !server.run || this.copies.size === 0) return;
    this.counts.restores++;
    this.copies.delete(server.index);
    const isRolledBack = this.chance.oneIn(3) && server.rollBack(copy);
    this.note(`server ${server.index} is ${isRolledBack ? 'rolled back' : 'restored'}`);
    if (isRolledBack) this.counts.rollbacks++;
    else {
      server.crash();
      server.restore(copy);
    }
    this.ledger.restored((mark) => this.clients.some((client) => client.holds(mark)));
    this.clock.after(this.chance.integer(1, downMsMax), () => void server.start());
  }

  /** It starts on a copy of another one's disk, and nobody has told it so (REP-9). */
  private makeTwin(server: SimServer, step: number): void {
    const other = this.anyServer();
    const isMeant = step >= firstCopyStep && this.chance.oneIn(3);
    if (!isMeant || other === server || !server.run || !other.run || !other.isOpen) return;
    if (this.udtClients[0]!.creates) return;
    this.counts.twins++;
    this.note(`server ${server.index} starts on the disk of server ${other.index}`);
    server.becomeTwin(other);
    this.ledger.restored((mark) => this.clients.some((client) => client.holds(mark)));
    this.clock.after(this.chance.integer(1, downMsMax), () => void server.start());
  }

  private partition(server: SimServer): void {
    const other = this.anyServer();
    if (other === server) return;
    this.counts.partitions++;
    this.note(`servers ${server.index} and ${other.index} are apart`);
    this.network.partition(server.index, other.index);
    this.clock.after(this.chance.integer(100, 2_500), () => this.network.heal());
  }

  private cut(server: SimServer): void {
    const other = this.anyServer();
    if (other === server) return;
    this.counts.cuts++;
    this.note(`what is open between servers ${server.index} and ${other.index} breaks`);
    this.network.cut(server.index, other.index);
  }

  /** Its disk takes no writes for a while, or only not the next one. */
  private failDisk(server: SimServer): void {
    if (!server.run) return;
    this.counts.failures++;
    this.note(`the disk of server ${server.index} fails`);
    server.setFailing(true);
    this.clock.after(this.chance.pick([5, 50, 400, 2_000]), () => server.setFailing(false));
  }

  /** A document leaves memory, with a snapshot if there is enough for one; then what it covers is compacted. */
  private closeDocument(server: SimServer): void {
    const { run } = server;
    if (!run) return;
    const id = this.chance.pick([sessionId, sessionId, 'report', 'report', madeId]);
    this.counts.closes++;
    this.note(`server ${server.index} closes ${id}`);
    const close = async (): Promise<void> => {
      await run.projects.use(id, (project) => project.closeDocument(() => false));
      await run.projects.upkeep.tidy(id);
    };
    close().catch((error: unknown) => {
      if (!run.store.hasFailed) this.ledger.fail(`closing ${id}: ${String(error)}`);
    });
  }

  private deleteOrBringBack(server: SimServer): void {
    const { run } = server;
    if (!run) return;
    this.counts.deletions++;
    this.peers.deleteOrBringBack(server, run, 'gone');
  }

  private anyServer(): SimServer {
    return this.chance.pick(this.servers as [SimServer, ...SimServer[]]);
  }
}

/** Little has many slices, pages and pieces; in some seeds it has one, as most has in a real server. */
function sizesOf(chance: Chance): Partial<Sizes> {
  if (chance.oneIn(4)) return { snapshotChanges: 30 };
  return {
    sliceValues: chance.integer(6, 40),
    uncutUnits: 64,
    pageBytes: chance.pick([200, 800, 4_000]),
    pieceBytes: chance.pick([100, 500, 2_000]),
    snapshotChanges: chance.integer(10, 40),
  };
}
