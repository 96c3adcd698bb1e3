// Sends what was written in a project: in order, a batch at a time, again until the server has answered. An object that
// the server will not take is found by halving its batch, and doesn't hold up the others.

import { RejoinError, type ErrorCode } from '../errors.ts';
import type { JsonObject } from '../model/json.ts';
import { Backoff } from './backoff.ts';
import type { ClientEnvironment } from './client-environment.ts';
import type { Connection, ConnectionUser } from './connection.ts';
import type { KeptObject, ObjectKey, RefusedObject } from './storage.ts';
import { keyOf } from './stored-state.ts';

/** What comes of what was sent; both resolve when it is stored. */
export interface UploadOutcomes {
  acknowledged(objects: readonly KeptObject[]): Promise<void>;
  refused(objects: readonly RefusedObject[]): Promise<void>;
  failed(error: RejoinError): void;
}

/** Small, so that a batch is through on a bad line before the connection counts as dead. */
const batchObjectsMax = 500;
const batchUnitsMax = 128 * 1024;

/** The server will not take it, however often it is sent. */
const finalCodes: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['bad-request', 'too-large', 'deleted']);

export class UploadQueue implements ConnectionUser {
  /** Durable here and not acknowledged, in the order in which it was written. */
  private readonly waiting = new Map<string, KeptObject>();
  private readonly backoff: Backoff;
  private muxId: number | null = null;
  /** Whether an answer is being stored, or a wait is under way. */
  private isBusy = false;
  private isConnected = false;
  private isEnded = false;
  private batchMax = batchObjectsMax;
  private cancelWait: () => void = () => undefined;

  constructor(
    private readonly project: string,
    private readonly connection: Connection,
    private readonly environment: ClientEnvironment,
    private readonly outcomes: UploadOutcomes,
  ) {
    this.backoff = new Backoff(environment);
    connection.add(this);
  }

  add(objects: readonly KeptObject[]): void {
    for (const object of objects) this.waiting.set(keyOf(object), object);
    this.next();
  }

  /** The server has them, or another client of the storage was told that it won't. */
  remove(keys: readonly ObjectKey[]): void {
    for (const key of keys) this.waiting.delete(keyOf(key));
  }

  connected(): void {
    this.isConnected = true;
    this.next();
  }

  disconnected(): void {
    this.isConnected = false;
    this.muxId = null;
  }

  end(): void {
    this.isEnded = true;
    this.cancelWait();
    this.connection.remove(this);
  }

  private next(): void {
    if (!this.isConnected || this.isEnded || this.isBusy || this.muxId !== null || this.waiting.size === 0)
      return;
    const batch = this.nextBatch();
    const muxId = this.connection.reserve((message) => {
      if (message.type !== 'uploaded' && message.type !== 'error') return;
      this.connection.release(muxId);
      this.muxId = null;
      void this.answered(
        batch,
        message.type === 'error' ? new RejoinError(message.code, message.message) : null,
      );
    });
    this.muxId = muxId;
    const objects = batch.map((object) => uploaded(this.project, object));
    this.connection.send({ type: 'upload', mux_id: muxId, objects });
  }

  private nextBatch(): KeptObject[] {
    const batch: KeptObject[] = [];
    let units = 0;
    for (const object of this.waiting.values()) {
      units += JSON.stringify(object.value).length;
      if (batch.length > 0 && (units > batchUnitsMax || batch.length >= this.batchMax)) break;
      batch.push(object);
    }
    return batch;
  }

  private async answered(batch: readonly KeptObject[], refusal: RejoinError | null): Promise<void> {
    this.isBusy = true;
    try {
      if (refusal) await this.refused(batch, refusal);
      else await this.acknowledged(batch);
    } catch (error) {
      this.retry(error);
      return;
    }
    this.isBusy = false;
    this.next();
  }

  private async acknowledged(batch: readonly KeptObject[]): Promise<void> {
    await this.outcomes.acknowledged(batch);
    this.remove(batch);
    this.backoff.reset();
    this.batchMax = Math.min(batchObjectsMax, this.batchMax * 2);
  }

  private async refused(batch: readonly KeptObject[], { code, message }: RejoinError): Promise<void> {
    if (!finalCodes.has(code)) throw new RejoinError(code, message);
    if (batch.length > 1 && code !== 'deleted') {
      this.batchMax = Math.ceil(batch.length / 2);
      return;
    }
    await this.outcomes.refused(batch.map((object) => ({ ...object, code, message })));
    this.remove(batch);
  }

  /** The server, or the storage here, can't do it now. */
  private retry(error: unknown): void {
    if (!(error instanceof RejoinError)) throw error;
    this.outcomes.failed(error);
    if (this.isEnded) return;
    this.cancelWait = this.environment.after(this.backoff.next(), () => {
      this.isBusy = false;
      this.next();
    });
  }
}

function uploaded(project: string, { kind, value }: KeptObject): JsonObject {
  return { type: `new${kind}`, project_id: project, ...value };
}
