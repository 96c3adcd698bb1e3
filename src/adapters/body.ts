// The body of an HTTP request: read within a limit, and parsed as JSON beside everything else that the server has to do.

import type { IncomingMessage } from 'node:http';
import { setImmediate as otherWork } from 'node:timers/promises';
import { RejoinError } from '../errors.ts';
import type { Json } from '../model/json.ts';
import { parseLargeJson } from '../model/large-json.ts';

/** A body that was read whole. */
export class Body {
  private constructor(private bytes: readonly Uint8Array[]) {}

  /** As it was received, until it is taken. */
  get chunks(): readonly Uint8Array[] {
    return this.bytes;
  }

  /** @throws RejoinError `too-large` as soon as it is, `bad-request` if its client leaves halfway. */
  static async read(request: IncomingMessage, bytesMax: number): Promise<Body> {
    const encoding = request.headers['content-encoding'] ?? 'identity';
    if (encoding.toLowerCase() !== 'identity')
      throw new RejoinError(
        'bad-request',
        `A body in the encoding ${JSON.stringify(encoding)} is not taken: send it as it is`,
      );
    return new Body(await readChunks(request, bytesMax));
  }

  /**
   * Parses it, and gives it up: the bytes are free when the value is there.
   * @throws RejoinError `bad-request`, as `parseLargeJson`.
   */
  takeJson(): Promise<Json> {
    const { bytes } = this;
    this.bytes = [];
    return parseLargeJson(bytes, otherWork);
  }
}

async function readChunks(request: IncomingMessage, bytesMax: number): Promise<Uint8Array[]> {
  const chunks: Uint8Array[] = [];
  let bytes = Number(request.headers['content-length'] ?? 0);
  if (bytes <= bytesMax) {
    bytes = 0;
    const body: AsyncIterable<Uint8Array> = request.iterator({ destroyOnReturn: false });
    try {
      for await (const chunk of body) {
        bytes += chunk.length;
        if (bytes > bytesMax) break;
        chunks.push(chunk);
      }
    } catch (cause) {
      throw new RejoinError('bad-request', 'The body ended before it was whole', { cause });
    }
  }
  if (bytes <= bytesMax) return chunks;
  dropRest(request);
  throw new RejoinError('too-large', `The body is larger than ${bytesMax} bytes, the limit of this server`);
}

/** A connection that is closed while its client still sends takes the answer with it: the rest is read and dropped. */
function dropRest(request: IncomingMessage): void {
  const { socket } = request;
  const cut = setTimeout(() => socket.destroy(), dropRestMs);
  const done = (): void => {
    clearTimeout(cut);
    socket.off('close', done);
  };
  request.on('end', done).resume();
  socket.on('close', done); // once it is answered, the request doesn't hear of that any more
}

const dropRestMs = 30_000;
