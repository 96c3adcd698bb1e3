// The client's side of `/ws`, as little of it as the campaign needs: opening a socket, and reading a whole project.

import { once } from 'node:events';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { within } from './within.ts';

/** An object as it was streamed. All streams of the campaign have one mux_id, so that `text` can be compared. */
export interface Streamed {
  readonly text: string;
  readonly kind: 'entry' | 'thread' | 'comment';
  readonly serverId: number;
  readonly seqno: number;
  readonly versionUuid: string;
  readonly message: Readonly<Record<string, unknown>>;
}

export type StreamFrame =
  | { readonly type: 'object'; readonly object: Streamed }
  | { readonly type: 'sync' }
  | { readonly type: 'uploaded' | 'error'; readonly muxId: string; readonly text: string };

const frameShape = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.enum(['entry', 'thread', 'comment']),
    srv_id: z.number(),
    seqno: z.number(),
    version_uuid: z.string(),
  }),
  z.object({ type: z.literal('sync') }),
  z.object({ type: z.enum(['uploaded', 'error']), mux_id: z.string().default('') }),
]);

export function readStreamFrame(text: string): StreamFrame {
  const frame = frameShape.parse(JSON.parse(text));
  switch (frame.type) {
    case 'sync':
      return { type: 'sync' };
    case 'uploaded':
    case 'error':
      return { type: frame.type, muxId: frame.mux_id, text };
    default: {
      const { type: kind, srv_id: serverId, seqno, version_uuid: versionUuid } = frame;
      return { type: 'object', object: { text, kind, serverId, seqno, versionUuid, message: frame } };
    }
  }
}

/**
 * An open socket on `/ws` whose text frames go to `hear` until it is closed.
 * @param onGarbled is told of a frame that can't be read, which else ends the campaign.
 */
export async function openStreamSocket(
  socketUrl: string,
  hear: (frame: StreamFrame) => void,
  onGarbled?: (text: string) => void,
): Promise<WebSocket> {
  const socket = new WebSocket(`${socketUrl}/ws`);
  socket.on('error', () => undefined); // 'close' follows
  socket.on('message', (data: Buffer) => {
    const text = data.toString('utf8');
    let frame: StreamFrame;
    try {
      frame = readStreamFrame(text);
    } catch (error) {
      if (!onGarbled) throw error;
      onGarbled(text);
      return;
    }
    hear(frame);
  });
  await within(once(socket, 'open'), 'opening /ws');
  return socket;
}

export function subscription(
  type: 'subscribe' | 'fetch',
  project: string,
  since: ReadonlyMap<number, number>,
): string {
  const selectors = { entries: '*', threads: '*', comments: '*' };
  return JSON.stringify({ type, mux_id: 'all', project_id: project, since: [...since], ...selectors });
}

/** All objects of a project, on a socket of its own, from nothing. */
export async function fetchAll(socketUrl: string, project: string): Promise<Streamed[]> {
  const objects: Streamed[] = [];
  let socket: WebSocket | undefined;
  try {
    await within(
      new Promise<void>((resolve, reject) => {
        const hear = (frame: StreamFrame): void => {
          if (frame.type === 'object') objects.push(frame.object);
          else if (frame.type === 'sync') resolve();
          else reject(new Error(`a fetch of ${project} was answered with ${frame.text}`));
        };
        const open = async (): Promise<void> => {
          socket = await openStreamSocket(socketUrl, hear);
          socket.on('close', () => reject(new Error(`a fetch of ${project} was cut off`)));
          socket.send(subscription('fetch', project, new Map()));
        };
        open().catch(reject);
      }),
      `a fetch of ${project}`,
    );
  } finally {
    socket?.terminate();
  }
  return objects;
}

/** Resolves when a socket is closed and everything that had arrived on it was heard. */
export async function untilClosed(socket: WebSocket): Promise<void> {
  if (socket.readyState === socket.CLOSED) return;
  await within(once(socket, 'close'), 'the close of a socket of a killed server');
}
