// Keeps one link open to one `--peer URL` for ever (REP-12): opens a socket, hands it to a link, and tries again when either has
// ended. peers.ts makes one of each address.

import type { Environment } from '../model/environment.ts';
import type { LinkTimers } from './link-transport.ts';
import { openPeerSocket } from './open-peer-socket.ts';
import type { PeerObserver } from './peer-events.ts';
import type { PeerLink, PeerLinkEnd, PeerSocket } from './peer-link.ts';
import type { PeerUrl } from './peer-url.ts';
import { RetryPauses, type RetryLimits } from './retry-pauses.ts';

/** A link that lasted that long was a good one: the pauses start over. */
const steadyMs = 10_000;

export interface PeerConnectorOptions {
  readonly url: PeerUrl;
  readonly token: string | null;
  readonly environment: Environment;
  readonly timers: LinkTimers;
  readonly retry: RetryLimits;
  readonly observe: PeerObserver;
  /** Runs a link over a socket that is open. @param ended is called once, when link and socket have ended. */
  readonly link: (socket: PeerSocket, ended: (end: PeerLinkEnd) => void) => PeerLink;
}

export class PeerConnector {
  /** What is under way; null between two tries, and when it was stopped. */
  private current: PeerLink | null = null;
  /** Ends what is under way, or the pause before the next try. */
  private cancel: () => void = () => undefined;
  private isStopped = false;
  private problem: string | null = null;
  /** What was told since there was a link: it isn't told again at each try. */
  private told: string | null = null;
  private readonly pauses: RetryPauses;

  constructor(private readonly options: PeerConnectorOptions) {
    this.pauses = new RetryPauses(options.environment, options.retry);
  }

  get name(): string {
    return this.options.url.name;
  }

  /** While there is a socket. */
  get link(): PeerLink | null {
    return this.current;
  }

  /** Why there was no link the last time there was none. */
  get lastError(): string | null {
    return this.problem;
  }

  start(): void {
    if (this.isStopped) return;
    const { url, token } = this.options;
    const opening = openPeerSocket(
      url,
      token,
      (socket) => this.open(socket),
      (problem) => {
        this.tell('peer-lost', problem);
        this.wait(this.pauses.next());
      },
    );
    this.cancel = () => opening.cancel();
  }

  /** Tries no more. A link that is open goes on until somebody ends it. */
  stop(): void {
    this.isStopped = true;
    this.cancel();
  }

  private open(socket: PeerSocket): void {
    this.cancel = () => undefined;
    const sinceMs = this.options.environment.now();
    const link = this.options.link(socket, (end) => {
      this.current = null;
      if (link.hasBeenOpen) this.told = null;
      // A clock that was put back counts as a short link.
      if (this.options.environment.now() - sinceMs >= steadyMs) this.pauses.reset();
      this.ended(end);
    });
    this.current = link;
  }

  private ended(end: PeerLinkEnd): void {
    if (this.isStopped) return;
    const { name } = this;
    switch (end.type) {
      case 'closed':
        this.tell('peer-lost', `the link to ${name} was cut (${end.detail})`);
        break;
      case 'cut':
        this.tell('peer-lost', `the link to ${name} begins anew (${end.detail})`);
        break;
      case 'refused':
        if (end.reason === 'busy') this.tell('peer-standby', end.message);
        else if (end.reason === 'stopping') this.tell('peer-lost', `${name} stops`);
        else if (end.reason === 'twin')
          this.tell('peer-lost', `the link to ${name} begins anew (${end.message})`);
        else if (end.reason === 'self')
          this.tell('peer-refused', `this server is connected to itself by --peer ${name}: remove that`);
        else
          this.tell(
            'peer-refused',
            `${end.by === 'us' ? 'this server' : name} refuses the link: ${end.message}`,
          );
        // Nothing changes by itself where these are the reason.
        if (end.reason === 'busy' || end.reason === 'self') {
          this.wait(this.pauses.longest());
          return;
        }
    }
    this.wait(this.pauses.next());
  }

  private tell(type: 'peer-lost' | 'peer-refused' | 'peer-standby', detail: string): void {
    if (this.isStopped) return;
    this.problem = detail;
    if (detail === this.told) return;
    this.told = detail;
    this.options.observe({ type, peer: this.name, detail });
  }

  private wait(pauseMs: number): void {
    if (this.isStopped) return;
    this.cancel = this.options.timers.after(pauseMs, () => this.start());
  }
}
