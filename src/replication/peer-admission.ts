// Whether a server that has said who it is may have this link, beside the links that there are: twins are told apart (REP-9), and two
// servers that each connect to the other keep one link. peers.ts asks it.

import type { LinkPeer, LinkRefusal } from './link-transport.ts';

/** A link that is asked for, or one that there is: the class PeerLink. */
export interface AdmittedLink {
  readonly role: 'connects' | 'accepts';
  /** Who is at the other end, once that was let in. */
  readonly peer: LinkPeer | null;
  admit(peer: LinkPeer): void;
  /** Whether somebody at the other end answers within so many milliseconds. */
  isAnswered(withinMs: number): Promise<boolean>;
  cut(): void;
  close(code: number, reason: string): void;
}

/** How long an older link has to show that there is somebody at its other end. */
const answerWithinMs = 5_000;

export async function admit(
  link: AdmittedLink,
  peer: LinkPeer,
  { ownServerId, links }: { readonly ownServerId: number; readonly links: ReadonlySet<AdmittedLink> },
): Promise<LinkRefusal | null> {
  for (const other of links) {
    if (other === link || other.peer?.serverId !== peer.serverId) continue;
    if (isSame(other.peer.instance, peer.instance)) {
      if (isNeeded(link, peer, ownServerId) || other.role === link.role) continue;
      return {
        reason: 'busy',
        message: `Servers ${ownServerId} and ${peer.serverId} have a link already, which the other one opened`,
      };
    }
    // Of a peer that has started anew, the old link may not know that its end is gone.
    if (await other.isAnswered(answerWithinMs))
      return {
        reason: 'twin',
        message: `Another server with the server id ${peer.serverId} is linked here already: is one a copy of the other's data folder? The later one takes a new server id`,
      };
    other.cut();
  }
  for (const other of links) {
    const isSpare = other.role !== link.role && isSameServer(other.peer, peer);
    if (isSpare && isNeeded(link, peer, ownServerId)) other.close(1000, 'there is another link');
  }
  link.admit(peer);
  return null;
}

/** Of two links between two servers, one opened by each, that of the lower server id stays: both sides see it alike. */
function isNeeded({ role }: AdmittedLink, { serverId }: LinkPeer, ownServerId: number): boolean {
  return role === 'connects' ? ownServerId < serverId : serverId < ownServerId;
}

function isSameServer(a: LinkPeer | null, b: LinkPeer): boolean {
  return a !== null && a.serverId === b.serverId && isSame(a.instance, b.instance);
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
