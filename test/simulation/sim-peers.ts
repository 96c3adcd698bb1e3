// The links between the servers of a simulation: the real ones, over simulated sockets. One of each two servers opens them, and
// opens them again when they have ended.

import type { Project } from '../../src/core/project.ts';
import { Replicas } from '../../src/core/replicas.ts';
import { RejoinError } from '../../src/errors.ts';
import type { LinkEnd, LinkPeer } from '../../src/replication/link-transport.ts';
import { Link } from '../../src/replication/link.ts';
import { admit, type AdmittedLink } from '../../src/replication/peer-admission.ts';
import { parseFrame } from '../../src/wire/replication/parse-message.ts';
import type { Chance } from '../campaigns/kill9/chance.ts';
import type { Ledger } from './ledger.ts';
import type { SimClock } from './sim-clock.ts';
import type { SimNetwork, SocketEnd } from './sim-network.ts';
import type { ServerRun, SimServer } from './sim-server.ts';

/** The world, as far as the links need it. */
export interface PeersWorld {
  readonly clock: SimClock;
  readonly network: SimNetwork;
  readonly servers: readonly SimServer[];
  readonly ledger: Ledger;
  readonly counts: { purges: number };
  /** A part of a snapshot is on its way. */
  snapshotSent(from: SimServer, to: SimServer): void;
  note(what: string): void;
}

/** Two servers of which the first opens the socket. */
interface Pair {
  readonly connects: SimServer;
  readonly accepts: SimServer;
  /** While there is one: what ends it on both sides. */
  links: readonly { readonly server: SimServer; readonly link: Link }[];
  isWaiting: boolean;
}

const reconnectMsMax = 600;
/** Nothing brings such a project back: most runs should have one to the end. */
const purgeEvery = 8;

export class SimPeers {
  private readonly pairs: readonly Pair[];
  private readonly replicas = new Map<ServerRun, Replicas>();
  /** Those of each run that are open (REP-9). */
  private readonly admitted = new Map<ServerRun, Set<AdmittedLink>>();

  constructor(
    private readonly world: PeersWorld,
    private readonly chance: Chance,
  ) {
    const { servers } = world;
    const pairs: Pair[] = [];
    for (const [index, server] of servers.entries())
      for (const other of servers.slice(index + 1)) {
        const [connects, accepts] = chance.oneIn(2) ? [server, other] : [other, server];
        pairs.push({ connects, accepts, links: [], isWaiting: false });
      }
    // A chain or a ring.
    if (pairs.length > 2 && chance.oneIn(2)) pairs.splice(chance.integer(0, pairs.length - 1), 1);
    this.pairs = pairs;
  }

  started(server: SimServer): void {
    for (const pair of this.pairs)
      if (pair.connects === server || pair.accepts === server) this.connectSoon(pair);
  }

  stopped(server: SimServer): void {
    for (const pair of this.pairs) {
      if (pair.connects !== server && pair.accepts !== server) continue;
      for (const { server: at, link } of pair.links) if (at === server) link.end();
      this.world.network.cut(pair.connects.index, pair.accepts.index);
    }
  }

  /** Deletes a project, or brings it back if it was deleted; now and then it is deleted for good instead. */
  deleteOrBringBack(server: SimServer, { projects, store }: ServerRun, project: string): void {
    const { ledger } = this.world;
    const isForGood = this.chance.oneIn(purgeEvery);
    const change = projects.find(project, async (opened) => {
      if (!opened) return;
      if (!opened.info?.tombstone) await opened.delete();
      else if (isForGood) await this.purge(server, project, opened);
      else await opened.undelete();
      const { lifecycle } = ledger.disks[server.index]!.project(project);
      this.world.note(`server ${server.index} has lifecycle ${lifecycle} of ${project}`);
      ledger.lifecycles.set(project, Math.max(lifecycle, ledger.lifecycles.get(project) ?? 0));
    });
    change.catch((error: unknown) => {
      const isOvertaken = error instanceof RejoinError && ['deleted', 'conflict'].includes(error.code);
      if (!isOvertaken && !store.hasFailed)
        ledger.fail(`server ${server.index} can't delete ${project}: ${String(error)}`);
    });
  }

  private async purge(server: SimServer, project: string, opened: Project): Promise<void> {
    this.world.note(`server ${server.index} purges ${project}`);
    await opened.purge();
    this.world.counts.purges++;
    const left = this.world.ledger.disks[server.index]!.project(project).list();
    if (left.length > 0) this.world.ledger.fail(`purging ${project} has left ${left.join(', ')}`);
  }

  private connectSoon(pair: Pair): void {
    if (pair.isWaiting) return;
    pair.isWaiting = true;
    this.world.clock.after(this.chance.integer(1, reconnectMsMax), () => {
      pair.isWaiting = false;
      this.connect(pair);
    });
  }

  private connect(pair: Pair): void {
    const { connects, accepts } = pair;
    if (!connects.run || !accepts.run || pair.links.length > 0) return;
    if (!this.world.network.canReach(connects.index, accepts.index)) {
      this.connectSoon(pair);
      return;
    }
    this.world.note(`server ${connects.index} is linked with server ${accepts.index}`);
    const [here, there] = this.world.network.connect(connects.index, accepts.index);
    pair.links = [
      { server: connects, link: this.link(pair, connects.run, here, 'connects') },
      { server: accepts, link: this.link(pair, accepts.run, there, 'accepts') },
    ];
  }

  private link(pair: Pair, run: ServerRun, socket: SocketEnd, role: 'connects' | 'accepts'): Link {
    const { clock, ledger } = this.world;
    const server = pair[role];
    const other = role === 'connects' ? pair.accepts : pair.connects;
    const links = this.linksOf(run);
    const admitted = new SimAdmitted(role, socket);
    links.add(admitted);
    const link = new Link({
      replicas: this.replicasOf(run),
      transport: {
        send: (frame) => {
          if (run.isOver) return;
          this.look(server, other, frame);
          socket.send(frame);
        },
        close: () => socket.close(),
      },
      timers: {
        after: (delayMs, callback) =>
          clock.after(delayMs, () => {
            if (!run.isOver) callback();
          }),
      },
      environment: run.environment,
      role,
      instance: run.instance,
      admit: (peer) => admit(admitted, peer, { ownServerId: this.replicasOf(run).serverId, links }),
      observe: ({ type, project, detail }) => {
        this.world.note(`a link of server ${server.index}: ${type} ${project}: ${detail}`);
        if (type === 'project-failed' && !run.store.hasFailed)
          ledger.fail(`server ${server.index}, ${project}: ${detail}`);
      },
      onEnd: (end) => {
        links.delete(admitted);
        this.ended(server, run, end, socket);
      },
    });
    socket.listener = {
      receive: (frame) => {
        if (!run.isOver) link.receive(frame);
      },
      closed: () => {
        if (!run.isOver) link.end();
        pair.links = [];
        this.connectSoon(pair);
      },
    };
    return link;
  }

  private ended(server: SimServer, run: ServerRun, end: LinkEnd, socket: SocketEnd): void {
    if (run.isOver) return;
    const detail =
      end.type === 'closed' ? '' : end.type === 'cut' ? end.detail : `${end.reason} ${end.message}`;
    this.world.note(`a link of server ${server.index} has ended: ${end.type} ${detail}`);
    if (end.type === 'refused' && end.by === 'us' && end.reason !== 'twin')
      this.world.ledger.fail(`server ${server.index} refused a link: ${detail}`);
    socket.close();
  }

  private replicasOf(run: ServerRun): Replicas {
    const known = this.replicas.get(run) ?? new Replicas(run.projects);
    this.replicas.set(run, known);
    return known;
  }

  private linksOf(run: ServerRun): Set<AdmittedLink> {
    const known = this.admitted.get(run) ?? new Set();
    this.admitted.set(run, known);
    return known;
  }

  private look(server: SimServer, other: SimServer, frame: Uint8Array): void {
    const { ledger } = this.world;
    const { message } = parseFrame(frame);
    const isOfSnapshot = message.type === 'snapshot' || message.type === 'part';
    if (isOfSnapshot) this.world.snapshotSent(server, other);
    if (message.type === 'groups')
      ledger.sentGroups(server.index, message.project, message.records, message.isUnfinished);
    else if (message.type === 'fetched' || isOfSnapshot)
      for (const record of message.records) ledger.sent(server.index, message.project, record);
  }
}

/** A link, as the one who lets in others looks at it. */
class SimAdmitted implements AdmittedLink {
  peer: LinkPeer | null = null;

  constructor(
    readonly role: 'connects' | 'accepts',
    private readonly socket: SocketEnd,
  ) {}

  admit(peer: LinkPeer): void {
    this.peer = peer;
  }

  /** Of a server that is gone the sockets end at once. */
  isAnswered(): Promise<boolean> {
    return Promise.resolve(true);
  }

  cut(): void {
    this.socket.close();
  }

  close(): void {
    this.socket.close();
  }
}
