// One stream of a `/ws` socket: follows the log of a project at the pace of the socket. History, one `sync`, then live
// (WS-3); a reader that is slow is behind in the log and costs no more memory than a page.

import type { Feed } from '../core/feed.ts';
import type { Projects } from '../core/projects.ts';
import { isObjectKind } from '../model/objects.ts';
import type { StreamRequest } from '../wire/stream/messages.ts';
import { objectPrinter, printSync } from '../wire/stream/print.ts';
import type { Outgoing } from './outgoing.ts';

/** A reader that hasn't read for so long gives back what it has of the store: it would keep old files and memory in use. */
const restAfterMs = 1_000;

type Page = NonNullable<Awaited<ReturnType<Feed['next']>>>;

export class Stream {
  private readonly print: ReturnType<typeof objectPrinter>;
  private feed: Feed | null = null;
  private isEnded = false;

  constructor(
    private readonly request: StreamRequest,
    private readonly projects: Projects,
    private readonly outgoing: Outgoing,
  ) {
    this.print = objectPrinter(request.muxId, request.projectId);
  }

  /**
   * Resolves when the stream is over: it was ended, or was a fetch and is synced.
   * @param onFetched is called just before the `sync` that ends a fetch: its mux_id is free from then on (WS-1).
   * @throws RejoinError `deleted`, `damaged`, `unavailable`.
   */
  async run(onFetched: () => void): Promise<void> {
    const { project, release } = await this.projects.acquire(this.request.projectId);
    try {
      const feed = await project.follow(this.request.since);
      this.feed = feed;
      try {
        await this.pump(feed, onFetched);
      } finally {
        feed.close();
      }
    } finally {
      release();
    }
  }

  end(): void {
    this.isEnded = true;
    this.feed?.close();
  }

  private async pump(feed: Feed, onFetched: () => void): Promise<void> {
    const { muxId, type } = this.request;
    let isSynced = false;
    while (!this.hasEnded()) {
      if (feed.atHead && !isSynced) {
        isSynced = true;
        if (type === 'fetch') onFetched();
        this.outgoing.send(printSync(muxId, feed.vector));
        if (type === 'fetch') return;
      }
      const changes = await feed.next();
      if (!changes || this.hasEnded()) return;
      for (let next = 0; next < changes.length;) {
        next = this.sendFrom(changes, next);
        if (this.outgoing.isFull) await this.drained(feed);
        if (this.hasEnded()) return;
      }
    }
  }

  /** Sends as much of a page as may wait, all at once. @returns the index of the next change. */
  private sendFrom(changes: Page, first: number): number {
    let next = first;
    this.outgoing.together(() => {
      for (; next < changes.length && !this.outgoing.isFull; next++) {
        const change = changes[next];
        if (!change?.object || !isObjectKind(change.kind) || !this.request.kinds.has(change.kind)) continue;
        this.outgoing.sendText(this.print(change.kind, change.serverId, change.seqno, change.object));
      }
    });
    return next;
  }

  private async drained(feed: Feed): Promise<void> {
    const resting = setTimeout(() => feed.rest(), restAfterMs);
    await this.outgoing.drained();
    clearTimeout(resting);
  }

  /** A method, because it changes while `pump` waits. For a socket that is closing, nothing more is read. */
  private hasEnded(): boolean {
    return this.isEnded || !this.outgoing.isOpen;
  }
}
