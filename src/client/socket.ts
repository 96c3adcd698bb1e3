// The WebSockets that a client can use: those of browsers and Node, and the package `ws`, which older versions of Node
// need and which alone can be told to read no further.

import { RejoinError } from '../errors.ts';

/** What the client uses of a WebSocket. */
export interface ClientSocket {
  /** Bytes that were given to `send` and aren't on their way yet. */
  readonly bufferedAmount: number;
  send(text: string): void;
  close(code?: number): void;
  addEventListener(type: 'open' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { readonly code: number }) => void): void;
  /** Ends it without a word, where it can. */
  terminate?(): void;
  /** Reads no further until `resume`, where it can. */
  pause?(): void;
  resume?(): void;
}

export type SocketConstructor = new (url: string) => ClientSocket;

/**
 * The constructor to use when the application gave none: `ws` in Node, since it can pause, else the platform's own.
 * @throws RejoinError `unavailable` where there is neither.
 */
export async function platformSocket(): Promise<SocketConstructor> {
  const own = (globalThis as { readonly WebSocket?: SocketConstructor }).WebSocket;
  if (own && !isNode()) return own;
  try {
    const { WebSocket } = await import('ws');
    return WebSocket;
  } catch (cause) {
    if (own) return own;
    const message =
      'There is no WebSocket here: install the package ws, or give connect() one as the option WebSocket';
    throw new RejoinError('unavailable', message, { cause });
  }
}

function isNode(): boolean {
  const { process } = globalThis as { readonly process?: { readonly versions?: { readonly node?: string } } };
  return process?.versions?.node !== undefined;
}
