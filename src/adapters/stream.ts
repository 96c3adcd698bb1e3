// The adapter of `/ws`: reads what a client asks, runs its streams and uploads, and answers every message, if only with
// an error (WS-19).

import type { Writable } from 'node:stream';
import type { WebSocket } from 'ws';
import { RejoinError, messageOf } from '../errors.ts';
import { anonymous } from '../model/origin.ts';
import type { Projects } from '../core/projects.ts';
import { upload } from '../core/upload.ts';
import type { ClientMessage, StreamRequest, UploadRequest } from '../wire/stream/messages.ts';
import { streamLimits } from '../wire/stream/messages.ts';
import { readMuxId, readMuxIdOfText, type MuxId } from '../wire/stream/mux-id.ts';
import { parseClientFrame, parseClientMessage } from '../wire/stream/parse.ts';
import { printClosed, printError, printUploaded } from '../wire/stream/print.ts';
import { SharedFrames } from './frames.ts';
import type { AdapterLog } from './log.ts';
import { Intake, closeWith } from './sockets.ts';
import { StreamOutgoing } from './stream-outgoing.ts';
import { Stream, type StreamContext } from './stream-reader.ts';

export class StreamAdapter {
  private readonly shared = new SharedFrames();

  constructor(
    private readonly projects: Projects,
    private readonly log: AdapterLog,
  ) {}

  /**
   * Serves a socket until it closes.
   * @param transport what the socket was opened on: many frames can be written to it at once.
   */
  accept(socket: WebSocket, transport: Writable): void {
    const outgoing = new StreamOutgoing(socket, transport);
    const { projects, shared, log } = this;
    const connection = new StreamConnection({ outgoing, projects, shared, log });
    const intake = new Intake(outgoing);
    socket.on('message', (data: Buffer, isBinary) => {
      if (socket.readyState !== socket.OPEN) return; // nobody would hear the answer
      if (isBinary)
        closeWith(socket, 1003, 'messages are JSON in text frames'); // WS-20
      else void intake.run(data.length, () => connection.handle(data.toString('utf8')));
    });
    socket.on('close', () => connection.end());
  }
}

class StreamConnection {
  private readonly streams = new Map<MuxId, Stream>();
  /** Those in work; each resolves when it was answered. */
  private readonly uploads = new Map<MuxId, Promise<void>>();

  constructor(private readonly context: StreamContext & { readonly log: AdapterLog }) {}

  private get outgoing(): StreamOutgoing {
    return this.context.outgoing;
  }

  /** Never throws: what goes wrong is the client's answer. */
  async handle(text: string): Promise<void> {
    let muxId: MuxId | undefined;
    try {
      const message = this.parse(text, (read) => (muxId = read));
      await this.dispatch(message);
    } catch (error) {
      this.refuse(muxId, error);
    }
  }

  end(): void {
    for (const stream of this.streams.values()) stream.end();
    this.streams.clear();
  }

  private parse(text: string, onMuxId: (muxId: MuxId | undefined) => void): ClientMessage {
    let message;
    try {
      message = parseClientFrame(text);
    } catch (error) {
      onMuxId(readMuxIdOfText(text));
      throw error;
    }
    onMuxId(readMuxId(message));
    return parseClientMessage(message, streamLimits);
  }

  private async dispatch(message: ClientMessage): Promise<void> {
    switch (message.type) {
      case 'subscribe':
      case 'fetch':
        this.open(message);
        return;
      case 'close':
        await this.close(message.muxId);
        return;
      case 'upload':
        await this.upload(message);
    }
  }

  private open(request: StreamRequest): void {
    const { muxId } = request;
    this.reserve(muxId);
    if (this.streams.size >= streamLimits.streamsPerSocketMax) {
      throw new RejoinError(
        'too-large',
        `A socket can have ${streamLimits.streamsPerSocketMax} streams at most`,
      );
    }
    const stream = new Stream(request, this.context);
    this.streams.set(muxId, stream);
    stream
      .run(() => this.streams.delete(muxId))
      .catch((error: unknown) => {
        if (this.streams.get(muxId) !== stream) return; // closed meanwhile; the mux_id may be another's
        this.streams.delete(muxId);
        this.refuse(muxId, error);
      });
  }

  /** WS-8: an unknown one is closed already; an upload can't be taken back, so it is answered first. */
  private async close(muxId: MuxId): Promise<void> {
    this.streams.get(muxId)?.end();
    this.streams.delete(muxId);
    const answered = this.uploads.get(muxId);
    if (answered) await answered;
    this.outgoing.send(printClosed(muxId));
  }

  private async upload(request: UploadRequest): Promise<void> {
    this.reserve(request.muxId);
    const answered = this.answerUpload(request);
    this.uploads.set(request.muxId, answered);
    await answered;
  }

  private async answerUpload({ muxId, objects }: UploadRequest): Promise<void> {
    try {
      await upload(this.context.projects, objects, { protocol: 'stream', user: anonymous });
      this.uploads.delete(muxId); // WS-1: free again with the answer
      this.outgoing.send(printUploaded(muxId));
    } catch (error) {
      this.uploads.delete(muxId);
      this.refuse(muxId, error);
    }
  }

  /** @throws RejoinError `mux-in-use` (WS-1). */
  private reserve(muxId: MuxId): void {
    if (!this.streams.has(muxId) && !this.uploads.has(muxId)) return;
    const message = `mux_id ${JSON.stringify(muxId)} is in use on this socket: close it first, or choose another`;
    throw new RejoinError('mux-in-use', message);
  }

  private refuse(muxId: MuxId | undefined, error: unknown): void {
    if (error instanceof RejoinError) {
      this.context.log.refused('stream', error);
      this.outgoing.send(printError(muxId, error.code, error.message));
      return;
    }
    this.context.log.defect('stream', error);
    this.outgoing.send(printError(muxId, 'internal', `An error of the server: ${messageOf(error)}`));
  }
}
