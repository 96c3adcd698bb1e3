// One link over one open WebSocket, from when the socket is there until both have ended. peers.ts makes them, for sockets that this
// server has opened and for those that it has accepted.

import type { WebSocket } from 'ws';
import type { LinkEnd, LinkOptions, LinkPeer, LinkState, LinkTimers } from './link-transport.ts';
import { inOneLine } from './peer-problems.ts';
import { SocketTransport, type ByteStream } from './socket-transport.ts';

/** The class Link. */
export interface RunningLink {
  readonly state: LinkState;
  receive(frame: Uint8Array): void;
  end(): void;
  stop(): void;
  settled(): Promise<void>;
}

/** A WebSocket that is open, and what lies below it. */
export interface PeerSocket {
  readonly socket: WebSocket;
  readonly below: ByteStream;
}

export type PeerLinkEnd =
  /** The socket has closed; how, for people. */
  { readonly type: 'closed'; readonly detail: string } | Exclude<LinkEnd, { readonly type: 'closed' }>;

export interface PeerLinkOptions extends PeerSocket {
  /** For logs: the URL, or where it comes from. */
  readonly name: string;
  readonly role: 'connects' | 'accepts';
  readonly timers: LinkTimers;
  readonly run: (options: Pick<LinkOptions, 'transport' | 'role' | 'onWelcome' | 'onEnd'>) => RunningLink;
  /** Called once, when each side has let the other in. */
  readonly opened: () => void;
  /** Called once, when the link and its socket have ended. */
  readonly ended: (end: PeerLinkEnd) => void;
}

export class PeerLink {
  private admitted: LinkPeer | null = null;
  private isWelcome = false;
  private hasOpened = false;
  private readonly transport: SocketTransport;
  private readonly link: RunningLink;
  private end: LinkEnd | null = null;
  /** How the socket closed; null while it hasn't. */
  private closed: string | null = null;
  private isOver = false;

  constructor(private readonly options: PeerLinkOptions) {
    const { socket, below, timers, role, run } = options;
    this.transport = new SocketTransport(socket, below, timers, (frame) => this.link.receive(frame));
    let problem = '';
    socket.on('error', (error) => (problem = error.message));
    socket.on('close', (code, reason) => {
      this.closed = closeWords(code, reason.toString(), problem);
      this.link.end();
      this.finish();
    });
    this.link = run({
      transport: this.transport,
      role,
      onWelcome: () => {
        this.isWelcome = true;
        this.checkOpen();
      },
      onEnd: (end) => {
        this.end = end;
        this.transport.close(1000, 'the link has ended'); // where the link hasn't said why already
        this.finish();
      },
    });
  }

  get name(): string {
    return this.options.name;
  }

  get role(): 'connects' | 'accepts' {
    return this.options.role;
  }

  /** Who is at the other end, once that was let in. */
  get peer(): LinkPeer | null {
    return this.admitted;
  }

  /** Lets in who is at the other end. */
  admit(peer: LinkPeer): void {
    this.admitted = peer;
    this.checkOpen();
  }

  /** Whether each side had let the other in, be it over or not. */
  get hasBeenOpen(): boolean {
    return this.hasOpened;
  }

  /** Whether each side has let the other in, and the link hasn't ended. */
  get isOpen(): boolean {
    return this.hasOpened && !this.end;
  }

  get state(): LinkState {
    return this.link.state;
  }

  /** This server stops. Resolves when the link does nothing any more. */
  async stop(): Promise<void> {
    this.link.stop();
    await this.link.settled();
  }

  /** Ends the link in good order. */
  close(code: number, reason: string): void {
    this.transport.close(code, reason);
    this.link.end();
  }

  /** Ends the link of a socket at whose other end there is nobody. */
  cut(): void {
    this.transport.cut();
  }

  isAnswered(withinMs: number): Promise<boolean> {
    return this.transport.isAnswered(withinMs);
  }

  private checkOpen(): void {
    if (this.hasOpened || !this.admitted || !this.isWelcome || this.end) return;
    this.hasOpened = true;
    this.options.opened();
  }

  private finish(): void {
    if (this.closed === null || this.end === null || this.isOver) return;
    this.isOver = true;
    const { closed, end } = this;
    this.options.ended(end.type === 'closed' ? { type: 'closed', detail: closed } : end);
  }
}

function closeWords(code: number, reason: string, problem: string): string {
  if (problem !== '') return inOneLine(problem);
  if (reason !== '') return inOneLine(reason);
  return code === 1006 ? 'without a word' : `close code ${code}`;
}
