// Writes once to a project on every wire, as clients that have heard of no damage do.

import * as Y from 'yjs';
import type { Chance } from '../kill9/chance.ts';
import { randomObject } from '../kill9/random-object.ts';
import { openStreamSocket, type StreamFrame } from '../kill9/stream-socket.ts';
import { patchSession } from '../kill9/udt-client.ts';
import { within } from '../kill9/within.ts';
import type { Address } from '../kill9/writer.ts';
import { connectDocument, streamFailure, udtFailure, WireFailure } from './read-project.ts';

export interface Written {
  /** The `version_uuid` of the object that was uploaded; null if it was refused. */
  readonly versionUuid: string | null;
  /** The version that a PATCH made. */
  readonly version: number | null;
  readonly failures: readonly WireFailure[];
}

export async function writeProject(
  address: Address,
  project: string,
  { isSession, chance }: { readonly isSession: boolean; readonly chance: Chance },
): Promise<Written> {
  const failures: WireFailure[] = [];
  const attempt = async <T>(writing: Promise<T>): Promise<T | null> => {
    try {
      return await writing;
    } catch (error) {
      if (!(error instanceof WireFailure)) throw error;
      failures.push(error);
      return null;
    }
  };
  const versionUuid = await attempt(upload(address, project, chance));
  const version = isSession ? await attempt(patch(address, project, chance)) : null;
  await attempt(setNote(address, project, chance));
  return { versionUuid, version, failures };
}

async function upload({ socketUrl }: Address, project: string, chance: Chance): Promise<string> {
  const { kind, versionUuid, fields } = randomObject(chance, project, undefined);
  let hear: (frame: StreamFrame) => void = () => undefined;
  const answer = new Promise<StreamFrame>((resolve) => (hear = resolve));
  const socket = await openStreamSocket(socketUrl, (frame) => hear(frame));
  try {
    const object = { type: `new${kind}`, project_id: project, ...fields };
    socket.send(JSON.stringify({ type: 'upload', mux_id: 'after', objects: [object] }));
    const frame = await within(answer, `an upload to ${project}`);
    if (frame.type !== 'uploaded') throw streamFailure('text' in frame ? frame.text : frame.type);
    return versionUuid;
  } finally {
    socket.terminate();
  }
}

async function patch({ url }: Address, session: string, chance: Chance): Promise<number> {
  try {
    const operation = { op: 'add', path: '/afterwards', value: chance.uuid() } as const;
    return (await patchSession(url, session, [operation])).latestVersion;
  } catch (error) {
    throw udtFailure(error);
  }
}

async function setNote(address: Address, project: string, chance: Chance): Promise<void> {
  let echoed: () => void = () => undefined;
  const echo = new Promise<void>((resolve) => (echoed = resolve));
  let client = -1;
  const { doc, connection, closed } = await connectDocument(address, project, (message) => {
    if (message.type !== 'update') return;
    if (Y.decodeUpdate(message.update).structs.some(({ id }) => id.client === client)) echoed();
  });
  try {
    client = doc.clientID;
    doc.getMap('notes').set('afterwards', chance.uuid());
    await within(Promise.race([echo, closed]), `the echo of a Yjs change of ${project}`);
  } finally {
    connection.close();
  }
}
