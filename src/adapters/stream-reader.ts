// One stream of a `/ws` socket: follows the log of a project at the pace of the socket. History, one `sync`, then live
// (WS-3); a reader that is slow is behind in the log and costs no more memory than a page.

import type { Feed } from '../core/feed.ts';
import type { Projects } from '../core/projects.ts';
import { isObjectKind } from '../model/objects.ts';
import type { StreamRequest } from '../wire/stream/messages.ts';
import { printObject, printSync } from '../wire/stream/print.ts';
import type { Outgoing } from './outgoing.ts';

/** A reader that hasn't read for so long gives back what it has of the store: it would keep old files and memory in use. */
const restAfterMs = 1_000;

export class Stream {
  private feed: Feed | null = null;
  private isEnded = false;

  constructor(
    private readonly request: StreamRequest,
    private readonly projects: Projects,
    private readonly outgoing: Outgoing,
  ) {}

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
      for (const { kind, serverId, seqno, object } of changes) {
        if (!isObjectKind(kind) || !this.request.kinds.has(kind) || !object) continue;
        const json = Buffer.from(object.buffer, object.byteOffset, object.length).toString('utf8');
        this.outgoing.send(printObject(muxId, this.request.projectId, serverId, seqno, kind, json));
        if (this.outgoing.isFull) await this.drained(feed);
        if (this.hasEnded()) return;
      }
    }
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
