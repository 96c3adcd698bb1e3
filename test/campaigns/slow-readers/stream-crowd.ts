// The slow readers campaign on `/ws`: uploads, and subscribers of their project.

import { randomUUID } from 'node:crypto';
import { newEntry } from '../../support/stream-client.ts';
import { until } from '../../support/until.ts';
import { openStreamSocket, subscription, type StreamFrame } from '../kill9/stream-socket.ts';
import { within } from '../kill9/within.ts';
import { StalledSocket } from './stalled-socket.ts';
import type { Crowd, JoinCrowd, Stalled } from './wire.ts';

interface Subscriber {
  readonly socket: Awaited<ReturnType<typeof openStreamSocket>>;
  /** The text of each object by the uuid of its version. */
  readonly texts: ReadonlyMap<string, string>;
}

export const joinStreamCrowd: JoinCrowd = async (socketUrl): Promise<Crowd> => {
  const project = `slow-${randomUUID()}`;
  const written = new Map<string, string>();
  const healthy = await subscribe(socketUrl, project);
  const sockets = [healthy.socket];
  const writer = await openStreamSocket(socketUrl, () => undefined);
  sockets.push(writer);
  return {
    stall: async (): Promise<Stalled> => {
      const subscriber = await subscribe(socketUrl, project);
      sockets.push(subscriber.socket);
      const stalled = new StalledSocket(subscriber.socket);
      return {
        isConnected: () => stalled.isConnected(),
        readOn: async () => {
          stalled.readOn();
          await until('it has read everything', () => countMissed(written, subscriber) === 0);
        },
      };
    },
    write: async (bytes, smallOnes) => {
      const startMs = performance.now();
      const sizes = [bytes, ...new Array<number>(smallOnes).fill(1)];
      const uuids = sizes.map((size) => {
        const entry = newEntry(project, { clip_id: 'x'.repeat(size) });
        written.set(entry.version_uuid, JSON.stringify(entry['clip_id']));
        writer.send(JSON.stringify({ type: 'upload', mux_id: entry.version_uuid, objects: [entry] }));
        return entry.version_uuid;
      });
      await until('the reader has them', () => uuids.every((uuid) => healthy.texts.has(uuid)));
      return performance.now() - startMs;
    },
    countMissed: () => countMissed(written, healthy),
    end: () => {
      for (const socket of sockets) socket.terminate();
    },
  };
};

async function subscribe(socketUrl: string, project: string): Promise<Subscriber> {
  const texts = new Map<string, string>();
  let onSync = (): void => undefined;
  const synced = new Promise<void>((resolve) => (onSync = resolve));
  const socket = await openStreamSocket(socketUrl, (frame: StreamFrame) => {
    if (frame.type === 'sync') onSync();
    if (frame.type === 'object') texts.set(frame.object.versionUuid, frame.object.text);
  });
  socket.send(subscription('subscribe', project, new Map()));
  await within(synced, 'the sync of a subscriber');
  return { socket, texts };
}

function countMissed(written: ReadonlyMap<string, string>, { texts }: Subscriber): number {
  return [...written].filter(([uuid, content]) => !texts.get(uuid)?.includes(content)).length;
}
