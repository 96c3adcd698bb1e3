// The slow readers campaign on `/yjs`: a provider that edits, one that reads, and sockets that speak as providers do.

import { randomUUID } from 'node:crypto';
import { WebSocket } from 'ws';
import * as decoding from 'lib0/decoding';
import * as Y from 'yjs';
import { connectProvider, step1 } from '../../support/yjs-client.ts';
import { until } from '../../support/until.ts';
import { within } from '../kill9/within.ts';
import { StalledSocket } from './stalled-socket.ts';
import type { Crowd, JoinCrowd, Stalled } from './wire.ts';

/** So many of the larger edits are left in the document: the others are deleted again. */
const keptMax = 200;

export const joinYjsCrowd: JoinCrowd = async (socketUrl): Promise<Crowd> => {
  const room = `slow-${randomUUID()}`;
  const [writer, healthy] = [await connectProvider(socketUrl, room), await connectProvider(socketUrl, room)];
  const sockets: WebSocket[] = [];
  let count = 0;
  return {
    stall: async (): Promise<Stalled> => {
      const { socket, doc } = await join(socketUrl, room);
      sockets.push(socket);
      const stalled = new StalledSocket(socket);
      return {
        isConnected: () => stalled.isConnected(),
        readOn: async () => {
          stalled.readOn();
          await until('it has the document', () => isSame(doc, writer.doc));
        },
      };
    },
    write: async (bytes, smallOnes) => {
      const list = writer.doc.getArray('list');
      const startMs = performance.now();
      writer.doc.transact(() => {
        list.push([new Uint8Array(bytes).fill(count)]);
        if (list.length > keptMax) list.delete(0, 1);
      });
      for (let i = 0; i < smallOnes; i++) writer.doc.getMap('udt').set('count', ++count);
      await until('the reader has them', () => healthy.doc.getMap('udt').get('count') === count);
      return performance.now() - startMs;
    },
    countMissed: () => (isSame(healthy.doc, writer.doc) ? 0 : 1),
    end: () => {
      for (const socket of sockets) socket.terminate();
      for (const client of [writer, healthy]) client.destroy();
    },
  };
};

/** Joins as a provider does: it asks for the document, and has it. */
async function join(socketUrl: string, room: string): Promise<{ socket: WebSocket; doc: Y.Doc }> {
  const doc = new Y.Doc();
  const socket = new WebSocket(`${socketUrl}/yjs/${room}`);
  socket.on('error', () => undefined); // what it misses then tells
  const synced = new Promise<void>((resolve) => {
    socket.on('message', (data: Buffer) => {
      const decoder = decoding.createDecoder(data);
      if (decoding.readVarUint(decoder) !== 0 || decoding.readVarUint(decoder) === 0) return;
      Y.applyUpdate(doc, decoding.readVarUint8Array(decoder));
      resolve();
    });
  });
  socket.on('open', () => socket.send(step1(Y.encodeStateVector(doc))));
  await within(synced, 'the sync of a Yjs client');
  return { socket, doc };
}

function isSame(a: Y.Doc, b: Y.Doc): boolean {
  return Y.equalSnapshots(Y.snapshot(a), Y.snapshot(b));
}
