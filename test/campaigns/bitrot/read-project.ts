// Reads a project over every wire from a server whose data may be damaged: what is served, and what a wire says where it
// serves nothing.

import type { WebSocket } from 'ws';
import * as Y from 'yjs';
import { messageOf } from '../../../src/errors.ts';
import type { JsonObject } from '../../../src/model/json.ts';
import type { Wire } from '../kill9/ledger.ts';
import { openStreamSocket, subscription, type Streamed, type StreamFrame } from '../kill9/stream-socket.ts';
import { getDiffs, getSession, Refusal } from '../kill9/udt-client.ts';
import { within } from '../kill9/within.ts';
import type { Address } from '../kill9/writer.ts';
import { YjsConnection } from '../kill9/yjs-connection.ts';

/** A wire that did not serve, or take, all it was asked. */
export class WireFailure extends Error {
  constructor(
    readonly wire: Wire,
    /** It said that something is damaged. */
    readonly isDamage: boolean,
    message: string,
  ) {
    super(message);
  }
}

/** A wire served what is no message at all. */
export class Garbled extends Error {}

export interface ProjectReading {
  /** Everything that arrived, also before a failure. */
  readonly objects: readonly Streamed[];
  /** Of a session that is served. */
  readonly udt: { readonly version: number; readonly state: JsonObject } | null;
  /** What `/yjs` served; null if it was refused. */
  readonly document: JsonObject | null;
  readonly stateVector: ReadonlyMap<number, number>;
  readonly failures: readonly WireFailure[];
}

export async function readProject(
  address: Address,
  project: string,
  isSession: boolean,
): Promise<ProjectReading> {
  const failures: WireFailure[] = [];
  const attempt = async <T>(reading: Promise<T>): Promise<T | null> => {
    try {
      return await reading;
    } catch (error) {
      if (!(error instanceof WireFailure)) throw error;
      failures.push(error);
      return null;
    }
  };
  const { objects, failure } = await readStream(address, project, new Map());
  if (failure) failures.push(failure);
  const udt = isSession ? await attempt(readSession(address, project)) : null;
  const read = await attempt(readDocument(address, project));
  return {
    objects,
    udt,
    document: read && rootsOf(read),
    stateVector: read ? Y.decodeStateVector(Y.encodeStateVector(read)) : new Map<number, number>(),
    failures,
  };
}

/** A project's objects behind `since`, as far as they come. */
export async function readStream(
  { socketUrl }: Address,
  project: string,
  since: ReadonlyMap<number, number>,
): Promise<{ objects: Streamed[]; failure: WireFailure | null }> {
  const objects: Streamed[] = [];
  let socket: WebSocket | undefined;
  try {
    const ended = new Promise<WireFailure | null>((resolve, reject) => {
      const hear = (frame: StreamFrame): void => {
        if (frame.type === 'object') objects.push(frame.object);
        else if (frame.type === 'sync') resolve(null);
        else resolve(streamFailure(frame.text));
      };
      const open = async (): Promise<void> => {
        socket = await openStreamSocket(socketUrl, hear, (text) => {
          reject(new Garbled(`/ws shows something of ${project} that can't be read: ${text}`));
        });
        socket.on('close', (code) => resolve(new WireFailure('stream', false, `/ws closed with ${code}`)));
        socket.send(subscription('fetch', project, since));
      };
      open().catch(reject);
    });
    return { objects, failure: await within(ended, `a fetch of ${project}`) };
  } finally {
    socket?.terminate();
  }
}

export function streamFailure(text: string): WireFailure {
  return new WireFailure('stream', /"damaged"/.test(text), `/ws: ${text}`);
}

/** What a Yjs connection is closed with when something is damaged (YJS-9). */
export const damagedCloseCode = 4500;

/** Resolves with the document in sync, and its connection, which is the caller's to close. */
export async function connectDocument(
  { socketUrl }: Address,
  project: string,
  hear: ConstructorParameters<typeof YjsConnection>[3] = () => undefined,
): Promise<{ doc: Y.Doc; connection: YjsConnection; closed: Promise<never> }> {
  const doc = new Y.Doc();
  const connection = new YjsConnection(socketUrl, project, doc, hear);
  const closed = new Promise<never>((_, reject) => {
    connection.onClosed(() => {
      const code = connection.closeCode;
      reject(new WireFailure('yjs', code === damagedCloseCode, `/yjs closed with ${code ?? 'no code'}`));
    });
  });
  closed.catch(() => undefined); // whoever races with it hears of it
  try {
    const synced = new Promise<void>((resolve) => connection.onSynced(resolve));
    await within(Promise.race([synced, closed]), `the sync of ${project}`);
  } catch (error) {
    connection.close();
    throw error;
  }
  return { doc, connection, closed };
}

/** A refusal of UDT's API as a failure of its wire; another error as it is. */
export function udtFailure(error: unknown): unknown {
  if (!(error instanceof Refusal)) return error;
  const isDamage = error.status === 500 && !error.message.includes('An error of the server');
  return new WireFailure('udt', isDamage, messageOf(error));
}

async function readSession({ url }: Address, id: string): Promise<NonNullable<ProjectReading['udt']>> {
  try {
    const { version, udt_json: state } = await getSession(url, id);
    const { latestVersion, patches } = await getDiffs(url, id, version);
    if (latestVersion !== version || patches.length > 0)
      throw new WireFailure('udt', false, `${id} is at ${version}, its poll says ${latestVersion}`);
    return { version, state };
  } catch (error) {
    throw udtFailure(error);
  }
}

async function readDocument(address: Address, project: string): Promise<Y.Doc> {
  const { doc, connection } = await connectDocument(address, project);
  connection.close();
  return doc;
}

function rootsOf(doc: Y.Doc): JsonObject {
  const names = ['entries', 'threads', 'comments', 'notes', 'udt'];
  return Object.fromEntries(names.map((name) => [name, doc.getMap(name).toJSON()]));
}
