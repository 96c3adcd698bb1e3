// One kept HTTP connection as bytes on a socket: prepared requests out, whole answers in. Cheaper than a server of
// node:http, so that it isn't the generator of the load that is measured.

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

export interface HttpAnswer {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
  readonly body: Buffer;
}

export class HttpConnection {
  private received: Buffer[] = [];
  private receivedBytes = 0;
  /** Of the answer that is coming, once its head is here. */
  private answerBytes = 0;
  private headBytes = 0;
  private waiting: { resolve: (answer: HttpAnswer) => void; reject: (error: Error) => void } | null = null;

  private constructor(private readonly socket: Socket) {
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.receive(chunk));
    socket.on('error', () => undefined); // 'close' follows
    socket.on('close', () => this.waiting?.reject(new Error('the server closed the connection')));
  }

  static async open(url: string): Promise<HttpConnection> {
    const { hostname, port } = new URL(url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    return new HttpConnection(socket);
  }

  /** Sends one request and waits for its answer; one at a time. */
  ask(request: Uint8Array): Promise<HttpAnswer> {
    return new Promise((resolve, reject) => {
      this.waiting = { resolve, reject };
      this.socket.write(request);
    });
  }

  close(): void {
    this.socket.destroy();
  }

  private receive(chunk: Buffer): void {
    this.received.push(chunk);
    this.receivedBytes += chunk.length;
    if (this.answerBytes === 0 && !this.readHead()) return;
    if (this.receivedBytes < this.answerBytes) return;
    const bytes = this.all();
    const head = bytes.toString('latin1', 0, this.headBytes);
    const body = bytes.subarray(this.headBytes, this.answerBytes);
    this.received = [];
    this.receivedBytes = this.answerBytes = 0;
    this.waiting?.resolve({ status: Number(head.slice(9, 12)), head, body });
  }

  private readHead(): boolean {
    const bytes = this.all();
    const end = bytes.indexOf('\r\n\r\n');
    if (end < 0) return false;
    this.headBytes = end + 4;
    const length = /\r\ncontent-length: *(\d+)/i.exec(bytes.toString('latin1', 0, end));
    if (!length) throw new Error('the benchmark reads answers with a Content-Length only');
    this.answerBytes = this.headBytes + Number(length[1]);
    return true;
  }

  private all(): Buffer {
    if (this.received.length > 1) this.received = [Buffer.concat(this.received)];
    return this.received[0] ?? Buffer.alloc(0);
  }
}

/** The bytes of a request. @param body is sent as JSON; bytes are JSON already. */
export function httpRequest(url: string, method: string, target: string, body?: unknown): Buffer {
  const bytes =
    body instanceof Uint8Array ? body : Buffer.from(body === undefined ? '' : JSON.stringify(body));
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${new URL(url).host}`,
    ...(bytes.length === 0 ? [] : ['Content-Type: application/json', `Content-Length: ${bytes.length}`]),
  ];
  return Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`), bytes]);
}

/** Asks on a connection of its own. @throws Error for any status but 200. */
export async function askOnce(
  url: string,
  method: string,
  target: string,
  body?: unknown,
): Promise<HttpAnswer> {
  const connection = await HttpConnection.open(url);
  try {
    const answer = await connection.ask(httpRequest(url, method, target, body));
    if (answer.status !== 200)
      throw new Error(`${method} ${target}: ${answer.status} ${answer.body.toString()}`);
    return answer;
  } finally {
    connection.close();
  }
}
