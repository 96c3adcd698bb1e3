// Documents for the benchmarks, written over `/yjs` as clients write them, and read as a fresh client reads them.

import * as prng from 'lib0/prng';
import * as Y from 'yjs';
import { readFrame, writeStep1, writeUpdate } from '../../src/wire/yjs.ts';
import { FrameSocket, clientFrame } from './frame-socket.ts';

export interface WrittenDocument {
  readonly project: string;
  readonly doc: Y.Doc;
  /** Makes the document, change by change. */
  readonly write: (doc: Y.Doc) => void;
}

/** Many small updates, one per change: text typed all over the place, and cells set again and again. */
export function documentOfSmallUpdates(updates: number): WrittenDocument {
  return {
    project: 'small-updates',
    doc: new Y.Doc(),
    write: (doc) => {
      const random = prng.create(1);
      const text = doc.getText('text');
      const cells = doc.getMap('cells');
      for (let i = 0; i < updates; i++) {
        if (i % 2 === 0) text.insert(prng.int32(random, 0, text.length), 'a');
        else cells.set(`cell ${prng.int32(random, 0, 999)}`, i);
      }
    },
  };
}

/** A large document in updates of a megabyte. */
export function documentOfMegabytes(megabytes: number, project = 'megabytes'): WrittenDocument {
  return {
    project,
    doc: new Y.Doc(),
    write: (doc) => {
      const random = prng.create(1);
      const notes = doc.getMap('notes');
      for (let i = 0; i < megabytes; i++) {
        doc.transact(() => {
          for (let j = 0; j < 1_000; j++) notes.set(`note ${i}.${j}`, prng.word(random, 1_000, 1_000));
        });
      }
    },
  };
}

const windowUpdates = 1_000;

/** Writes a document over `/yjs`. Resolves when all of it is durable: when every update has come back. */
export async function writeOverYjs(url: string, { project, doc, write }: WrittenDocument): Promise<void> {
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  write(doc);
  const writer = await YjsWriter.open(url, project);
  for (const [index, update] of updates.entries()) {
    writer.send(update);
    await writer.durable(index - windowUpdates);
  }
  await writer.durable(updates.length);
  writer.close();
}

/** Sends updates, and counts those that are durable. */
export class YjsWriter {
  private echoes = 0;

  private constructor(private readonly socket: FrameSocket) {
    socket.onFrame = (payload) => {
      if (payload[0] === 0 && payload[1] === 2) this.echoes++;
    };
  }

  static async open(url: string, project: string): Promise<YjsWriter> {
    return new YjsWriter(await FrameSocket.open(url, `/yjs/${project}`));
  }

  send(update: Uint8Array): void {
    this.socket.send(clientFrame(writeUpdate(update)));
  }

  /** Resolves when so many updates have come back. */
  durable(count: number): Promise<void> {
    return this.socket.until(() => this.echoes >= count);
  }

  close(): void {
    this.socket.close();
  }
}

/** What a client that knows nothing is sent, and how long that took from connecting on. */
export async function joinOverYjs(url: string, project: string): Promise<{ update: Uint8Array; ms: number }> {
  const startedMs = performance.now();
  const socket = await FrameSocket.open(url, `/yjs/${project}`);
  const answers: Buffer[] = [];
  socket.onFrame = (payload) => {
    if (payload[0] === 0 && payload[1] === 1) answers.push(payload);
  };
  socket.send(clientFrame(writeStep1(new Uint8Array([0]))));
  await socket.until(() => answers.length > 0);
  const ms = performance.now() - startedMs;
  socket.close();
  const [message] = readFrame(Buffer.concat(answers));
  if (message?.type !== 'step-2') throw new Error('no step 2 came');
  return { update: message.update, ms };
}
