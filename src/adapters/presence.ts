// Who is here: the awareness states of a room's Yjs clients. Never stored; gone with the connection that brought them.

import * as decoding from 'lib0/decoding';
import {
  Awareness,
  applyAwarenessUpdate,
  encodeAwarenessUpdate,
  removeAwarenessStates,
} from 'y-protocols/awareness';
import * as Y from 'yjs';
import { RejoinError, messageOf } from '../errors.ts';
import { isDeeperThan, jsonDepthMax } from '../model/json.ts';

/** One message may bring this much: a cursor and a name, not a document. */
const updateBytesMax = 256 * 1024;
/** So many clients may speak through one connection: the tabs of a browser share one. */
const clientsPerConnectionMax = 256;

/** An awareness update about nobody. */
export const noAwareness = new Uint8Array([0]);

interface AwarenessChanges {
  readonly added: readonly number[];
  readonly updated: readonly number[];
  readonly removed: readonly number[];
}

export class Presence<Connection extends object> {
  private readonly awareness = new Awareness(new Y.Doc());
  /** clientID → the connection that spoke for it last. */
  private readonly speakers = new Map<number, Connection>();

  /** @param tell is called with every update that somebody should hear, its sender included (YJS-3). */
  constructor(tell: (update: Uint8Array) => void) {
    this.awareness.setLocalState(null); // the server itself is not present
    this.awareness.on(
      'update',
      ({ added, updated, removed }: AwarenessChanges, origin: Connection | null) => {
        for (const client of removed) this.speakers.delete(client);
        if (origin) for (const client of [...added, ...updated]) this.speakers.set(client, origin);
        tell(encodeAwarenessUpdate(this.awareness, [...added, ...updated, ...removed]));
      },
    );
  }

  /** Everybody who is here, or null. */
  everybody(): Uint8Array | null {
    const clients = [...this.awareness.getStates().keys()];
    return clients.length === 0 ? null : encodeAwarenessUpdate(this.awareness, clients);
  }

  /**
   * @returns what its sender must hear, if anything: that those are gone who say again what they said before they were.
   *   A provider does that on a new connection, and everybody would take it for old; told this, it counts on and is seen.
   * @throws RejoinError `undecodable`, `too-large`: the connection must be closed.
   */
  hear(update: Uint8Array, from: Connection): Uint8Array | null {
    const present = checkAwareness(update);
    applyAwarenessUpdate(this.awareness, update, from);
    let spokenFor = 0;
    for (const speaker of this.speakers.values()) if (speaker === from) spokenFor++;
    if (spokenFor > clientsPerConnectionMax) {
      throw new RejoinError(
        'too-large',
        `One connection may speak for ${clientsPerConnectionMax} clients at most`,
      );
    }
    const { states, meta } = this.awareness;
    const unseen = present.filter((client) => meta.has(client) && !states.has(client));
    return unseen.length === 0 ? null : encodeAwarenessUpdate(this.awareness, unseen);
  }

  /** The connection is gone, and with it those it spoke for (YJS-13). */
  leave(connection: Connection): void {
    const gone = [...this.speakers].flatMap(([client, speaker]) => (speaker === connection ? [client] : []));
    removeAwarenessStates(this.awareness, gone, null);
  }

  end(): void {
    this.awareness.destroy();
  }
}

/** Reads all of an update, so that none of it is applied if a part is bad. @returns the clients it says are here. */
function checkAwareness(update: Uint8Array): number[] {
  if (update.length > updateBytesMax) {
    throw new RejoinError('too-large', `An awareness update may have ${updateBytesMax} bytes at most`);
  }
  const present: number[] = [];
  try {
    const decoder = decoding.createDecoder(update);
    const count = decoding.readVarUint(decoder);
    for (let i = 0; i < count; i++) {
      const client = decoding.readVarUint(decoder);
      decoding.readVarUint(decoder); // clock
      const state = decoding.readVarString(decoder);
      if (isDeeperThan(state, jsonDepthMax))
        throw new Error(`a state is nested deeper than ${jsonDepthMax} levels`);
      if (JSON.parse(state) !== null) present.push(client);
    }
  } catch (error) {
    throw new RejoinError('undecodable', `The awareness update can't be decoded: ${messageOf(error)}`);
  }
  return present;
}
