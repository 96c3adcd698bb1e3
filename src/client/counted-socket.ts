// The WebSocket that the Yjs helper gives to a provider: an ordinary one that sees what is sent, and reads the server's
// number of durable messages (YJS-7).

import { countedTypeOf, readDurable } from '../wire/yjs.ts';

/** What this uses of a WebSocket; those of browsers, Node and the package `ws` have it. */
export interface YjsSocket {
  readonly readyState: number;
  send(data: Uint8Array<ArrayBuffer>): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(
    type: 'close',
    listener: (event: { readonly code: number; readonly reason: string }) => void,
  ): void;
}

export type YjsSocketConstructor = new (url: string, protocols?: string | string[]) => YjsSocket;

/** What becomes of one connection. */
export interface CountedConnection {
  sent(type: 'step-2' | 'update'): void;
  /** The first `count` of what was sent are durable. */
  durable(count: number): void;
  closed(code: number, reason: string): void;
}

/** A constructor of such sockets. @param opened is called for each. */
export function countedSocket(
  Base: YjsSocketConstructor,
  opened: (socket: YjsSocket) => CountedConnection,
): YjsSocketConstructor {
  return class CountedSocket extends Base {
    private readonly connection: CountedConnection;

    constructor(url: string, protocols?: string | string[]) {
      super(url, protocols);
      const connection = opened(this);
      this.connection = connection;
      this.addEventListener('message', ({ data }) => {
        const count = data instanceof ArrayBuffer ? readDurable(new Uint8Array(data)) : null;
        if (count !== null) connection.durable(count);
      });
      this.addEventListener('close', ({ code, reason }) => connection.closed(code, reason));
    }

    override send(data: Uint8Array<ArrayBuffer>): void {
      const type = countedTypeOf(data);
      // Before it is sent: a socket may fail for what it is given.
      if (type) this.connection.sent(type);
      super.send(data);
    }
  };
}
