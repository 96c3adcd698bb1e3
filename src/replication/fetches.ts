// Asks the peer of a link for records that this server has lost, one project after the other and one range at a time, and gives
// the answers to the core (docs/replication-protocol.md, Fetch). The dialogue makes one for each link.

import { RejoinError, messageOf } from '../errors.ts';
import type { Fetch, Fetched } from '../wire/replication/messages.ts';
import type { LinkEvent, LinkTimers } from './link-transport.ts';
import type { Replicas, SeqnoRange } from './replicas-port.ts';
import { Wake } from './wake.ts';

export interface FetchesOptions {
  readonly replicas: Replicas;
  readonly timers: LinkTimers;
  readonly send: (message: Fetch) => void;
  readonly observe: (event: LinkEvent) => void;
}

/** What was asked for. */
interface Asked extends SeqnoRange {
  readonly project: string;
  /** How many records came. */
  records: number;
  /** It isn't given up for now. */
  cancel: () => void;
  /** With how many records came; null if the peer is silent. */
  readonly settle: (records: number | null) => void;
}

/** A peer that has given nothing for so many ranges in a row has nothing of the project. */
const emptyAnswersMax = 16;
/** What a peer hasn't got it may have later: so long after it has said so it is asked again if something of the project has moved. */
const restMs = 30_000;
/** If nothing has, after twice as many rests each time, and at most after so many. */
const restsMax = 60;
/** A peer that sends no part of an answer for so long may never: other links may ask for the project. */
const silenceMs = 120_000;

/** A project that the peer couldn't give all of. */
interface Resting {
  restsLeft: number;
  hasMoved: boolean;
  cancel: () => void;
}

export class Fetches {
  private readonly waiting = new Set<string>();
  private readonly resting = new Map<string, Resting>();
  /** How often in a row each could not be given whole. */
  private readonly failures = new Map<string, number>();
  private readonly changed = new Wake();
  private asked: Asked | null = null;
  private lastTaken: Promise<void> = Promise.resolve();
  private stopListening = (): void => undefined;
  private hasEnded = false;

  constructor(private readonly options: FetchesOptions) {}

  /** Asks until `end`. */
  async run(): Promise<void> {
    this.stopListening = this.options.replicas.listenLost((project) => this.add(project));
    while (!this.hasEnded) {
      const [project] = this.waiting;
      if (project === undefined || this.asked) {
        await this.changed.next();
        continue;
      }
      this.waiting.delete(project);
      await this.fetchLost(project);
    }
    this.stopListening();
  }

  /** Something of the project has moved, here or there: what the peer didn't have it may have. */
  noteMoved(project: string): void {
    const rest = this.resting.get(project);
    if (rest) rest.hasMoved = true;
  }

  /**
   * Takes an answer, a part or the last; resolves when it is durable.
   * @throws RejoinError `bad-request` for one that wasn't asked for.
   */
  receive({ project, serverId, records, isLast }: Fetched, peer: number): Promise<void> {
    const { asked } = this;
    if (this.hasEnded) return Promise.resolve();
    if (asked?.project !== project || asked.serverId !== serverId)
      throw new RejoinError('bad-request', 'fetched must not be sent: this server has not asked for that');
    asked.records += records.length;
    if (isLast) asked.cancel();
    else this.giveUpLater(asked);
    this.lastTaken = this.lastTaken.then(async () => {
      if (records.length > 0) await this.take(project, records, peer);
      if (isLast) this.settle(asked);
    });
    return this.lastTaken;
  }

  end(): void {
    this.hasEnded = true;
    this.stopListening();
    for (const { cancel } of this.resting.values()) cancel();
    if (this.asked) this.settle(this.asked);
    this.changed.wake();
  }

  private async take(project: string, records: readonly Uint8Array[], peer: number): Promise<void> {
    try {
      await this.options.replicas.repair(project, records, peer);
    } catch (error) {
      if (!this.hasEnded) this.options.observe({ type: 'project-failed', project, detail: messageOf(error) });
    }
  }

  private add(project: string): void {
    if (this.resting.has(project)) return;
    this.waiting.add(project);
    this.changed.wake();
  }

  private async fetchLost(project: string): Promise<void> {
    const { replicas, observe } = this.options;
    const release = replicas.borrowLost(project);
    if (!release) return; // it is told of again
    try {
      const isAnswered = await this.askFor(project, await replicas.lost(project));
      if (this.wasEnded()) return;
      const isWhole = isAnswered && (await replicas.finishRepair(project)).missing === 0;
      if (!isWhole) this.rest(project);
      else this.failures.delete(project);
    } catch (error) {
      if (this.wasEnded()) return;
      observe({ type: 'project-failed', project, detail: messageOf(error) });
      this.rest(project);
    } finally {
      release();
    }
  }

  /** @returns whether the peer has said what it has. */
  private async askFor(project: string, ranges: readonly SeqnoRange[]): Promise<boolean> {
    let emptyAnswers = 0;
    for (const range of ranges) {
      if (this.hasEnded || emptyAnswers === emptyAnswersMax) break;
      const records = await this.ask(project, range);
      if (records === null) return false;
      emptyAnswers = records === 0 ? emptyAnswers + 1 : 0;
    }
    return true;
  }

  /**
   * @returns how many records came; null if the peer is silent. What it says later is taken all the same, and it is asked for
   *   nothing else before: it answers one question at a time.
   */
  private ask(project: string, { serverId, first, last }: SeqnoRange): Promise<number | null> {
    return new Promise((settle) => {
      const asked = { project, serverId, first, last, records: 0, cancel: () => undefined, settle };
      this.asked = asked;
      this.giveUpLater(asked);
      this.options.send({ type: 'fetch', project, serverId, first, last });
    });
  }

  private giveUpLater(asked: Asked): void {
    asked.cancel();
    asked.cancel = this.options.timers.after(silenceMs, () => asked.settle(null));
  }

  private settle(asked: Asked): void {
    this.asked = null;
    asked.cancel();
    asked.settle(asked.records);
    this.changed.wake();
  }

  /** Other links may ask their peers meanwhile. */
  private rest(project: string): void {
    const failures = this.failures.get(project) ?? 0;
    this.failures.set(project, failures + 1);
    const restsLeft = Math.min(2 ** failures, restsMax);
    const resting: Resting = { restsLeft, hasMoved: false, cancel: () => undefined };
    this.resting.set(project, resting);
    this.goOnResting(project, resting);
  }

  private goOnResting(project: string, resting: Resting): void {
    resting.cancel = this.options.timers.after(restMs, () => {
      if (!resting.hasMoved && --resting.restsLeft > 0) {
        this.goOnResting(project, resting);
        return;
      }
      this.resting.delete(project);
      this.add(project);
    });
  }

  private wasEnded(): boolean {
    return this.hasEnded;
  }
}
