// Tells the peer of a link what we have of the projects in which something moved, or in which the catalogues differ
// (REP-2): one after the other, when the peer keeps up, and no project again and again.

import { messageOf } from '../errors.ts';
import type { Standing } from '../model/standing.ts';
import type { KnownOfPeer } from './known-of-peer.ts';
import type { LinkOutput } from './link-output.ts';
import type { LinkEvent, LinkTimers } from './link-transport.ts';
import type { Replicas } from './replicas-port.ts';
import { Wake } from './wake.ts';

export interface AnnouncementsOptions {
  readonly replicas: Replicas;
  readonly output: LinkOutput;
  readonly timers: LinkTimers;
  readonly known: KnownOfPeer;
  /** Whether a stream takes the changes of the project to the peer. */
  readonly isStreamed: (project: string) => boolean;
  /** Ends that stream: the project is announced again. */
  readonly endStream: (project: string) => void;
  /** Whether so much that was asked for is not sent yet that nothing more should be announced. */
  readonly isBusy: () => boolean;
  readonly observe: (event: LinkEvent) => void;
  /** So many wait that it is better to begin anew. */
  readonly onOverflow: (detail: string) => void;
}

/** A project that moves all the time is announced this often, until the peer asks for it. */
const announceEveryMs = 100;
/** One that a stream takes to the peer is looked at this often, for what streams don't say: that it was deleted and brought back. */
const streamedRestMs = 5_000;
/** One that couldn't be read is looked at again after this. */
const failedRestMs = 10_000;
/** With fewer that wait, a catalogue may bring more. */
const roomyCount = 500;
/** With more, comparing the catalogues anew costs less than remembering them. */
const waitingMax = 100_000;

interface Rest {
  moved: boolean;
  readonly isForStream: boolean;
  readonly cancel: () => void;
}

export class Announcements {
  private readonly waiting = new Set<string>();
  /** Those announced a moment ago: whether they moved since, and what ends their rest. */
  private readonly resting = new Map<string, Rest>();
  private readonly changed = new Wake();
  private hasEnded = false;

  constructor(private readonly options: AnnouncementsOptions) {}

  get waitingProjects(): number {
    return this.waiting.size;
  }

  /** The project is to be announced, unless the peer has all of it by then. */
  add(project: string): void {
    if (this.hasEnded) return;
    const rest = this.resting.get(project);
    if (rest && (!rest.isForStream || this.options.isStreamed(project))) {
      rest.moved = true;
      return;
    }
    this.addNow(project);
  }

  /** As `add`, but without waiting for its rest: the project was deleted, or brought back (REP-14). */
  addNow(project: string): void {
    if (this.hasEnded) return;
    this.waiting.add(project);
    const waiting = this.waiting.size + this.resting.size;
    if (waiting > waitingMax)
      this.options.onOverflow(`The peer is too slow: ${waiting} projects wait to be announced to it`);
    this.wake();
  }

  /** Resolves when few wait, or all is over. */
  async room(): Promise<void> {
    while (this.waiting.size >= roomyCount && !this.hasEnded) await this.changed.next();
  }

  /** Something that an announcement waits for may be there. */
  wake(): void {
    this.changed.wake();
  }

  end(): void {
    this.hasEnded = true;
    for (const { cancel } of this.resting.values()) cancel();
    this.waiting.clear();
    this.resting.clear();
    this.wake();
  }

  /** Announces what is added until `end`. */
  async run(): Promise<void> {
    while (!this.hasEnded) {
      const [project] = this.waiting;
      if (project === undefined || this.options.isBusy() || !this.options.output.isLight) {
        await this.changed.next();
        continue;
      }
      this.waiting.delete(project);
      this.changed.wake();
      await this.announce(project);
    }
  }

  private async announce(project: string): Promise<void> {
    const { replicas, known, observe } = this.options;
    const isStreamed = this.options.isStreamed(project);
    this.rest(project, isStreamed ? streamedRestMs : announceEveryMs, isStreamed);
    try {
      const standing = await replicas.standing(project);
      if (this.options.isStreamed(project) && standing.lifecycle > known.lifecycleOf(project)) {
        // A peer that has the project deleted may let pass what the stream brings, until it hears of this (REP-14).
        this.options.endStream(project);
        return;
      }
      if (this.isToldBy(project, standing)) return;
      await this.send(project, standing);
    } catch (error) {
      if (this.hasEnded) return;
      observe({ type: 'project-failed', project, detail: messageOf(error) });
      this.rest(project, failedRestMs, false).moved = true;
    }
  }

  /**
   * Says what we have of a project whatever the peer is known to have: its checksums show whether both mean the same by one number.
   * @returns whether it is on its way; else the link has ended.
   */
  async tell(project: string): Promise<boolean> {
    return this.send(project, await this.options.replicas.standing(project));
  }

  private async send(project: string, standing: Standing): Promise<boolean> {
    const { output, known } = this.options;
    const isSent = await output.sendInWindow(() => ({ type: 'standing', project, standing }));
    if (isSent) known.told(project, standing.lifecycle);
    return isSent;
  }

  /** Whether the peer knows it, or a stream brings it. */
  private isToldBy(project: string, standing: Standing): boolean {
    const { known, isStreamed } = this.options;
    if (known.covers(project, standing)) return true;
    return isStreamed(project) && known.lifecycleOf(project) === standing.lifecycle;
  }

  private rest(project: string, restMs: number, isForStream: boolean): Rest {
    this.resting.get(project)?.cancel();
    const cancel = this.options.timers.after(restMs, () => {
      this.resting.delete(project);
      if (rest.moved) this.add(project);
    });
    const rest: Rest = { moved: false, isForStream, cancel };
    this.resting.set(project, rest);
    return rest;
  }
}
