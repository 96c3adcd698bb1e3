// One reader of `GET …/changes`: follows the log of a project at the pace at which the reader takes it. History, one `sync`,
// then live; a reader that is slow is behind in the log and costs no more memory than a page.

import type { ServerResponse } from 'node:http';
import { setImmediate as otherWork } from 'node:timers/promises';
import type { Selected, SelectedFeed } from '../core/selected-feed.ts';
import { RejoinError } from '../errors.ts';
import type { ProjectId } from '../model/project-id.ts';
import type { VersionVector } from '../model/version-vector.ts';
import {
  printEnding,
  printObject,
  printPatch,
  printSynced,
  type ChangeFormat,
} from '../wire/rest/print-change.ts';

/** What is handed to the connection at once, about. Bytes. */
const batchBytes = 64 * 1024;
/** A reader that hasn't read for so long gives back what it has of the store: it would keep old files and memory in use. */
const restAfterMs = 1_000;

export interface FollowerOptions {
  readonly projectId: ProjectId;
  readonly format: ChangeFormat;
  /** What the reader knows already. */
  readonly since: VersionVector;
  /** Whether it goes on behind the `sync`. */
  readonly isLive: boolean;
  readonly keepAliveMs: number;
}

export class ChangeFollower {
  /** The version vector of what the reader has been told. */
  private readonly seen: Map<number, number>;
  private ending: RejoinError | null = null;
  private batch: Uint8Array[] = [];
  private bytes = 0;
  /** Whether a message is only sent in part. */
  private isAmid = false;

  constructor(
    private readonly response: ServerResponse,
    private readonly feed: SelectedFeed,
    private readonly options: FollowerOptions,
  ) {
    this.seen = new Map(options.since);
  }

  /** Answers the request. Resolves when nothing more is sent: the reader has left, was not live, or was told why it ends. */
  async run(): Promise<void> {
    const { response, feed, options } = this;
    response.writeHead(200, {
      'Content-Type': options.format.contentType,
      'Cache-Control': 'no-store',
      'X-Accel-Buffering': 'no', // a proxy that collects answers would hold them back for ever
    });
    response.flushHeaders();
    response.socket?.setKeepAlive(true, options.keepAliveMs); // else one that is gone would be written to for ever
    const leave = (): void => feed.close();
    response.on('close', leave);
    const keepAlive = setInterval(() => this.keepAlive(), options.keepAliveMs).unref();
    try {
      await this.pump();
      await this.flush();
      if (this.ending) throw this.ending;
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      await this.send('error', [printEnding(error.code, error.message)]);
      await this.flush();
    } finally {
      clearInterval(keepAlive);
      response.off('close', leave);
      feed.close();
      response.end();
    }
  }

  /** Ends it with an error that says why; one that doesn't read is cut off, and comes back all the same. */
  end(why: RejoinError): void {
    this.ending = why;
    this.feed.close();
    if (this.response.writableNeedDrain) this.response.destroy();
  }

  private async pump(): Promise<void> {
    const { feed } = this;
    let isSynced = false;
    while (!this.response.destroyed) {
      if (feed.atHead && !isSynced) {
        isSynced = true;
        this.see(feed.vector);
        await this.send('sync', [printSynced(feed.vector)]);
        if (!this.options.isLive) return;
      }
      await this.flush();
      const changes = await feed.next();
      if (!changes) return;
      for (const change of changes) await this.take(change);
    }
  }

  private async take(selected: Selected): Promise<void> {
    const { projectId } = this.options;
    this.seen.set(selected.serverId, selected.seqno);
    switch (selected.type) {
      case 'object':
        await this.send(selected.kind, [printObject(projectId, selected.kind, selected, selected.object)]);
        return;
      case 'patch':
        await this.send('patch', printPatch(projectId, selected));
    }
  }

  private see(vector: VersionVector): void {
    this.seen.clear();
    for (const [serverId, seqno] of vector) this.seen.set(serverId, seqno);
  }

  private async send(type: string, json: Iterable<string | Uint8Array>): Promise<void> {
    const { format } = this.options;
    this.isAmid = true;
    this.put(format.head(type, this.seen));
    for (const piece of json) {
      this.put(piece);
      if (this.bytes >= batchBytes) await this.flush();
    }
    this.put(format.tail);
    this.isAmid = false;
  }

  private put(piece: string | Uint8Array): void {
    const bytes = typeof piece === 'string' ? Buffer.from(piece, 'utf8') : piece;
    this.batch.push(bytes);
    this.bytes += bytes.length;
  }

  /** Resolves when the reader takes more. */
  private async flush(): Promise<void> {
    const { response, batch } = this;
    if (batch.length === 0 || response.destroyed) return;
    this.batch = [];
    this.bytes = 0;
    if (response.write(Buffer.concat(batch))) {
      await otherWork();
      return;
    }
    const resting = setTimeout(() => this.feed.rest(), restAfterMs);
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        response.off('drain', goOn).off('close', goOn);
        resolve();
      };
      response.on('drain', goOn).on('close', goOn);
    });
    clearTimeout(resting);
  }

  private keepAlive(): void {
    const { keepAlive } = this.options.format;
    if (keepAlive !== null && !this.isAmid && !this.response.writableNeedDrain)
      this.response.write(keepAlive);
  }
}
