// What the peer of a link asked for: one stream per project. A few at once read history and the others wait; those that
// have come to the head stay for what comes, as long as there aren't too many (REP-2). The link calls it.

import { RejoinError, messageOf } from '../errors.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { Resume, Want } from '../wire/replication/messages.ts';
import { changesBehind, type KnownOfPeer } from './known-of-peer.ts';
import type { LinkOutput } from './link-output.ts';
import type { LinkTimers } from './link-transport.ts';
import { OutgoingStream, type StreamPlace } from './outgoing-stream.ts';
import type { Replicas } from './replicas-port.ts';

export interface OutgoingStreamsOptions {
  readonly replicas: Replicas;
  readonly output: LinkOutput;
  readonly timers: LinkTimers;
  readonly known: KnownOfPeer;
  /** Whether the peer keeps what is cut off of a snapshot. */
  readonly canResume: () => boolean;
  /** The project has no stream any more: what has come since is to be announced. */
  readonly announce: (project: string) => void;
  /** Fewer streams are under way. */
  readonly onRoom: () => void;
  /** Runs something that nobody waits for. */
  readonly run: (work: () => Promise<void>) => void;
}

const readingMax = 8;
const liveMax = 64;
/** With so many under way nothing more is announced. */
const busyCount = 64;
/** An honest peer asks for what was announced, and for what it couldn't take before. */
const waitingMax = 20_000;
/** Seqnos in the vectors of those that wait. */
const waitingSeqnosMax = 500_000;

export class OutgoingStreams {
  /** The one of each project, wherever it is. */
  private readonly streams = new Map<string, OutgoingStream>();
  /** With the number of seqnos in the vector of each. */
  private readonly waiting = new Map<OutgoingStream, number>();
  private readonly live = new Set<OutgoingStream>();
  /** Projects of which the peer has something else under one of our numbers, with the sentence that says so. */
  private readonly contradicted = new Map<string, string>();
  private reading = 0;
  private waitingSeqnos = 0;
  private lastWanted = 0;
  private sendings = 0;
  private hasEnded = false;
  changesSent = 0;

  constructor(private readonly options: OutgoingStreamsOptions) {}

  get aheadChanges(): number {
    return [...this.streams.values()].reduce((sum, { aheadChanges }) => sum + aheadChanges, 0);
  }

  /** How many are not at the head. */
  get unfinished(): number {
    return this.waiting.size + this.reading;
  }

  get isBusy(): boolean {
    return this.unfinished >= busyCount;
  }

  has(project: string): boolean {
    return this.streams.has(project);
  }

  /** The peer has these: they are not sent. */
  knows(project: string, vector: VersionVector): void {
    this.streams.get(project)?.knows(vector);
  }

  /**
   * Looks at what the peer asks for when it comes, before its turn.
   * @throws RejoinError `bad-request` if the numbers of its streams don't rise, or it asks for far too much at once.
   */
  check({ stream }: Want | Resume): void {
    if (stream <= this.lastWanted)
      throw new RejoinError(
        'bad-request',
        `want.stream is ${stream} behind ${this.lastWanted}: the numbers must rise`,
      );
    this.lastWanted = stream;
    if (this.waiting.size >= waitingMax || this.waitingSeqnos >= waitingSeqnosMax)
      throw new RejoinError(
        'bad-request',
        `want: ${this.waiting.size} projects were asked for and not sent yet; that is too much at once`,
      );
  }

  /** Begins to send what the peer lacks of a project, in place of what it asked for before. */
  async want(want: Want | Resume): Promise<void> {
    const { project, stream, vector } = want;
    const { replicas, known } = this.options;
    this.remove(this.streams.get(project));
    known.replace(project, vector);
    const contradiction = this.contradicted.get(project);
    if (!replicas.isReplicated(project) || contradiction !== undefined) {
      this.say(project, stream, contradiction ?? '');
      return;
    }
    try {
      const { lifecycle, heads } = await replicas.standing(project);
      const aheadChanges = changesBehind(vector, heads);
      if (this.hasEnded) return;
      if (aheadChanges > 0 && lifecycle % 2 === 0) {
        this.begin(want, aheadChanges);
        return;
      }
      this.say(project, stream, '');
    } catch (error) {
      this.say(project, stream, messageOf(error));
    }
  }

  /**
   * What was sent of a project may not have been taken, by a stream that goes on or one that has ended: it is announced again to a
   * peer that has these.
   */
  beginAnew(project: string, vector: VersionVector): void {
    const stream = this.streams.get(project);
    if (stream) this.finish(stream, '');
    this.options.known.replace(project, vector);
    if (!stream) this.options.announce(project);
  }

  /**
   * The peer has something else under one of our numbers (REP-9): what it lacks would hide that, so nothing is sent, and it is told why.
   * @param detail null if that isn't so, or not any more.
   */
  contradicts(project: string, detail: string | null): void {
    if (detail === null) {
      this.contradicted.delete(project);
      return;
    }
    this.contradicted.set(project, detail);
    const stream = this.streams.get(project);
    this.remove(stream);
    if (stream) this.say(project, stream.stream, detail);
  }

  end(): void {
    this.hasEnded = true;
    for (const stream of this.streams.values()) stream.close();
    this.streams.clear();
    this.waiting.clear();
    this.live.clear();
  }

  private begin(want: Want | Resume, aheadChanges: number): void {
    const { project, vector } = want;
    const kept = want.type === 'resume' ? want.kept : null;
    const options = {
      ...this.options,
      doOthersWait: () => this.waiting.size > 0,
      onSent: (stream: OutgoingStream, changes: number) => {
        stream.lastSent = ++this.sendings;
        this.changesSent += changes;
      },
    };
    const stream = new OutgoingStream(options, project, want.stream, vector, kept, aheadChanges);
    this.streams.set(project, stream);
    this.queue(stream);
  }

  private queue(stream: OutgoingStream): void {
    this.waiting.set(stream, stream.seqnos);
    this.waitingSeqnos += stream.seqnos;
    this.readOn();
  }

  private readOn(): void {
    while (this.reading < readingMax) {
      const [stream] = this.waiting.keys();
      if (!stream) break;
      this.leaveQueue(stream);
      this.reading++;
      this.options.run(() => this.read(stream));
    }
    this.options.onRoom();
  }

  private async read(stream: OutgoingStream): Promise<void> {
    const place = await stream.readHistory();
    this.reading--;
    this.goOn(stream, place);
    this.readOn();
  }

  private goOn(stream: OutgoingStream, place: StreamPlace): void {
    if (this.hasEnded || this.streams.get(stream.project) !== stream) return;
    switch (place.type) {
      case 'head': {
        this.goLive(stream);
        return;
      }
      case 'turn-over': {
        this.queue(stream);
        return;
      }
      case 'closed':
      case 'deleted': {
        this.finish(stream, '');
        return;
      }
      case 'failed': {
        this.finish(stream, place.detail);
        return;
      }
      default:
        place satisfies never;
    }
  }

  /** Stays at the head; of too many, the one that sent nothing for the longest makes room. */
  private goLive(stream: OutgoingStream): void {
    stream.lastSent = ++this.sendings;
    this.live.add(stream);
    if (this.live.size > liveMax) {
      const idle = [...this.live].filter(({ isSending }) => !isSending);
      const oldest = idle.reduce((first, other) => (other.lastSent < first.lastSent ? other : first), stream);
      this.finish(oldest, '');
    }
    this.options.run(async () => this.goOn(stream, await stream.follow()));
  }

  /** Ends a stream. @param reason empty if all is well: what has come since is announced; else the peer asks again. */
  private finish(stream: OutgoingStream, reason: string): void {
    const { project, vector } = stream;
    this.remove(stream);
    this.options.known.learn(project, vector);
    this.say(project, stream.stream, reason);
    if (reason === '') this.options.announce(project);
  }

  private remove(stream: OutgoingStream | undefined): void {
    if (!stream) return;
    stream.close();
    this.leaveQueue(stream);
    this.live.delete(stream);
    this.streams.delete(stream.project);
  }

  private leaveQueue(stream: OutgoingStream): void {
    this.waitingSeqnos -= this.waiting.get(stream) ?? 0;
    this.waiting.delete(stream);
  }

  private say(project: string, stream: number, reason: string): void {
    this.options.output.send({ type: 'ended', project, stream, reason });
  }
}
