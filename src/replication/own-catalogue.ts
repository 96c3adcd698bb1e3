// Walks our catalogue beside the peer's, page for page, and finds what must be announced: the projects that differ, and
// those that the peer doesn't name. What we lack altogether the peer finds in the same way.

import { RejoinError } from '../errors.ts';
import type { Catalogue } from '../wire/replication/messages.ts';
import type { CatalogueEntry, Replicas } from './replicas-port.ts';

export class OwnCatalogue {
  private page: readonly CatalogueEntry[] = [];
  private place = 0;
  private after: string | null = null;
  private isAtEnd = false;
  /** The project that the peer named last. */
  private before: string | null = null;

  constructor(private readonly replicas: Replicas) {}

  /**
   * Those of our projects up to the end of the peer's page that it lacks or that differ.
   * @throws RejoinError `bad-request` if its projects don't come in order.
   */
  async *differences({ entries, isLast }: Catalogue): AsyncGenerator<string> {
    for (const { project, digest } of entries) {
      if (this.before !== null && orderOf(project, this.before) <= 0)
        throw new RejoinError(
          'bad-request',
          `The projects of a catalogue must rise: ${JSON.stringify(project)} came behind ${JSON.stringify(this.before)}`,
        );
      this.before = project;
      for (let own = await this.current(); own; own = await this.next()) {
        const order = orderOf(own.project, project);
        if (order > 0) break;
        if (order < 0 || Buffer.compare(own.digest, digest) !== 0) yield own.project;
      }
    }
    if (!isLast) return;
    for (let own = await this.current(); own; own = await this.next()) yield own.project;
  }

  private async current(): Promise<CatalogueEntry | undefined> {
    if (this.place === this.page.length && !this.isAtEnd) {
      this.page = await this.replicas.catalogue(this.after);
      this.place = 0;
      this.after = this.page.at(-1)?.project ?? this.after;
      this.isAtEnd = this.page.length === 0;
    }
    return this.page[this.place];
  }

  private next(): Promise<CatalogueEntry | undefined> {
    this.place++;
    return this.current();
  }
}

/** The order of catalogues: that of the UTF-8 bytes, which code points have and UTF-16 units don't. */
function orderOf(a: string, b: string): number {
  return a === b ? 0 : Buffer.compare(Buffer.from(a), Buffer.from(b));
}
