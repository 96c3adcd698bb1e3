// What comes from the peer of a link: it compares what the peer has with what is here, asks for what is lacking, and hands
// over what comes, in order; what doesn't fit is asked for again, after a pause if that may help (REP-2, REP-3). The
// link calls it, for one project one message after the other.

import { hasCode, messageOf } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import type { VersionVector } from '../model/version-vector.ts';
import { vectorOfRecords } from '../core/record-vector.ts';
import type { Head, Standing } from '../model/standing.ts';
import type {
  Ended,
  Groups,
  NamedPart,
  Resume,
  SnapshotMessage,
  Want,
} from '../wire/replication/messages.ts';
import { FramesUnderWay } from './frames-under-way.ts';
import { changesBehind, vectorOfHeads } from './known-of-peer.ts';
import { LagCheck } from './lag-check.ts';
import type { LinkEvent, LinkTimers } from './link-transport.ts';
import type { Accepted, Era, Replicas, SnapshotReceipt } from './replicas-port.ts';
import { RetryPauses, type RetryLimits } from './retry-pauses.ts';

export interface IncomingStreamsOptions {
  readonly replicas: Replicas;
  readonly timers: LinkTimers;
  readonly environment: Environment;
  /** Whether the peer goes on with a snapshot where it was cut off. */
  readonly canResume: () => boolean;
  readonly send: (want: Want | Resume) => void;
  /** The peer has these. */
  readonly onKnown: (project: string, vector: VersionVector, lifecycle?: number) => void;
  /** Whether the peer has something else under a number that is here too: the sentence that says so, or null. */
  readonly onCompared: (project: string, contradiction: string | null) => void;
  /** Whether the peer was told what we have of a project. */
  readonly isTold: (project: string) => boolean;
  /** Tells it. @returns whether it is on its way; else the link has ended. */
  readonly tell: (project: string) => Promise<boolean>;
  /** Runs something when the project's turn comes. */
  readonly inTurn: (project: string, work: () => Promise<void>) => void;
  readonly observe: (event: LinkEvent) => void;
  /** Runs something in the background; the link has not settled before it has ended. */
  readonly run: (work: () => Promise<void>) => void;
  /** So many projects are asked for, or can't be taken, that it is better to begin anew. */
  readonly onOverflow: (detail: string) => void;
}

/** What is known of a project that the peer has more of. */
interface Incoming {
  state:
    | { readonly type: 'new' }
    /** The peer is being told what we have, before it is asked. */
    | { readonly type: 'telling' }
    | { readonly type: 'live'; readonly stream: number; readonly underWay: FramesUnderWay }
    | { readonly type: 'paused'; readonly cancel: () => void };
  /** Whether the peer was told what we have, as far as is known here. */
  isTold: boolean;
  /** The next is longer than the last, unless there was progress between them. */
  readonly pauses: RetryPauses;
  /** Whether the stream has brought anything. */
  hasProgress: boolean;
  /** Of a snapshot that isn't whole yet, or for the rest of one that was cut off. */
  receipt: SnapshotReceipt | null;
  /** Whether parts of one have come, and not the last. */
  isInSnapshot: boolean;
  /** What the peer has said to have. */
  theirs: readonly Head[];
  /** How many changes of that are lacking. */
  lagChanges: number;
  /** The stream that the peer goes on with, as far as is known: also one that was given up here. */
  open: number | null;
  /** What the peer said to have and couldn't be compared yet. */
  unmet: Standing | null;
}

/** Before a project is asked for again. */
const pauseLimits: RetryLimits = { shortestMs: 500, longestMs: 30_000 };
/** An honest peer sends what was asked for before it announces so many more. */
const projectsMax = 20_000;

export class IncomingStreams {
  private readonly projects = new Map<string, Incoming>();
  private lastStream = 0;
  private hasEnded = false;
  private readonly lagCheck: LagCheck;
  changesReceived = 0;

  constructor(private readonly options: IncomingStreamsOptions) {
    const { timers, inTurn } = options;
    this.lagCheck = new LagCheck(timers, (project) => inTurn(project, () => this.countLag(project)));
  }

  get lagChanges(): number {
    return [...this.projects.values()].reduce((sum, { lagChanges }) => sum + lagChanges, 0);
  }

  get pausedProjects(): number {
    return [...this.projects.values()].filter(({ state }) => state.type === 'paused').length;
  }

  /** Whether the peer was ever given this number of a stream. */
  wasAsked(stream: number): boolean {
    return stream <= this.lastStream;
  }

  /** The peer says what it has of a project. */
  async meet(project: string, theirs: Standing): Promise<void> {
    const { replicas, onKnown, onCompared } = this.options;
    await this.ended(project);
    try {
      const { lacks, vector } = await replicas.meet(project, theirs);
      onCompared(project, null);
      onKnown(project, vectorOfHeads(theirs.heads), theirs.lifecycle);
      const incoming = this.projects.get(project);
      if (!lacks) {
        if (incoming) await this.lacksNothing(project, incoming);
        return;
      }
      const lacking = incoming ?? this.begin(project);
      lacking.theirs = theirs.heads;
      lacking.lagChanges = changesBehind(vector, theirs.heads);
      lacking.unmet = null;
      if (lacking.state.type === 'new') await this.ask(project, lacking, vector);
    } catch (error) {
      if (hasCode(error, 'conflict')) {
        this.contradict(project, messageOf(error));
        return;
      }
      const incoming = this.projects.get(project) ?? this.begin(project);
      incoming.unmet = theirs;
      this.pause(project, incoming, messageOf(error));
    }
  }

  /** The peer has something else under a number that is here too (REP-9). */
  private contradict(project: string, detail: string): void {
    this.drop(project);
    this.options.onCompared(project, detail);
    this.options.observe({ type: 'project-failed', project, detail });
  }

  /** What the peer has said to have is here. */
  private async lacksNothing(project: string, incoming: Incoming): Promise<void> {
    incoming.lagChanges = 0;
    incoming.unmet = null;
    // A stream goes on for what comes; a pause was for what is here by now, if the peer doesn't go on with one that was given up here:
    // what that has brought since is nowhere, and the peer takes it to be here.
    if (incoming.open === null) this.drop(project);
    else if (incoming.state.type === 'new') await this.askAgain(project, incoming);
  }

  /**
   * Takes what a stream brings. Resolves when what follows may be given, which is before all of it is durable.
   * @param dealtWith called when it is durable, or discarded.
   */
  async receive({ project, stream, records, isUnfinished }: Groups, dealtWith: () => void): Promise<void> {
    const underWay = this.underWay(project, stream);
    if (!underWay) {
      dealtWith(); // it was given up
      return;
    }
    await underWay.room();
    const { behind } = underWay;
    const end = underWay.begin();
    await new Promise<void>((mayFollow) => {
      const onTaken = (era: Era): void => {
        underWay.taken(era);
        mayFollow();
      };
      this.options.run(async () => {
        try {
          await this.take(project, stream, records, (incoming) => {
            if (incoming.isInSnapshot) return { type: 'gap', detail: 'A snapshot was cut off' };
            this.discardSnapshot(incoming); // nothing of it comes
            const { replicas } = this.options;
            return replicas.accept(project, { records, isUnfinished }, { behind, onTaken });
          });
          dealtWith();
        } finally {
          end();
          mayFollow();
        }
      });
    });
  }

  /** Takes a part of a snapshot; resolves when it is durable, or discarded (REP-7). */
  async receiveSnapshot({ project, stream, ...part }: SnapshotMessage | NamedPart): Promise<void> {
    await this.ended(project);
    await this.take(project, stream, part.records, async (incoming) => {
      incoming.receipt ??= await this.options.replicas.receiveSnapshot(project);
      const { receipt } = incoming;
      incoming.isInSnapshot = !part.isLast;
      const accepted = await receipt.add(part);
      if (accepted.type === 'accepted' && part.isLast) this.discardSnapshot(incoming);
      return accepted;
    });
  }

  private async take(
    project: string,
    stream: number,
    records: readonly Uint8Array[],
    accept: (incoming: Incoming) => Accepted | Promise<Accepted>,
  ): Promise<void> {
    const incoming = this.projects.get(project);
    if (!incoming || !this.underWay(project, stream)) return; // it was given up
    try {
      // Before they are accepted: they must not go back to where they come from.
      this.options.onKnown(project, vectorOfRecords(records));
      const accepted = await accept(incoming);
      if (this.hasEnded) this.discardSnapshot(incoming);
      else if (accepted.type === 'accepted') this.note(incoming, accepted.changes);
      else if (!this.underWay(project, stream))
        return; // so it is already for what came before
      else if (incoming.hasProgress) await this.askAgain(project, incoming);
      else this.pause(project, incoming, accepted.detail);
    } catch (error) {
      if (this.hasEnded) this.discardSnapshot(incoming);
      else if (!this.underWay(project, stream))
        return; // as above
      else if (hasCode(error, 'conflict')) this.contradict(project, messageOf(error));
      else this.pause(project, incoming, messageOf(error));
    }
  }

  /** The peer ends a stream: it has sent all, or it can't go on. */
  async finish({ project, stream, reason }: Ended): Promise<void> {
    await this.ended(project);
    const incoming = this.projects.get(project);
    if (incoming?.open === stream) incoming.open = null;
    if (!incoming || !this.underWay(project, stream)) return;
    if (reason === '') this.drop(project);
    else this.pause(project, incoming, `The peer can't send it: ${reason}`);
  }

  /** What of a stream is on its way to the disk; null if the stream was given up. */
  private underWay(project: string, stream: number): FramesUnderWay | null {
    const state = this.projects.get(project)?.state;
    return state?.type === 'live' && state.stream === stream ? state.underWay : null;
  }

  /** Resolves when nothing that the project's stream has brought is on its way. */
  private async ended(project: string): Promise<void> {
    const state = this.projects.get(project)?.state;
    if (state?.type === 'live') await state.underWay.ended();
  }

  /** Something of the project has become durable, wherever it came from. */
  noteMoved(project: string): void {
    if ((this.projects.get(project)?.lagChanges ?? 0) > 0) this.lagCheck.noteMoved(project);
  }

  end(): void {
    this.hasEnded = true;
    this.lagCheck.end();
    for (const project of [...this.projects.keys()]) this.drop(project);
  }

  private begin(project: string): Incoming {
    const incoming: Incoming = {
      state: { type: 'new' },
      isTold: false,
      pauses: new RetryPauses(this.options.environment, pauseLimits),
      hasProgress: false,
      receipt: null,
      isInSnapshot: false,
      theirs: [],
      lagChanges: 0,
      open: null,
      unmet: null,
    };
    this.projects.set(project, incoming);
    if (this.projects.size > projectsMax)
      this.options.onOverflow(`${this.projects.size} projects wait for what the peer has of them`);
    return incoming;
  }

  private async ask(project: string, incoming: Incoming, vector: VersionVector): Promise<void> {
    this.discardSnapshot(incoming);
    const { replicas, canResume, isTold, send } = this.options;
    // Only from our checksums can the peer see that one number has two contents (REP-9); behind what it sends they would be its own.
    if (vector.size > 0 && !incoming.isTold && !isTold(project)) {
      this.tellFirst(project, incoming);
      return;
    }
    const resumed = canResume() ? await replicas.resumeSnapshot(project) : null;
    if (this.hasEnded) {
      resumed?.receipt.close();
      return;
    }
    incoming.receipt = resumed?.receipt ?? null;
    const stream = ++this.lastStream;
    incoming.state = { type: 'live', stream, underWay: new FramesUnderWay() };
    incoming.open = stream;
    incoming.hasProgress = false;
    if (resumed) send({ type: 'resume', project, stream, vector, kept: resumed.kept });
    else send({ type: 'want', project, stream, vector });
  }

  /** Says what we have, then asks: not in the project's turn, since there may be no room in the window for long. */
  private tellFirst(project: string, incoming: Incoming): void {
    incoming.state = { type: 'telling' };
    this.options.run(async () => {
      let problem: string | null = null;
      try {
        if (!(await this.options.tell(project))) return;
        incoming.isTold = true;
      } catch (error) {
        problem = messageOf(error);
      }
      this.options.inTurn(project, async () => {
        if (this.projects.get(project) !== incoming || incoming.state.type !== 'telling') return;
        incoming.state = { type: 'new' };
        if (problem === null) await this.askOrPause(project, incoming);
        else this.pause(project, incoming, problem);
      });
    });
  }

  private async askOrPause(project: string, incoming: Incoming): Promise<void> {
    try {
      await this.askAgain(project, incoming);
    } catch (error) {
      this.pause(project, incoming, messageOf(error));
    }
  }

  /** Asks for what is lacking by now, under a new number: what is under way for the old one is discarded (REP-3). */
  private async askAgain(project: string, incoming: Incoming): Promise<void> {
    const { lifecycle, heads } = await this.options.replicas.standing(project);
    if (lifecycle % 2 === 1) this.drop(project);
    else await this.ask(project, incoming, vectorOfHeads(heads));
  }

  private note(incoming: Incoming, changes: number): void {
    if (changes === 0) return;
    incoming.hasProgress = true;
    incoming.pauses.reset();
    incoming.lagChanges = Math.max(0, incoming.lagChanges - changes);
    this.changesReceived += changes;
  }

  private async countLag(project: string): Promise<void> {
    const incoming = this.projects.get(project);
    if (!incoming) return;
    try {
      const { heads } = await this.options.replicas.standing(project);
      incoming.lagChanges = changesBehind(vectorOfHeads(heads), incoming.theirs);
    } catch (error) {
      this.options.observe({ type: 'project-failed', project, detail: messageOf(error) });
    }
  }

  private pause(project: string, incoming: Incoming, detail: string): void {
    this.discardSnapshot(incoming);
    if (this.hasEnded) return;
    if (incoming.state.type === 'paused') incoming.state.cancel();
    const pauseMs = incoming.pauses.next();
    const { timers, inTurn, observe } = this.options;
    const cancel = timers.after(pauseMs, () => inTurn(project, () => this.resume(project)));
    incoming.state = { type: 'paused', cancel };
    observe({ type: 'project-paused', project, detail, pauseMs });
  }

  private async resume(project: string): Promise<void> {
    const incoming = this.projects.get(project);
    if (incoming?.state.type !== 'paused') return;
    incoming.state = { type: 'new' };
    if (incoming.unmet) return this.meet(project, incoming.unmet);
    await this.askOrPause(project, incoming);
  }

  /** Nothing more is awaited of it. */
  private drop(project: string): void {
    const incoming = this.projects.get(project);
    if (incoming?.state.type === 'paused') incoming.state.cancel();
    if (incoming) this.discardSnapshot(incoming);
    this.projects.delete(project);
  }

  private discardSnapshot(incoming: Incoming): void {
    incoming.receipt?.close();
    incoming.receipt = null;
    incoming.isInSnapshot = false;
  }
}
