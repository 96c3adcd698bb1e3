// A peer of a link that says what a test wants it to, right or wrong.

import { Link } from '../../src/replication/link.ts';
import type { LinkEnd, LinkEvent, LinkOptions } from '../../src/replication/link-transport.ts';
import type { Hello, ReplicationMessage } from '../../src/wire/replication/messages.ts';
import { parseFrame } from '../../src/wire/replication/parse-message.ts';
import { printFrame } from '../../src/wire/replication/print-message.ts';
import type { LinkServer, LinkServers } from './link-servers.ts';

export class RawPeer {
  readonly link: Link;
  readonly received: ReplicationMessage[] = [];
  readonly ends: LinkEnd[] = [];
  readonly events: LinkEvent[] = [];
  closed: { readonly code: number; readonly reason: string } | null = null;
  bytesReceived = 0;
  private lastNumber = 0;

  constructor(world: LinkServers, { replicas, instance }: LinkServer, options: Partial<LinkOptions> = {}) {
    this.link = new Link({
      replicas,
      instance,
      role: 'accepts',
      transport: {
        send: (frame) => {
          this.bytesReceived += frame.length;
          this.received.push(parseFrame(frame).message);
        },
        close: (code, reason) => (this.closed = { code, reason }),
      },
      timers: world.time,
      environment: world.environment,
      observe: (event) => this.events.push(event),
      onEnd: (end) => this.ends.push(end),
      ...options,
    });
  }

  /** Says hello as a server that differs from the other one in all that counts, but for what is given. */
  hello(different: Partial<Hello> = {}): void {
    const instance = new Uint8Array(16).fill(200);
    this.send({ type: 'hello', protocol: 1, serverId: 4_711, instance, capabilities: [], ...different });
  }

  send(message: ReplicationMessage): void {
    this.link.receive(printFrame({ number: ++this.lastNumber, message }));
  }

  /** Sends the frame that was sent last once more, or one that skips a number. */
  sendNumbered(by: 0 | 2, message: ReplicationMessage): void {
    this.lastNumber += by;
    this.link.receive(printFrame({ number: this.lastNumber, message }));
  }

  /** Those of one type that came. */
  got<T extends ReplicationMessage['type']>(type: T): Extract<ReplicationMessage, { type: T }>[] {
    return this.received.filter(
      (message): message is Extract<ReplicationMessage, { type: T }> => message.type === type,
    );
  }
}
