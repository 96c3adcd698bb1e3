// The dialogue of two servers over one socket (docs/replication-protocol.md), alike on both sides: who they are, which
// projects differ, and the changes that either lacks, until the socket closes. Whoever opens or accepts sockets on /replicate
// makes one of these for each.

import { RejoinError, messageOf } from '../errors.ts';
import { protocolVersion, type Hello, type ReplicationMessage } from '../wire/replication/messages.ts';
import { Announcements } from './announcements.ts';
import { CatalogueExchange } from './catalogue-exchange.ts';
import { refusalOf, type OwnHello } from './handshake.ts';
import { IncomingStreams } from './incoming-streams.ts';
import { KnownOfPeer } from './known-of-peer.ts';
import { LinkInput } from './link-input.ts';
import { LinkOutput } from './link-output.ts';
import type { LinkEnd, LinkEvent, LinkOptions, LinkPeer, LinkRefusal, LinkState } from './link-transport.ts';
import { OutgoingStreams } from './outgoing-streams.ts';
import { ProjectTurns } from './project-turns.ts';
import { Tasks } from './tasks.ts';

/** With more that wait for their turn, the peer sends what no honest one would. */
const turnsWaitingMax = 40_000;

export class Link {
  private readonly own: OwnHello;
  private readonly input: LinkInput;
  private readonly output: LinkOutput;
  private readonly known = new KnownOfPeer();
  private readonly turns = new ProjectTurns();
  private readonly tasks = new Tasks((error) => this.fail(error));
  private readonly announcements: Announcements;
  private readonly catalogues: CatalogueExchange;
  private readonly incoming: IncomingStreams;
  private readonly outgoing: OutgoingStreams;
  private stopListening = (): void => undefined;
  private hello: Hello | null = null;
}
