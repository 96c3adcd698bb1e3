// A WebSocket client that looks at lengths and little else, so that it isn't the generator of the load that is measured.
// Its frames are masked with zeros, which leaves their bytes as they are.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

const binaryOpcode = 2;
const pingOpcode = 9;
const pongOpcode = 10;
const closeOpcode = 8;

export class FrameSocket {
  /** Called with the payload of every text and binary frame. */
  onFrame: (payload: Buffer) => void = () => undefined;
  private rest: Buffer[] = [];
  private restBytes = 0;
  /** So many bytes make the next frame whole, as far as is known. */
  private neededBytes = 2;
  private waiting: { resolve: () => void; reject: (error: Error) => void; isThere: () => boolean } | null =
    null;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.waiting?.reject(new Error('the server closed the socket')));
  }

  /** @param url `http://127.0.0.1:PORT` */
  static async open(url: string, target: string): Promise<FrameSocket> {
    const { hostname, port, host } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    const opened = new FrameSocket(socket);
    const head = await opened.shakeHands(
      `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    if (!head.startsWith('HTTP/1.1 101')) throw new Error(`the server answered ${head}`);
    return opened;
  }

  send(frame: Uint8Array): void {
    this.socket.write(frame);
  }

  /** Resolves when `isThere` holds; it is tried after every frame. */
  until(isThere: () => boolean): Promise<void> {
    if (isThere()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject, isThere };
    });
  }

  /** Sends a frame and waits for the next one. */
  async ask(frame: Uint8Array): Promise<Buffer> {
    const answers: Buffer[] = [];
    this.onFrame = (payload) => answers.push(payload);
    this.send(frame);
    await this.until(() => answers.length > 0);
    return Buffer.concat(answers);
  }

  close(): void {
    this.waiting = null;
    this.socket.destroy();
  }

  private shakeHands(request: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let received = Buffer.alloc(0);
      const read = (chunk: Buffer): void => {
        received = Buffer.concat([received, chunk]);
        const end = received.indexOf('\r\n\r\n');
        if (end < 0) return;
        this.socket.off('data', read);
        this.socket.on('data', (more: Buffer) => this.receive(more));
        this.receive(received.subarray(end + 4));
        resolve(received.toString('latin1', 0, end));
      };
      this.socket.on('data', read);
      this.socket.on('close', () => reject(new Error('the server refused the socket')));
      this.socket.write(request);
    });
  }

  private receive(chunk: Buffer): void {
    this.rest.push(chunk);
    this.restBytes += chunk.length;
    if (this.restBytes < this.neededBytes) return;
    let bytes = this.rest.length > 1 ? Buffer.concat(this.rest) : chunk;
    for (;;) {
      const frame = firstFrame(bytes);
      if (typeof frame === 'number') {
        this.neededBytes = frame;
        break;
      }
      bytes = bytes.subarray(frame.bytes);
      this.take(frame.opcode, frame.payload);
    }
    this.rest = [bytes];
    this.restBytes = bytes.length;
  }

  private take(opcode: number, payload: Buffer): void {
    if (opcode === pingOpcode) this.send(frameOf(payload, pongOpcode));
    else if (opcode === closeOpcode) this.socket.end();
    else if (opcode !== pongOpcode) this.onFrame(payload);
    if (this.waiting?.isThere() !== true) return;
    const { resolve } = this.waiting;
    this.waiting = null;
    resolve();
  }
}

/** The first frame, or how many bytes are needed to know more. The server's are whole and not masked. */
function firstFrame(bytes: Buffer): number | { opcode: number; payload: Buffer; bytes: number } {
  if (bytes.length < 2) return 2;
  const opcode = bytes.readUInt8(0) & 0x0f;
  let length = bytes.readUInt8(1);
  let start = 2;
  if (length === 126) {
    if (bytes.length < 4) return 4;
    length = bytes.readUInt16BE(2);
    start = 4;
  } else if (length === 127) {
    if (bytes.length < 10) return 10;
    length = Number(bytes.readBigUInt64BE(2));
    start = 10;
  }
  const end = start + length;
  return bytes.length < end ? end : { opcode, payload: bytes.subarray(start, end), bytes: end };
}

/** A client's frame: text for a string, binary for bytes. */
export function clientFrame(data: string | Uint8Array): Buffer {
  return typeof data === 'string' ? frameOf(Buffer.from(data), 1) : frameOf(data, binaryOpcode);
}

function frameOf(payload: Uint8Array, opcode: number): Buffer {
  const { length } = payload;
  const sizeBytes = length < 126 ? 0 : length < 0x10000 ? 2 : 8;
  const head = Buffer.alloc(2 + sizeBytes + 4); // ends in the mask: zeros
  head.writeUInt8(0x80 | opcode, 0);
  head.writeUInt8(0x80 | (sizeBytes === 0 ? length : sizeBytes === 2 ? 126 : 127), 1);
  if (sizeBytes === 2) head.writeUInt16BE(length, 2);
  if (sizeBytes === 8) head.writeBigUInt64BE(BigInt(length), 2);
  return Buffer.concat([head, payload]);
}
