// Who is here: the awareness states of a room's Yjs clients. Never stored; gone with the connection that brought them.

import * as decoding from 'lib0/decoding';
import * as encoding from 'lib0/encoding';
import {
  Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from 'y-protocols/awareness';
import * as Y from 'yjs';
import { RejoinError, messageOf } from '../errors.ts';
import { isDeeperThan, jsonDepthMax } from '../model/json.ts';
import { Speakers } from './speakers.ts';

/** One message may bring this much, or tell: a cursor and a name, not a document. */
const updateBytesMax = 256 * 1024;
/** So many clients may speak through one connection: the tabs of a browser share one. */
const clientsPerConnectionMax = 256;
/** The clocks of so many clients that are gone are remembered. */
const goneMax = 4_096;

/** An awareness update about nobody. */
export const noAwareness = new Uint8Array([0]);

interface AwarenessChanges {
  readonly added: readonly number[];
  readonly updated: readonly number[];
  readonly removed: readonly number[];
}

export class Presence<Connection extends object> {
  private readonly awareness = new Awareness(new Y.Doc());
  private readonly speakers = new Speakers<Connection>();

  /** @param tell is called with every update that somebody should hear, its sender included (YJS-3). */
  constructor(tell: (update: Uint8Array) => void) {
    this.awareness.setLocalState(null); // the server itself is not present
    this.awareness.on(
      'update',
      ({ added, updated, removed }: AwarenessChanges, origin: Connection | null) => {
        const { states } = this.awareness;
        for (const client of removed) this.speakers.gone(client);
        if (origin)
          for (const client of [...added, ...updated])
            this.speakers.spoke(origin, client, states.get(client));
        tell(encodeAwarenessUpdate(this.awareness, [...added, ...updated, ...removed]));
      },
    );
  }

  /** The clients that are here. */
  get here(): readonly number[] {
    return [...this.awareness.getStates().keys()];
  }

  /** The clients that are here, and those that have gone of late. */
  get known(): readonly number[] {
    return [...this.awareness.meta.keys()].filter((client) => client !== this.awareness.clientID);
  }

  /** What there is to say of these clients, when it is asked for, in updates of bounded size. */
  *print(clients: readonly number[]): Generator<Uint8Array, void> {
    const { states, meta } = this.awareness;
    let part: number[] = [];
    let bytes = 0;
    for (const client of clients) {
      if (!meta.has(client)) continue; // forgotten meanwhile
      const stateBytes = Buffer.byteLength(JSON.stringify(states.get(client) ?? null));
      if (part.length > 0 && bytes + stateBytes > updateBytesMax) {
        yield this.encode(part);
        part = [];
        bytes = 0;
      }
      part.push(client);
      bytes += stateBytes;
    }
    if (part.length > 0) yield this.encode(part);
  }

  /**
   * @returns what its sender must hear, if anything: that those are gone who say again what they said before they were.
   *   A provider does that on a new connection, and everybody would take it for old; told this, it counts on and is seen.
   * @throws RejoinError `undecodable`, `too-large`: the connection must be closed.
   */
  hear(update: Uint8Array, from: Connection): Uint8Array | null {
    const heard = this.withoutUnknownGone(readAwareness(update));
    applyAwarenessUpdate(this.awareness, printAwareness(heard), from);
    this.forgetLongGone();
    if (this.speakers.clientsOf(from).size > clientsPerConnectionMax) throw tooManyClients();
    const { states, meta } = this.awareness;
    const unseen = heard.flatMap(({ client, state }) =>
      state !== gone && meta.has(client) && !states.has(client) ? [client] : [],
    );
    return unseen.length === 0 ? null : encodeAwarenessUpdate(this.awareness, unseen);
  }

  /** The connection is gone, and with it those it spoke for (YJS-13). */
  leave(connection: Connection): void {
    removeAwarenessStates(this.awareness, [...this.speakers.clientsOf(connection)], null);
    this.forgetLongGone();
  }

  /** The name of the user behind a connection, as its first client that has one gives it now. */
  nameOf(connection: Connection): string | undefined {
    return this.speakers.nameOf(connection);
  }

  /** The name that a client gives its user now, whoever speaks for it. */
  nameOfClient(client: number): string | undefined {
    return this.speakers.nameOfClient(client);
  }

  end(): void {
    this.awareness.destroy();
  }

  private encode(clients: readonly number[]): Uint8Array {
    return encodeAwarenessUpdate(this.awareness, [...clients]);
  }

  /**
   * Nothing is remembered of clients that were never here. Those that are here don't count: a provider says again all
   * that it hears.
   */
  private withoutUnknownGone(heard: readonly ClientState[]): ClientState[] {
    const { meta } = this.awareness;
    const unknown = new Set<number>();
    for (const { client } of heard) if (!meta.has(client)) unknown.add(client);
    if (unknown.size > clientsPerConnectionMax) throw tooManyClients();
    return heard.filter(({ client, state }) => state !== gone || !unknown.has(client));
  }

  private forgetLongGone(): void {
    const { states, meta } = this.awareness;
    if (meta.size - states.size <= goneMax) return;
    let surplus = meta.size - states.size - goneMax / 2; // not again for each that goes
    for (const client of meta.keys()) {
      if (surplus <= 0) return;
      if (states.has(client)) continue;
      meta.delete(client);
      surplus--;
    }
  }
}

interface ClientState {
  readonly client: number;
  readonly clock: number;
  /** As JSON. */
  readonly state: string;
}

/** The state of a client that says goodbye. */
const gone = 'null';

function tooManyClients(): RejoinError {
  return new RejoinError(
    'too-large',
    `One connection may speak for ${clientsPerConnectionMax} clients at most`,
  );
}

/** Reads all of an update, so that none of it is applied if a part is bad. */
function readAwareness(update: Uint8Array): ClientState[] {
  if (update.length > updateBytesMax) {
    throw new RejoinError('too-large', `An awareness update may have ${updateBytesMax} bytes at most`);
  }
  const heard: ClientState[] = [];
  try {
    const decoder = decoding.createDecoder(update);
    const count = decoding.readVarUint(decoder);
    for (let i = 0; i < count; i++) {
      const client = decoding.readVarUint(decoder);
      const clock = decoding.readVarUint(decoder);
      const state = decoding.readVarString(decoder);
      if (isDeeperThan(state, jsonDepthMax))
        throw new Error(`a state is nested deeper than ${jsonDepthMax} levels`);
      heard.push({ client, clock, state: JSON.parse(state) === null ? gone : state });
    }
  } catch (error) {
    throw new RejoinError('undecodable', `The awareness update can't be decoded: ${messageOf(error)}`);
  }
  return heard;
}

function printAwareness(states: readonly ClientState[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, states.length);
  for (const { client, clock, state } of states) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    encoding.writeVarString(encoder, state);
  }
  return encoding.toUint8Array(encoder);
}
