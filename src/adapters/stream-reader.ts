// One stream of a `/ws` socket: follows the log of a project at the pace of the socket. History, one `sync`, then live
// (WS-3); a reader that is slow is behind in the log and costs no more memory than a page.

import type { Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import type { Feed } from '../core/feed.ts';
import type { Projects } from '../core/projects.ts';
import { isObjectKind } from '../model/objects.ts';
import type { StreamRequest } from '../wire/stream/messages.ts';
import { objectPrinter, printSync } from '../wire/stream/print.ts';
import { drained, send, sendText } from './sockets.ts';

/** With more than this waiting in the socket, the log is not read on. */
const unsentBytesMax = 512 * 1024;

type Page = NonNullable<Awaited<ReturnType<Feed['next']>>>;

export class Stream {
  private readonly print: ReturnType<typeof objectPrinter>;
  private feed: Feed | null = null;
  private isEnded = false;

  constructor(
    private readonly request: StreamRequest,
    private readonly projects: Projects,
    private readonly socket: WebSocket,
    /** What the socket writes to. */
    private readonly transport: Writable,
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
        send(this.socket, printSync(muxId, feed.vector));
        if (type === 'fetch') return;
      }
      const changes = await feed.next();
      if (!changes || this.hasEnded()) return;
      this.sendPage(changes);
      if (this.socket.bufferedAmount > unsentBytesMax) await drained(this.socket);
    }
  }

  private sendPage(changes: Page): void {
    this.transport.cork(); // a page goes to the kernel at once, not frame by frame
    for (const { kind, serverId, seqno, object } of changes) {
      if (!isObjectKind(kind) || !this.request.kinds.has(kind) || !object) continue;
      sendText(this.socket, this.print(kind, serverId, seqno, object));
    }
    this.transport.uncork();
  }

  /** A method, because it changes while `pump` waits. For a socket that is closing, nothing more is read. */
  private hasEnded(): boolean {
    return this.isEnded || this.socket.readyState !== this.socket.OPEN;
  }
}
