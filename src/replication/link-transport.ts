// What a link to another server is built on and what it tells: the socket, the timers and the reports are given to it,
// so that a simulation can run the real dialogue. Whoever opens or accepts sockets on /replicate makes links with these.

import type { Environment } from '../model/environment.ts';
import type { RefusalReason } from '../wire/replication/messages.ts';
import type { Replicas } from './replicas-port.ts';

/** A socket that is open. */
export interface LinkTransport {
  /** Sends a binary message behind those before it; it may wait in a buffer. Nothing happens when the socket is closed. */
  send(frame: Uint8Array): void;
  /** Closes the socket behind what was sent. @param code a WebSocket close code. */
  close(code: number, reason: string): void;
}

export interface LinkTimers {
  /** @returns what cancels it. */
  after(delayMs: number, run: () => void): () => void;
}

export interface LinkOptions {
  readonly replicas: Replicas;
  readonly transport: LinkTransport;
  readonly timers: LinkTimers;
  readonly environment: Environment;
  /** Which side opened the socket: of two servers with one server id it is that one that takes a new one (REP-9). */
  readonly role: 'connects' | 'accepts';
  /** Of this process: 16 random bytes (REP-9). */
  readonly instance: Uint8Array;
  /**
   * Asked once the peer has said who it is, before anything of it is dealt with: null lets it in. This is where whoever
   * knows the other links finds a second live link of one server id with another instance (REP-9).
   */
  readonly admit?: (peer: LinkPeer) => Promise<LinkRefusal | null>;
  /** Called once, when the peer has let this side in: it has said more than who it is. */
  readonly onWelcome?: () => void;
  /** Trouble with single projects, for the log; nothing of it ends the link. */
  readonly observe: (event: LinkEvent) => void;
  /** Called once, when nothing more will be sent; the socket is closed or about to be. */
  readonly onEnd: (end: LinkEnd) => void;
}

/** Who is at the other end. */
export interface LinkPeer {
  readonly serverId: number;
  /** 16 bytes. */
  readonly instance: Uint8Array;
  readonly capabilities: readonly string[];
}

export interface LinkRefusal {
  readonly reason: RefusalReason;
  /** One sentence for people. */
  readonly message: string;
}

export type LinkEnd =
  /** The socket has closed, or this server stops. */
  | { readonly type: 'closed' }
  /** Something got lost on the way, or one of the servers has changed so much that both should begin anew: reconnect. */
  | { readonly type: 'cut'; readonly detail: string }
  /** One of the two won't go on. A `twin` has taken a new server id already if it is on this side to do so: reconnect. */
  | ({ readonly type: 'refused'; readonly by: 'us' | 'peer' } & LinkRefusal);

export type LinkEvent =
  /** What the peer sends of a project can't be taken, or it can't send it: it is asked again after the pause. */
  | {
      readonly type: 'project-paused';
      readonly project: string;
      readonly detail: string;
      readonly pauseMs: number;
    }
  /** The project can't be replicated with this peer as it is: one number has two contents, or it can't be read here. */
  | { readonly type: 'project-failed'; readonly project: string; readonly detail: string };

/** For metrics and the console (REP-12). */
export interface LinkState {
  /** null until it has said hello. */
  readonly peer: LinkPeer | null;
  /** Whether the servers were compared, and nothing is known to be lacking on either side. */
  readonly isInStep: boolean;
  /** Changes that the peer has said to have, and that are not durable here yet. */
  readonly lagChanges: number;
  /** Changes that the peer asked for, and that were not sent yet. */
  readonly aheadChanges: number;
  readonly changesReceived: number;
  readonly changesSent: number;
  readonly bytesReceived: number;
  readonly bytesSent: number;
  /** Projects that wait for another try. */
  readonly pausedProjects: number;
  /** Projects that wait to be announced to the peer, or whose history it is being sent. */
  readonly waitingProjects: number;
  /** The newest trouble with a project, or why the link has ended. */
  readonly lastError: string | null;
}
