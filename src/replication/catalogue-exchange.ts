// The first part of a link's dialogue (REP-2): both sides show their catalogues, page by page, and announce the projects
// in which they differ. A page goes out when the peer's page some places before it has been compared, so neither side is
// flooded: who has no more projects sends empty pages until the other has shown all of its.

import { RejoinError } from '../errors.ts';
import type { Catalogue } from '../wire/replication/messages.ts';
import type { Announcements } from './announcements.ts';
import type { LinkOutput } from './link-output.ts';
import { OwnCatalogue } from './own-catalogue.ts';
import type { CatalogueEntry, Replicas } from './replicas-port.ts';
import { Wake } from './wake.ts';

/** How many pages a side may be ahead of the other. */
const pagesAheadMax = 8;

export class CatalogueExchange {
  private readonly received: Catalogue[] = [];
  private readonly changed = new Wake();
  private pagesReceived = 0;
  private pagesCompared = 0;
  private pagesSent = 0;
  private hasSentLast = false;
  private hasReceivedLast = false;
  private hasEnded = false;
  /** Whether all differences are found. */
  isCompared = false;

  constructor(
    private readonly replicas: Replicas,
    private readonly output: LinkOutput,
    private readonly announcements: Announcements,
  ) {}

  /**
   * Takes a page of the peer.
   * @throws RejoinError `bad-request` if it is not its turn to send one.
   */
  receive(page: Catalogue): void {
    if (this.hasSentLast && this.hasReceivedLast && this.pagesReceived >= this.pagesSent)
      throw new RejoinError('bad-request', 'A catalogue must not go on when both are complete');
    if (this.pagesReceived >= this.pagesSent + pagesAheadMax)
      throw new RejoinError(
        'bad-request',
        `A catalogue must be at most ${pagesAheadMax} pages ahead of the other`,
      );
    if (this.hasReceivedLast && (page.entries.length > 0 || !page.isLast))
      throw new RejoinError('bad-request', 'Pages behind the last one of a catalogue must be empty');
    this.pagesReceived++;
    this.hasReceivedLast = page.isLast;
    this.received.push(page);
    this.changed.wake();
  }

  /** Shows the catalogue and compares the peer's with it, until both are through. */
  async run(): Promise<void> {
    await Promise.all([this.send(), this.compare()]);
  }

  end(): void {
    this.hasEnded = true;
    this.changed.wake();
  }

  private async send(): Promise<void> {
    for (let after: string | null = null; ;) {
      while (!this.maySend && !this.hasEnded) await this.changed.next();
      if (this.hasEnded || (this.hasSentLast && this.hasReceivedLast)) return;
      const entries: readonly CatalogueEntry[] = this.hasSentLast ? [] : await this.replicas.catalogue(after);
      after = entries.at(-1)?.project ?? after;
      const isLast = entries.length === 0;
      this.hasSentLast = isLast;
      this.pagesSent++;
      await this.output.sendInWindow(() => ({ type: 'catalogue', entries, isLast }));
    }
  }

  private get maySend(): boolean {
    if (!this.hasSentLast) return this.pagesSent < this.pagesCompared + pagesAheadMax;
    return this.hasReceivedLast || this.pagesSent < this.pagesCompared;
  }

  private async compare(): Promise<void> {
    const own = new OwnCatalogue(this.replicas);
    for (let isLast = false; !this.hasEnded && !(isLast && this.hasSentLast);) {
      const page = this.received.shift();
      if (!page) {
        await this.changed.next();
        continue;
      }
      if (!isLast) await this.announceDifferences(own.differences(page));
      isLast = page.isLast;
      this.pagesCompared++;
      this.changed.wake();
    }
    this.isCompared = !this.hasEnded;
  }

  private async announceDifferences(projects: AsyncIterable<string>): Promise<void> {
    for await (const project of projects) {
      await this.announcements.room();
      if (this.hasEnded) return;
      this.announcements.add(project);
    }
  }
}
