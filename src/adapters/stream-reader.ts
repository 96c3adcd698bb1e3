// One stream of a `/ws` socket: follows what was selected of a project at the pace of the socket. History, one `sync`,
// then live (WS-3); a reader that is slow is behind in the log and costs no more memory than a page.

import type { Projects } from '../core/projects.ts';
import type { Selected, SelectedFeed } from '../core/selected-feed.ts';
import type { ProjectId } from '../model/project-id.ts';
import type { VersionVector } from '../model/version-vector.ts';
import type { StreamRequest } from '../wire/stream/messages.ts';
import { printSync } from '../wire/stream/print.ts';
import { ChangePrinter } from '../wire/stream/print-changes.ts';
import { framesOf, type SharedFrames } from './frames.ts';
import type { StreamOutgoing } from './stream-outgoing.ts';
import { ProjectSearch } from './stream-project.ts';

/** A reader that hasn't read for so long gives back what it has of the store: it would keep old files and memory in use. */
const restAfterMs = 1_000;

/** So much is written to the network at once. */
const writtenBytes = 64 * 1024;

/** What the streams of one socket share. */
export interface StreamContext {
  readonly outgoing: StreamOutgoing;
  readonly projects: Projects;
  /** For all sockets of the server. */
  readonly shared: SharedFrames;
}

export class Stream {
  private feed: SelectedFeed | null = null;
  private isSynced = false;
  private isEnded = false;
  private stopWaiting: () => void = () => undefined;

  constructor(
    private readonly request: StreamRequest,
    private readonly context: StreamContext,
  ) {}

  /**
   * Resolves when the stream is over: it was ended, or was a fetch and is synced.
   * @param onFetched is called just before the `sync` that ends a fetch: its mux_id is free from then on (WS-1).
   * @throws RejoinError `deleted`, `damaged`, `unavailable`; `bad-request` if its matches lead to several projects.
   */
  async run(onFetched: () => void): Promise<void> {
    const projectId = this.request.projectId ?? (await this.findProject(onFetched));
    if (projectId !== null && !this.hasEnded()) await this.follow(projectId, onFetched);
  }

  end(): void {
    this.isEnded = true;
    this.feed?.close();
    this.stopWaiting();
  }

  /** The project that the matches lead to, once it has come to life (WS-9); null if the stream is over before. */
  private async findProject(onFetched: () => void): Promise<ProjectId | null> {
    const search = new ProjectSearch(this.context.projects, this.request.selection);
    while (!this.hasEnded()) {
      let stop = (): void => undefined;
      const known = new Promise<void>((resolve) => {
        stop = search.onceKnown(resolve); // before it is looked for, so that nothing is missed
        this.stopWaiting = resolve;
      });
      try {
        const found = await search.find();
        if (found !== null || this.hasEnded()) return found;
        if (!this.isSynced && this.sync(new Map(), onFetched)) return null;
        await known;
      } finally {
        stop();
      }
    }
    return null;
  }

  private async follow(projectId: ProjectId, onFetched: () => void): Promise<void> {
    const { project, release } = await this.context.projects.acquire(projectId);
    try {
      const feed = await project.select(this.request.selection);
      this.feed = feed;
      try {
        const { muxId, vocabulary } = this.request;
        await this.pump(feed, new ChangePrinter(muxId, projectId, vocabulary), onFetched);
      } finally {
        feed.close();
      }
    } finally {
      release();
    }
  }

  private async pump(feed: SelectedFeed, printer: ChangePrinter, onFetched: () => void): Promise<void> {
    while (!this.hasEnded()) {
      if (feed.atHead && !this.isSynced && this.sync(feed.vector, onFetched)) return;
      const changes = await feed.next();
      if (!changes || this.hasEnded()) return;
      for (let next = 0; next < changes.length;) {
        const end = endOfPiece(changes, next);
        this.send(changes.slice(next, end), printer);
        next = end;
        if (this.context.outgoing.isFull) await this.drained(feed);
        if (this.hasEnded()) return;
      }
    }
  }

  /** @param since the version vector the history was read at. @returns whether the stream ends with it. */
  private sync(since: VersionVector, onFetched: () => void): boolean {
    const { muxId, type } = this.request;
    this.isSynced = true;
    if (type === 'fetch') onFetched();
    this.context.outgoing.send(printSync(muxId, since));
    return type === 'fetch';
  }

  private send(changes: readonly Selected[], printer: ChangePrinter): void {
    // History is this stream's alone; live changes are those of all who follow the project.
    const frames = this.isSynced
      ? this.context.shared.framesOf(changes, printer)
      : framesOf(changes, printer);
    this.context.outgoing.sendFrames(frames);
  }

  private async drained(feed: SelectedFeed): Promise<void> {
    const resting = setTimeout(() => feed.rest(), restAfterMs);
    await this.context.outgoing.drained();
    clearTimeout(resting);
  }

  /** A method, because it changes while `pump` waits. For a socket that is closing, nothing more is read. */
  private hasEnded(): boolean {
    return this.isEnded || !this.context.outgoing.isOpen;
  }
}

/** The index behind the last change of a page that is written together with the one at `first`. */
function endOfPiece(changes: readonly Selected[], first: number): number {
  let end = first;
  for (let bytes = 0; bytes < writtenBytes; end++) {
    const change = changes[end];
    if (!change) break;
    bytes += change.type === 'object' ? change.object.length : 0;
  }
  return end;
}
