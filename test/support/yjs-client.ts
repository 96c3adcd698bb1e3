// Yjs clients for tests: one that speaks y-websocket frame by frame and is strict about what it hears (YJS-1), and the
// provider that applications use.

import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import { WebSocket, type ClientOptions } from 'ws';
import { WebsocketProvider } from 'y-websocket';
import * as Y from 'yjs';
import { until } from './until.ts';

/** Nothing that is awaited in a test takes this long unless it never comes. */
const patienceMs = 30_000;

export interface Heard {
  readonly type: 'step-1' | 'step-2' | 'update' | 'awareness' | 'durable';
  /** A state vector, an update of the document, or one of awareness; nothing for a number of durable messages. */
  readonly payload: Uint8Array;
  /** How many messages are durable (YJS-7). */
  readonly count: number | null;
  /** All of the frame. */
  readonly frame: Uint8Array;
}

export interface Closed {
  readonly code: number;
  readonly reason: string;
}

export class RawYjsClient {
  /** Everything that came, in order. */
  readonly heard: Heard[] = [];
  /** What a provider's document would be now. */
  readonly doc = new Y.Doc();
  /** Resolves when the socket is closed. */
  readonly closed: Promise<Closed>;
  private failure: Error | null = null;
  private readonly watchers = new Set<() => void>();

  private constructor(readonly socket: WebSocket) {
    this.closed = new Promise((resolve) => {
      socket.on('close', (code, reason) => {
        this.failure ??= new Error(`the socket was closed with ${code} ${reason.toString()}`);
        resolve({ code, reason: reason.toString() });
        this.wake();
      });
    });
    socket.on('error', () => undefined); // a close follows
    socket.on('message', (data: Buffer, isBinary) => {
      try {
        this.hear(readFrame(data, isBinary));
      } catch (error) {
        this.failure ??= error instanceof Error ? error : new Error(String(error));
      }
      this.wake();
    });
  }

  /** @param room goes into the URL as it is, as the provider does it. */
  static async connect(
    socketUrl: string,
    room: string,
    options: ClientOptions & { sendAtOnce?: readonly Uint8Array[] } = {},
  ): Promise<RawYjsClient> {
    const client = new RawYjsClient(new WebSocket(`${socketUrl}/yjs/${room}`, options));
    await new Promise<void>((resolve, reject) => {
      client.socket.once('open', () => {
        for (const frame of options.sendAtOnce ?? []) client.send(frame);
        resolve();
      });
      client.socket.once('error', reject);
    });
    return client;
  }

  /** Sends a frame: bytes as binary, a string as text. */
  send(frame: Uint8Array | readonly number[] | string): void {
    this.socket.send(typeof frame === 'string' ? frame : Uint8Array.from(frame));
  }

  /** The first message of a type after the first `from` messages, once it is there. */
  async waitFor(
    type: Heard['type'],
    { from = 0, where = () => true }: { from?: number; where?: (heard: Heard) => boolean } = {},
  ): Promise<Heard> {
    const find = (): Heard | undefined =>
      this.heard.slice(from).find((heard) => heard.type === type && where(heard));
    await this.until(`a message of type ${type}`, () => find() !== undefined);
    return find()!;
  }

  /** Resolves when `condition` holds; it is tried whenever something has come. */
  async until(what: string, condition: () => boolean): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const end = (error?: Error): void => {
        clearTimeout(late);
        this.watchers.delete(look);
        if (error) reject(error);
        else resolve();
      };
      const look = (): void => {
        if (condition()) end();
        else if (this.failure) end(new Error(`waited for ${what}: ${this.failure.message}`));
      };
      const late = setTimeout(
        () =>
          end(
            new Error(
              `waited for ${what}; came: ${this.heard.map(({ type, frame }) => `${type} ${frame.length}`).join(', ')}`,
            ),
          ),
        patienceMs,
      );
      this.watchers.add(look);
      look();
    });
  }

  /**
   * Asks for the whole document until everything that was sent before has had its effect and its answers have come:
   * what is asked for first may be answered behind what is asked for next, but not behind what is asked for then.
   */
  async settle(): Promise<void> {
    for (let i = 0; i < 2; i++) {
      const from = this.heard.length;
      this.send(step1(Y.encodeStateVector(new Y.Doc())));
      await this.waitFor('step-2', { from });
    }
  }

  /** What came after the first `from` messages, without the answers to `settle`. */
  typesAfter(from: number): Heard['type'][] {
    return this.heard.slice(from).flatMap(({ type }) => (type === 'step-2' ? [] : [type]));
  }

  async close(): Promise<Closed> {
    this.socket.close();
    const closed = await this.closed;
    this.doc.destroy();
    return closed;
  }

  private hear(heard: Heard): void {
    this.heard.push(heard);
    if (heard.type === 'step-2' || heard.type === 'update') Y.applyUpdate(this.doc, heard.payload);
    const isSynced = this.heard.some(({ type }) => type === 'step-2');
    if (isSynced && (this.doc.store.pendingStructs || this.doc.store.pendingDs))
      throw new Error(`a ${heard.type} came before what it builds on`);
  }

  private wake(): void {
    for (const look of [...this.watchers]) look();
  }
}

/** YJS-1: binary, and exactly one message to its last byte. */
function readFrame(data: Buffer, isBinary: boolean): Heard {
  if (!isBinary) throw new Error(`a text frame came: ${data.toString()}`);
  const decoder = decoding.createDecoder(data);
  const protocol = decoding.readVarUint(decoder);
  const types = ['step-1', 'step-2', 'update'] as const;
  const type =
    protocol === 0
      ? types[decoding.readVarUint(decoder)]
      : protocol === 1
        ? 'awareness'
        : protocol === 100
          ? 'durable'
          : undefined;
  if (type === undefined) throw new Error(`a message of an unknown type came: ${data.toString('hex')}`);
  const count = type === 'durable' ? decoding.readVarUint(decoder) : null;
  const payload = count === null ? Uint8Array.from(decoding.readVarUint8Array(decoder)) : new Uint8Array();
  if (decoding.hasContent(decoder)) throw new Error(`more than one message came: ${data.toString('hex')}`);
  return { type, payload, count, frame: Uint8Array.from(data) };
}

export function step1(stateVector: Uint8Array): Uint8Array {
  return frameOf([0, 0], stateVector);
}

export function step2(update: Uint8Array): Uint8Array {
  return frameOf([0, 1], update);
}

export function update(bytes: Uint8Array): Uint8Array {
  return frameOf([0, 2], bytes);
}

/** States of clients; null says that one is gone. */
export function awareness(states: readonly { client: number; clock: number; state: unknown }[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, states.length);
  for (const { client, clock, state } of states) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    encoding.writeVarString(encoder, JSON.stringify(state));
  }
  return frameOf([1], encoding.toUint8Array(encoder));
}

/** What an awareness update says: client, clock, state. */
export function readAwareness({ payload }: Heard): [client: number, clock: number, state: unknown][] {
  const decoder = decoding.createDecoder(payload);
  return Array.from({ length: decoding.readVarUint(decoder) }, () => [
    decoding.readVarUint(decoder),
    decoding.readVarUint(decoder),
    JSON.parse(decoding.readVarString(decoder)) as unknown,
  ]);
}

function frameOf(types: readonly number[], bytes: Uint8Array): Uint8Array {
  const encoder = encoding.createEncoder();
  for (const type of types) encoding.writeVarUint(encoder, type);
  encoding.writeVarUint8Array(encoder, bytes);
  return encoding.toUint8Array(encoder);
}

/** The updates that a document emits from now on, one for each transaction. */
export function updatesOf(doc: Y.Doc): Uint8Array[] {
  const updates: Uint8Array[] = [];
  doc.on('update', (bytes: Uint8Array) => updates.push(bytes));
  return updates;
}

export interface TestProvider {
  readonly provider: WebsocketProvider;
  readonly doc: Y.Doc;
  /** Resolves when it has the server's document. */
  synced(): Promise<void>;
  /** Ends the provider and its document. */
  destroy(): void;
}

/** The provider that applications use, over a new document unless one is given; it need not be connected yet. */
export function openProvider(socketUrl: string, room: string, doc: Y.Doc = new Y.Doc()): TestProvider {
  const provider = new WebsocketProvider(`${socketUrl}/yjs`, room, doc, {
    // The polyfill that its documentation names for Node; only the types of the two differ.
    WebSocketPolyfill: WebSocket as unknown as typeof globalThis.WebSocket,
    disableBc: true,
    maxBackoffTime: 200,
  });
  return {
    provider,
    doc,
    synced: () => until(`the provider of ${room} is synced`, () => provider.synced),
    destroy: () => {
      provider.destroy();
      doc.destroy();
    },
  };
}

/** As `openProvider`; resolves when it has the server's document. */
export async function connectProvider(socketUrl: string, room: string, doc?: Y.Doc): Promise<TestProvider> {
  const opened = openProvider(socketUrl, room, doc);
  await opened.synced();
  return opened;
}
