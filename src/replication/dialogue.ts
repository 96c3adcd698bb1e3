// What two servers say to each other once they know who they are: which projects differ, what either lacks, and what comes
// (REP-2, REP-3). A link hands it the peer's messages.

import { RejoinError } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type {
  Ended,
  Groups,
  NamedPart,
  ReplicationMessage,
  SnapshotMessage,
} from '../wire/replication/messages.ts';
import { Announcements } from './announcements.ts';
import { CatalogueExchange } from './catalogue-exchange.ts';
import { FetchAnswers } from './fetch-answers.ts';
import { Fetches } from './fetches.ts';
import { IncomingStreams } from './incoming-streams.ts';
import { KnownOfPeer } from './known-of-peer.ts';
import type { LinkOutput } from './link-output.ts';
import type { LinkEvent, LinkPeer, LinkTimers } from './link-transport.ts';
import { OutgoingStreams } from './outgoing-streams.ts';
import { ProjectTurns } from './project-turns.ts';
import type { Replicas } from './replicas-port.ts';
import type { Tasks } from './tasks.ts';

export type DialogueMessage = Exclude<ReplicationMessage, { readonly type: 'hello' | 'refused' | 'ack' }>;

export interface DialogueOptions {
  readonly replicas: Replicas;
  readonly output: LinkOutput;
  readonly timers: LinkTimers;
  readonly environment: Environment;
  readonly tasks: Tasks;
  readonly observe: (event: LinkEvent) => void;
  /** Both sides had better begin anew. */
  readonly cut: (detail: string) => void;
}

/** Whoever says this in its `hello` gives records of its log again to who has lost them. */
export const fetchCapability = 'fetch';
/** Whoever says this keeps what is cut off of a snapshot, and goes on where the other side has kept some (REP-7). */
export const resumeCapability = 'resume';

/** With more that wait for their turn, the peer sends what no honest one would. */
const turnsWaitingMax = 40_000;

export class Dialogue {
  private readonly known = new KnownOfPeer();
  private readonly turns = new ProjectTurns();
  private readonly announcements: Announcements;
  private readonly catalogues: CatalogueExchange;
  readonly incoming: IncomingStreams;
  readonly outgoing: OutgoingStreams;
  private readonly fetches: Fetches;
  private readonly answers: FetchAnswers;
  private peer: LinkPeer | null = null;
  private readonly started: Promise<void>;
  private begin = (): void => undefined;
  private stopListening = (): void => undefined;
  private hasEnded = false;

  constructor(private readonly options: DialogueOptions) {
    const { replicas, output, tasks, cut } = options;
    const { known } = this;
    this.started = new Promise((resolve) => (this.begin = resolve));
    const canResume = (): boolean => this.peer?.capabilities.includes(resumeCapability) ?? false;
    this.outgoing = new OutgoingStreams({
      ...options,
      known,
      canResume,
      announce: (project) => this.announcements.add(project),
      onRoom: () => this.announcements.wake(),
      run: (work) => tasks.run(work),
    });
    this.announcements = new Announcements({
      ...options,
      known,
      isStreamed: (project) => this.outgoing.has(project),
      endStream: (project) => this.outgoing.beginAnew(project, new Map()),
      isBusy: () => this.outgoing.isBusy,
      onOverflow: cut,
    });
    this.catalogues = new CatalogueExchange(replicas, output, this.announcements);
    this.incoming = new IncomingStreams({
      ...options,
      canResume,
      send: (want) => output.send(want),
      onKnown: (project, vector, lifecycle) => this.learn(project, vector, lifecycle),
      onCompared: (project, contradiction) => {
        if (contradiction !== null) known.untold(project); // both may have more since: from our checksums the peer sees it too
        this.outgoing.contradicts(project, contradiction);
      },
      isTold: (project) => known.isTold(project),
      tell: (project) => this.announcements.tell(project),
      inTurn: (project, work) => this.inTurn(project, work),
      onOverflow: cut,
      run: (work) => tasks.run(work),
    });
    this.fetches = new Fetches({ ...options, send: (fetch) => output.send(fetch) });
    this.answers = new FetchAnswers(options);
  }

  /** Projects that wait to be announced or sent. */
  get waitingProjects(): number {
    return this.announcements.waitingProjects + this.outgoing.unfinished;
  }

  /** Whether the servers were compared, and nothing is known to be lacking on either side. */
  get isInStep(): boolean {
    return this.catalogues.isCompared && this.waitingProjects === 0 && this.incoming.lagChanges === 0;
  }

  /** The peer is who it says. Nothing is said or dealt with before. */
  start(peer: LinkPeer): void {
    const { replicas, tasks } = this.options;
    this.peer = peer;
    this.stopListening = replicas.listen((project, isLifecycle) => {
      if (!replicas.isReplicated(project)) return;
      if (isLifecycle) this.announcements.addNow(project);
      else this.announcements.add(project);
      this.incoming.noteMoved(project);
      this.fetches.noteMoved(project);
    });
    tasks.run(() => this.announcements.run());
    tasks.run(() => this.catalogues.run());
    tasks.run(() => this.answers.run());
    if (peer.capabilities.includes(fetchCapability)) tasks.run(() => this.fetches.run());
    this.begin();
  }

  /**
   * Deals with a message when its turn comes.
   * @param dealtWith called when what it brought is durable.
   * @throws RejoinError `bad-request` for what no peer should send.
   */
  receive(message: DialogueMessage, dealtWith: () => void): void {
    if (this.turns.waiting >= turnsWaitingMax)
      throw new RejoinError('bad-request', `${this.turns.waiting} messages wait to be dealt with: too many`);
    switch (message.type) {
      case 'catalogue': {
        this.catalogues.receive(message);
        dealtWith();
        return;
      }
      case 'standing': {
        const { project, standing } = message;
        if (!this.options.replicas.isReplicated(project)) {
          dealtWith();
          return;
        }
        this.inTurn(project, () => this.incoming.meet(project, standing), dealtWith);
        this.fetches.noteMoved(project);
        return;
      }
      case 'want':
      case 'resume': {
        this.outgoing.check(message);
        this.inTurn(message.project, () => this.outgoing.want(message));
        return;
      }
      case 'groups': {
        this.checkStream(message);
        this.inTurn(message.project, () => this.incoming.receive(message, dealtWith));
        return;
      }
      case 'snapshot':
      case 'part': {
        this.checkStream(message);
        this.inTurn(message.project, () => this.incoming.receiveSnapshot(message), dealtWith);
        return;
      }
      case 'ended': {
        this.checkStream(message);
        this.inTurn(message.project, () => this.incoming.finish(message));
        return;
      }
      case 'fetch': {
        this.answers.add(message);
        return;
      }
      case 'fetched': {
        this.options.tasks.run(async () => {
          await this.started;
          await this.fetches.receive(message, this.peer?.serverId ?? 0);
          dealtWith();
        });
        return;
      }
      default:
        message satisfies never;
    }
  }

  /** There is room in the window. */
  wake(): void {
    this.announcements.wake();
  }

  end(): void {
    this.hasEnded = true;
    this.stopListening();
    this.announcements.end();
    this.catalogues.end();
    this.incoming.end();
    this.outgoing.end();
    this.fetches.end();
    this.answers.end();
    this.begin();
  }

  private inTurn(project: string, work: () => Promise<void>, done = (): void => undefined): void {
    this.options.tasks.run(() =>
      this.turns.run(project, async () => {
        await this.started;
        if (this.hasEnded) return;
        await work();
        done();
      }),
    );
  }

  /** The peer has these. */
  private learn(project: string, vector: VersionVector, lifecycle = 0): void {
    // While it was deleted there it may have let pass what a stream brought.
    if (lifecycle > this.known.lifecycleOf(project)) this.outgoing.beginAnew(project, vector);
    this.known.learn(project, vector, lifecycle);
    if (lifecycle % 2 === 0) this.outgoing.knows(project, vector);
  }

  /** @throws RejoinError `bad-request` for a stream that nobody asked for. */
  private checkStream({ type, stream }: Groups | SnapshotMessage | NamedPart | Ended): void {
    if (!this.incoming.wasAsked(stream))
      throw new RejoinError('bad-request', `${type}.stream is ${stream}: no such stream was asked for`);
  }
}
