// All links of a server: those that it opens to its `--peer`s, and those that it accepts on /replicate. The composition root makes
// one; http-front.ts hands accepted sockets to it.

import { RejoinError } from '../errors.ts';
import type { Environment } from '../model/environment.ts';
import { instanceBytes } from '../wire/replication/messages.ts';
import type {
  LinkEvent,
  LinkOptions,
  LinkPeer,
  LinkRefusal,
  LinkState,
  LinkTimers,
} from './link-transport.ts';
import { admit } from './peer-admission.ts';
import { PeerConnector } from './peer-connector.ts';
import type { PeerObserver } from './peer-events.ts';
import { PeerLink, type PeerLinkEnd, type PeerSocket, type RunningLink } from './peer-link.ts';
import type { PeerUrl } from './peer-url.ts';
import { defaultRetryLimits, type RetryLimits } from './retry-pauses.ts';

export interface PeersOptions {
  /** This server's, in its present life. */
  readonly serverId: () => number;
  readonly environment: Environment;
  readonly timers: LinkTimers;
  readonly observe: PeerObserver;
  readonly urls: readonly PeerUrl[];
  /** What this server shows to others, and what they must show; null if there is none. */
  readonly token: string | null;
  readonly retry?: RetryLimits;
  /** Makes a link: the class Link, or a test's. */
  readonly makeLink: (options: Omit<LinkOptions, 'replicas'>) => RunningLink;
}

/** What is known of one `--peer` (REP-12). */
export interface PeerState {
  /** Its URL. */
  readonly name: string;
  readonly isConnected: boolean;
  /** null while there is no link. */
  readonly link: LinkState | null;
  /** Why there was no link the last time; null if there always was one. */
  readonly lastError: string | null;
}

/** Links that are accepted at once; each is a server. */
const acceptedMax = 1_000;

export class Peers {
  private readonly instance: Uint8Array;
  private readonly links = new Set<PeerLink>();
  private readonly connectors: readonly PeerConnector[];
  /** Who was found at the URL of a `--peer` the last time. */
  private readonly found = new Map<string, LinkPeer>();
  /** Why links were refused that were accepted from an address: it isn't told again at each try of the other side. */
  private readonly refusals = new Map<string, string>();
  /** Over links that have ended. */
  private readonly before = { changesReceived: 0, changesSent: 0 };
  private closing: { readonly resolve: () => void } | null = null;

  constructor(private readonly options: PeersOptions) {
    const { environment, timers, observe, token, urls, retry = defaultRetryLimits } = options;
    this.instance = environment.randomBytes(instanceBytes);
    this.connectors = urls.map(
      (url) =>
        new PeerConnector({
          url,
          token,
          environment,
          timers,
          retry,
          observe,
          link: (socket, ended) => this.run({ socket, name: url.name, role: 'connects', ended }),
        }),
    );
  }

  /** One for each `--peer`. A link that it has opened to this server counts as well. */
  get states(): readonly PeerState[] {
    return this.connectors.map(({ name, link, lastError }) => {
      const used = link?.isOpen ? link : this.acceptedOf(this.found.get(name));
      return { name, isConnected: used !== null, link: used?.state ?? null, lastError };
    });
  }

  /** Links that others have opened. */
  get acceptedCount(): number {
    return [...this.links].filter(({ role }) => role === 'accepts').length;
  }

  /** Since the start. */
  get changesReceived(): number {
    return [...this.links].reduce(
      (sum, { state }) => sum + state.changesReceived,
      this.before.changesReceived,
    );
  }

  /** Since the start. */
  get changesSent(): number {
    return [...this.links].reduce((sum, { state }) => sum + state.changesSent, this.before.changesSent);
  }

  /** Begins to connect. */
  start(): void {
    for (const connector of this.connectors) connector.start();
  }

  /** @throws RejoinError `unavailable` if no more links are taken. */
  checkRoom(): void {
    if (this.closing) throw new RejoinError('unavailable', 'The server is shutting down');
    if (this.acceptedCount >= acceptedMax)
      throw new RejoinError('unavailable', `There are ${acceptedMax} links from other servers already`);
  }

  /**
   * Takes a socket that another server has opened, and that was let in.
   * @param from its address, for logs.
   */
  accept(socket: PeerSocket, from: string): void {
    const link = this.run({
      socket,
      name: from,
      role: 'accepts',
      ended: (end) => {
        if (!this.closing) this.tellOfEnd(link, end);
      },
    });
  }

  /** Ends all links in good order, and opens no more. Resolves when nothing comes from them any more. */
  async close(): Promise<void> {
    for (const connector of this.connectors) connector.stop();
    const ended = new Promise<void>((resolve) => (this.closing = { resolve }));
    const stopped = [...this.links].map((link) => link.stop());
    if (this.links.size > 0) await ended;
    await Promise.all(stopped);
  }

  private run({
    socket,
    name,
    role,
    ended,
  }: {
    readonly socket: PeerSocket;
    readonly name: string;
    readonly role: 'connects' | 'accepts';
    readonly ended: (end: PeerLinkEnd) => void;
  }): PeerLink {
    const { environment, timers, makeLink } = this.options;
    const link: PeerLink = new PeerLink({
      ...socket,
      name,
      role,
      timers,
      run: (options) =>
        makeLink({
          ...options,
          timers,
          environment,
          instance: this.instance,
          admit: (peer) => this.admit(link, peer),
          observe: (event) => this.tellOfProject(link, event),
        }),
      opened: () => {
        const { peer } = link;
        if (!peer) return;
        if (role === 'accepts') this.refusals.delete(name);
        const detail = `server ${peer.serverId}`;
        this.options.observe({ type: 'peer-connected', peer: nameOf(link, peer), detail });
      },
      ended: (end) => {
        this.links.delete(link);
        this.before.changesReceived += link.state.changesReceived;
        this.before.changesSent += link.state.changesSent;
        ended(end);
        if (this.links.size === 0) this.closing?.resolve();
      },
    });
    this.links.add(link);
    return link;
  }

  private async admit(link: PeerLink, peer: LinkPeer): Promise<LinkRefusal | null> {
    const { serverId } = this.options;
    if (link.role === 'connects') this.found.set(link.name, peer);
    return admit(link, peer, { ownServerId: serverId(), links: this.links });
  }

  /** Of an accepted link: a connector tells of its own. */
  private tellOfEnd(link: PeerLink, end: PeerLinkEnd): void {
    const peer = link.peer ? nameOf(link, link.peer) : link.name;
    if (end.type === 'refused' && end.reason === 'self') return; // the connector knows which --peer it is
    const isRefused = end.type === 'refused' && end.reason !== 'busy' && end.reason !== 'stopping';
    if (isRefused) {
      const who = end.by === 'us' ? 'this server' : 'the other server';
      this.tellOfRefusal(link.name, peer, `${who} refuses the link: ${end.message}`);
    } else if (link.hasBeenOpen) {
      const detail = `its link has ended (${endWords(end)})`;
      this.options.observe({ type: 'peer-lost', peer, detail });
    }
  }

  private tellOfRefusal(from: string, peer: string, detail: string): void {
    if (this.refusals.get(from) === detail) return;
    if (this.refusals.size >= acceptedMax) this.refusals.clear();
    this.refusals.set(from, detail);
    this.options.observe({ type: 'peer-refused', peer, detail });
  }

  private acceptedOf(peer: LinkPeer | undefined): PeerLink | null {
    const serverId = peer?.serverId;
    if (serverId === undefined) return null;
    return (
      [...this.links].find(
        (link) => link.role === 'accepts' && link.isOpen && link.peer?.serverId === serverId,
      ) ?? null
    );
  }

  private tellOfProject(link: PeerLink, event: LinkEvent): void {
    const { project, detail } = event;
    const pause =
      event.type === 'project-paused' ? `, asked again in ${Math.ceil(event.pauseMs / 1000)} s` : '';
    const peer = link.peer ? nameOf(link, link.peer) : link.name;
    this.options.observe({ type: 'peer-project-failed', peer, project, detail: `${detail}${pause}` });
  }
}

/** The sentences of a refusal are those of the side that refuses: "this server" is the other one in them. */
function endWords(end: PeerLinkEnd): string {
  if (end.type !== 'refused') return end.detail;
  return end.reason === 'stopping' ? 'it stops' : end.message;
}

function nameOf({ role, name }: PeerLink, { serverId }: LinkPeer): string {
  return role === 'connects' ? name : `server ${serverId} at ${name}`;
}
