// Keeps a project current: subscribes from what is stored, and hands on what comes, in order and a page at a time, so
// that a long history isn't a transaction per object. Opens itself again after a cut or an error.

import { RejoinError } from '../errors.ts';
import { printVersionVector, type VersionVector } from '../model/version-vector.ts';
import { objectOf, type ReadMessage } from '../wire/stream/server-message.ts';
import { Backoff } from './backoff.ts';
import type { ClientEnvironment } from './client-environment.ts';
import type { Connection, ConnectionUser } from './connection.ts';
import type { Place, ReceivedObject } from './storage.ts';
import { raiseVector } from './stored-state.ts';

/** What came, in order. */
export interface ReceivedPage {
  readonly objects: readonly ReceivedObject[];
  /** What is known with them. */
  readonly vector: readonly Place[];
  /** Whether the history is complete with it. */
  readonly isSynced: boolean;
}

export interface StreamOutcomes {
  /** What is stored: the stream begins behind it. */
  vector(): VersionVector;
  /** Resolves when the page is stored. Pages come one after the other. */
  received(page: ReceivedPage): Promise<void>;
  /** It is no longer current. */
  interrupted(): void;
  /** It goes on by itself, unless the project is deleted. */
  failed(error: RejoinError): void;
}

type Arrival =
  { readonly object: ReceivedObject } | { readonly since: VersionVector } | { readonly seen: Place };

const pageMax = 1_000;
/** More than this isn't taken from the connection until it is stored. */
const arrivalsMax = 5_000;

export class ProjectStream implements ConnectionUser {
  private readonly backoff: Backoff;
  private arrivals: Arrival[] = [];
  private muxId: number | null = null;
  private storing: Promise<void> = Promise.resolve();
  private isStoring = false;
  private isEnded = false;
  private releaseHold: (() => void) | null = null;
  private cancelWait: () => void = () => undefined;

  constructor(
    private readonly project: string,
    private readonly connection: Connection,
    private readonly environment: ClientEnvironment,
    private readonly outcomes: StreamOutcomes,
  ) {
    this.backoff = new Backoff(environment);
    connection.add(this);
  }

  connected(): void {
    this.cancelWait();
    void this.subscribe();
  }

  disconnected(): void {
    this.forget();
    this.outcomes.interrupted();
  }

  /** Resolves when nothing is being stored any more. */
  async end(): Promise<void> {
    this.isEnded = true;
    this.cancelWait();
    this.forget();
    this.connection.remove(this);
    await this.storing;
  }

  /** What came and isn't stored will come again. */
  private forget(): void {
    if (this.muxId !== null) this.connection.release(this.muxId);
    this.muxId = null;
    this.arrivals = [];
    this.release();
  }

  private async subscribe(): Promise<void> {
    const muxId = this.connection.reserve((message) => this.heard(message));
    this.muxId = muxId;
    await this.storing; // what is being stored moves the vector
    if (this.muxId !== muxId) return;
    const since = printVersionVector(this.outcomes.vector());
    const kinds = { entries: '*', threads: '*', comments: '*' };
    this.connection.send({ type: 'subscribe', mux_id: muxId, project_id: this.project, since, ...kinds });
  }

  private heard(message: ReadMessage): void {
    switch (message.type) {
      case 'object': {
        const { kind, versionUuid, serverId, seqno, sent } = message;
        const object = { kind, versionUuid, value: objectOf(sent), places: [[serverId, seqno] as const] };
        this.arrive({ object });
        return;
      }
      case 'patch':
        this.arrive({ seen: [message.serverId, message.seqno] });
        return;
      case 'sync':
        this.arrive({ since: message.since });
        return;
      case 'error':
        this.fail(new RejoinError(message.code, message.message));
        return;
      case 'closed':
      case 'uploaded':
      case 'unknown':
    }
  }

  private arrive(arrival: Arrival): void {
    this.arrivals.push(arrival);
    if (this.arrivals.length > arrivalsMax) this.releaseHold ??= this.connection.hold();
    if (this.isStoring) return;
    this.isStoring = true;
    this.storing = this.store();
  }

  private async store(): Promise<void> {
    try {
      while (this.arrivals.length > 0) {
        const page = this.arrivals.splice(0, pageMax);
        if (this.arrivals.length < pageMax) this.release();
        await this.outcomes.received(pageOf(page));
        this.backoff.reset();
      }
    } catch (error) {
      if (!(error instanceof RejoinError)) throw error;
      this.fail(error);
    } finally {
      this.isStoring = false;
    }
  }

  private release(): void {
    this.releaseHold?.();
    this.releaseHold = null;
  }

  private fail(error: RejoinError): void {
    if (this.muxId !== null) this.connection.send({ type: 'close', mux_id: this.muxId });
    this.forget();
    this.outcomes.interrupted();
    this.outcomes.failed(error);
    if (error.code === 'deleted') this.connection.remove(this);
    else this.retry();
  }

  private retry(): void {
    if (this.isEnded) return;
    this.cancelWait(); // the server and the storage may fail at once
    this.cancelWait = this.environment.after(this.backoff.next(), () => {
      if (this.connection.isConnected) void this.subscribe();
    });
  }
}

function pageOf(arrivals: readonly Arrival[]): ReceivedPage {
  const vector = new Map<number, number>();
  const objects: ReceivedObject[] = [];
  let isSynced = false;
  for (const arrival of arrivals) {
    if ('object' in arrival) {
      objects.push(arrival.object);
      raiseVector(vector, arrival.object.places);
    } else if ('seen' in arrival) raiseVector(vector, [arrival.seen]);
    else {
      isSynced = true;
      raiseVector(vector, [...arrival.since]);
    }
  }
  return { objects, vector: [...vector], isSynced };
}
