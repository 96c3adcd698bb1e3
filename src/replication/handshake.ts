// Decides on the first message of a peer (REP-9, REP-13): whether it can be understood, and whether it is somebody else.
// A link calls it.

import { protocolVersion, type Hello } from '../wire/replication/messages.ts';
import type { LinkRefusal } from './link-transport.ts';

/** What this side said of itself in its own hello. */
export type OwnHello = Pick<Hello, 'serverId' | 'instance'>;

/** @returns why the link can't be; null if it can. */
export function refusalOf(hello: Hello, own: OwnHello): LinkRefusal | null {
  if (hello.protocol > protocolVersion)
    return {
      reason: 'protocol',
      message:
        `This server speaks version ${protocolVersion} of the replication protocol, the other one ${hello.protocol}: ` +
        'update the server that is older',
    };
  if (hello.serverId !== own.serverId) return null;
  if (Buffer.compare(hello.instance, own.instance) === 0)
    return { reason: 'self', message: 'This server is connected to itself' };
  return { reason: 'twin', message: twinSentence(own.serverId) };
}

/** What a server is told that has the server id of another one (REP-9). */
export function twinSentence(serverId: number): string {
  return `Another server has the server id ${serverId}: one of the two data folders was copied or restored from the other`;
}
