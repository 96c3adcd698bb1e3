// A `/ws` reader that follows a project from one server to another, with the highest seqnos it has seen: it may be shown an object
// again by another server, but none twice on one connection, and none may be missing in the end (WS-4, WS-5, REP-6).

import type { JsonObject } from '../../../src/model/json.ts';
import type { Address } from '../kill9/writer.ts';
import { subscription, type Streamed, type StreamFrame } from '../kill9/stream-socket.ts';
import type { Ledger } from './ledger.ts';
import { StreamLine } from './stream-line.ts';

/** A project that is deleted may be brought back. */
const askAgainMs = 250;

export class Follower {
  /** The uuids of all versions that it was ever shown. */
  readonly uuids = new Set<string>();
  /** How often it has asked for the rest. */
  connections = 0;
  moves = 0;
  /** Its server has lost changes that another one still has: until they are back it may be told that they are missing. */
  maySeeDamage = false;
  private readonly since = new Map<number, number>();
  /** Number → what was shown under it. */
  private readonly numbers = new Map<string, string>();
  /** On this connection. */
  private shownHere = new Set<string>();
  private heads = new Map<number, number>();
  private readonly line: StreamLine;

  constructor(
    readonly name: string,
    readonly project: string,
    private home: Address,
    private readonly ledger: Ledger,
  ) {
    this.line = new StreamLine({
      home: () => this.home,
      opened: () => this.opened(),
      hear: (frame) => this.hear(frame),
    });
  }

  moveTo(home: Address): void {
    if (home === this.home) return;
    this.home = home;
    this.moves++;
    this.line.cut(); // the next is where it is now
  }

  leave(): void {
    this.line.end();
  }

  private opened(): void {
    this.shownHere = new Set();
    this.heads = new Map();
    this.connections++;
    this.line.send(subscription('subscribe', this.project, this.since));
  }

  private hear(frame: StreamFrame): void {
    switch (frame.type) {
      case 'sync':
      case 'uploaded':
        return;
      case 'error':
        if (!this.isExpected(frame.text)) this.ledger.fail(`${this.name} was told ${frame.text}`);
        setTimeout(() => this.line.cut(), askAgainMs);
        return;
      case 'object': {
        const { serverId, seqno, versionUuid, text } = frame.object;
        const about = `${this.name} was shown [${serverId}, ${seqno}] ${versionUuid} of ${this.project}`;
        if (this.shownHere.has(versionUuid)) this.ledger.fail(`${about} twice on one connection`);
        this.checkOrder(frame.object, about);
        const name = `${serverId} ${seqno}`;
        const before = this.numbers.get(name);
        if (before !== undefined && before !== text)
          this.ledger.fail(`${about} with two contents: ${before} and ${text}`);
        this.numbers.set(name, text);
        this.since.set(serverId, Math.max(seqno, this.since.get(serverId) ?? 0));
        this.shownHere.add(versionUuid);
        this.uuids.add(versionUuid);
      }
    }
  }

  private isExpected(error: string): boolean {
    const code = (JSON.parse(error) as JsonObject)['code'];
    return code === 'deleted' || (code === 'damaged' && this.maySeeDamage);
  }

  /**
   * The numbers of each server rise. They may begin below those it asked from: what arrives at this server from now on is shown,
   * although another has shown it before.
   */
  private checkOrder({ serverId, seqno }: Streamed, about: string): void {
    if (seqno <= (this.heads.get(serverId) ?? 0)) this.ledger.fail(`${about} out of order`);
    this.heads.set(serverId, seqno);
  }
}
