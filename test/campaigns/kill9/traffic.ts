// Everybody who works on a few projects at the same time: writers on all three wires, and the subscribers and followers
// that only look. They live in the campaign's process and survive every kill.

import { Chance } from './chance.ts';
import { Ledger } from './ledger.ts';
import { StreamWriter } from './stream-writer.ts';
import { Subscriber } from './subscriber.ts';
import { UdtFollower } from './udt-follower.ts';
import { createSession } from './udt-client.ts';
import { UdtWriter } from './udt-writer.ts';
import type { Address, Writer } from './writer.ts';
import { YjsWriter } from './yjs-writer.ts';

const sessions = 3;
const streamWriters = 3;
const udtWritersPerSession = 2;
const yjsWritersPerProject = 2;

export class Traffic {
  private constructor(
    readonly ledger: Ledger,
    readonly projects: readonly string[],
    readonly subscribers: readonly Subscriber[],
    readonly followers: readonly UdtFollower[],
    private readonly writers: readonly Writer[],
  ) {}

  /**
   * Makes the projects, and the clients that share them.
   * @param plainProject is no session: `/ws` and Yjs only.
   */
  static async create(address: Address, plainProject: string, chance: Chance): Promise<Traffic> {
    const ledger = new Ledger();
    const ids: string[] = [];
    for (let i = 0; i < sessions; i++) {
      const udt = { interface: { type: 'text_classification' }, samples: [], marks: {}, name: chance.uuid() };
      ids.push(await createSession(address.url, udt));
    }
    const projects = [plainProject, ...ids] as const;
    const writers: Writer[] = [];
    for (let i = 0; i < streamWriters; i++)
      writers.push(new StreamWriter([...projects], ledger, chance.fork()));
    for (const [index, id] of ids.entries()) {
      for (let i = 0; i < udtWritersPerSession; i++)
        writers.push(new UdtWriter(`u${index}${i}`, id, ledger, chance.fork()));
    }
    for (const [index, id] of projects.entries()) {
      for (let i = 0; i < yjsWritersPerProject; i++)
        writers.push(new YjsWriter(`y${index}${i}`, id, ledger, chance.fork()));
    }
    const followers = ids.map((id) => new UdtFollower(id, ledger));
    for (const follower of followers) await follower.begin(address);
    const subscribers = projects.map((id) => new Subscriber(id, ledger));
    for (const subscriber of subscribers) await subscriber.resume(address.socketUrl);
    return new Traffic(ledger, projects, subscribers, followers, writers);
  }

  /** Resolves when everybody is connected. */
  async start(address: Address, round: number): Promise<void> {
    for (const follower of this.followers) follower.start(address);
    await Promise.all(this.writers.map((writer) => writer.start(address, round)));
  }

  /** Leaves a server that lives. */
  leave(): void {
    for (const subscriber of this.subscribers) subscriber.leave();
  }

  /** After the kill: resolves when all that had arrived from the server was heard. */
  async stop(): Promise<void> {
    await Promise.all([...this.writers, ...this.subscribers, ...this.followers].map((each) => each.stop()));
  }
}
