// A Yjs client of the simulation: a document of its own that it edits online and offline. It hands over what a server lacks when it
// comes, and what it writes at once, as y-websocket does.

import * as Y from 'yjs';
import type { Projects } from '../../src/core/projects.ts';
import type { Group } from '../../src/store/change.ts';
import type { Chance } from '../campaigns/kill9/chance.ts';
import { SimClient, type ClientWorld } from './sim-client.ts';
import type { SimConnection } from './sim-connection.ts';
import type { SimServer } from './sim-server.ts';
import { entryOf } from './stream-client.ts';

/** What the server's side of a connection does: as the adapter of `/yjs` does it. */
interface Served {
  step1(stateVector: Uint8Array): void;
  update(update: Uint8Array, marks: readonly string[]): void;
}

export class YjsSimClient extends SimClient {
  readonly doc = new Y.Doc();
  /** Written, and not acknowledged by the server that it is at. */
  private readonly unacknowledged = new Set<string>();
  private served: Served | null = null;
  private isSynced = false;
  /**
   * Told before the answer to its step 1. It waits for that: should the connection break in between, and what the update builds
   * on be lost with a server's disk, a document that had taken it could hand over nothing ever after.
   */
  private early: Uint8Array[] = [];

  constructor(
    name: string,
    world: ClientWorld,
    chance: Chance,
    home: SimServer,
    readonly project: string,
  ) {
    super(name, world, chance, home);
    this.doc.clientID = chance.integer(1, 0x7fff_fffe);
    this.doc.on('update', (update: Uint8Array, origin: unknown) => {
      // One that only tidies formats builds on nothing: that it was taken says nothing of what was written before.
      if (origin !== this) this.served?.update(update, origin === 'user' ? [...this.unacknowledged] : []);
    });
  }

  get isQuiet(): boolean {
    return this.connection !== null && this.isSynced && this.unacknowledged.size === 0;
  }

  /** All it has ever seen, it hands over. */
  holds(mark: string): boolean {
    return (
      this.doc.getMap('app').has(mark) ||
      this.doc.getMap('entries').has(`v${mark}`) ||
      this.doc.getMap<Y.Map<unknown>>('udt').get('marks')?.has(mark) === true
    );
  }

  /** A user writes whether the client is online or not. */
  override act(): void {
    this.write();
    if (!this.connection && this.chance.oneIn(2)) this.connect();
  }

  protected connected(connection: SimConnection): void {
    this.served = null;
    this.isSynced = false;
    this.early = [];
    this.trying(connection, async () => {
      const stateVector = await connection.call((projects) => this.join(connection, projects));
      this.handOver(stateVector);
    });
  }

  protected lost(): void {
    this.served = null;
    this.isSynced = false;
    this.early = [];
  }

  protected write(): void {
    const transactions = this.chance.oneIn(4) ? this.chance.integer(2, 8) : 1;
    for (let count = 0; count < transactions; count++) {
      const mark = this.mark();
      this.unacknowledged.add(mark);
      this.doc.transact(() => this.edit(mark), 'user');
    }
  }

  private edit(mark: string): void {
    const { doc, chance } = this;
    doc.getMap('app').set(mark, this.written);
    const text = doc.getText('text');
    switch (chance.integer(1, 6)) {
      case 1:
        doc.getMap('entries').set(`v${mark}`, entryOf(mark));
        break;
      case 2:
        if (text.length > 3) text.delete(chance.integer(0, text.length - 3), 2);
        break;
      case 3:
        text.insert(chance.integer(0, text.length), 'abcdef', { bold: chance.oneIn(2) });
        break;
      case 4:
        doc.getMap<Y.Map<unknown>>('udt').get('marks')?.set(mark, this.written);
        break;
      case 5:
        this.annotate(mark);
        break;
      default:
        doc.getMap('app').set('last', mark);
    }
  }

  private annotate(mark: string): void {
    const samples = this.doc.getMap('udt').get('samples');
    if (!(samples instanceof Y.Array) || samples.length === 0) return;
    const sample: unknown = samples.get(this.chance.integer(0, samples.length - 1));
    if (sample instanceof Y.Map) sample.set('annotation', mark);
  }

  /** At the server. @returns its state vector, to be answered with what it lacks. */
  private async join(connection: SimConnection, projects: Projects): Promise<Uint8Array> {
    const { project, release } = await projects.acquire(this.project);
    const stop = project.listen({
      durable: (group) => this.tell(connection, group),
      reset: () => connection.down(() => connection.end(true)),
      replaced: () => connection.down(() => connection.end(true)),
      deleted: () => connection.down(() => connection.end(true)),
    });
    connection.onEnd(() => {
      stop();
      release();
    });
    const origin = { protocol: 'yjs', user: this.name } as const;
    const failed = (): void => connection.down(() => connection.end(true));
    const encoded = (read: (doc: Y.Doc) => Uint8Array, told: (bytes: Uint8Array) => void): void => {
      project.encode(read).then((bytes) => connection.down(() => told(bytes)), failed);
    };
    const take = async (update: Uint8Array, marks: readonly string[]): Promise<void> => {
      const outcome = await project.applyUpdate(update, origin);
      if (outcome.type === 'missing') {
        encoded(Y.encodeStateVector, (stateVector) => this.handOver(stateVector));
        return;
      }
      await outcome.durable;
      for (const mark of marks) this.world.ledger.answered(connection.server.index, mark, this.project);
      connection.down(() => this.acknowledged(connection, marks));
    };
    this.served = {
      step1: (stateVector) =>
        connection.up(() =>
          encoded(
            (doc) => Y.encodeStateAsUpdate(doc, stateVector),
            (update) => {
              this.isSynced = true;
              for (const bytes of [update, ...this.early.splice(0)]) this.receive(bytes);
            },
          ),
        ),
      update: (update, marks) => connection.up(() => void take(update, marks).catch(failed)),
    };
    // Before the server has said what it has: it may lack what this builds on (YJS-8).
    connection.down(() => this.served?.step1(Y.encodeStateVector(this.doc)));
    return project.encode((doc) => Y.encodeStateVector(doc));
  }

  private tell(connection: SimConnection, { update }: Group): void {
    if (update && update.length > 0) connection.down(() => this.receive(update));
  }

  private receive(update: Uint8Array): void {
    if (!this.isSynced) this.early.push(update);
    else Y.applyUpdate(this.doc, update, this);
  }

  private handOver(stateVector: Uint8Array): void {
    this.served?.update(Y.encodeStateAsUpdate(this.doc, stateVector), [...this.unacknowledged]);
  }

  private acknowledged(connection: SimConnection, marks: readonly string[]): void {
    const server = connection.server.index;
    for (const mark of marks) {
      if (!this.unacknowledged.delete(mark)) continue;
      const detail = `${this.name} wrote it, server ${server} took it`;
      this.world.ledger.acknowledged(mark, { project: this.project, detail });
    }
  }
}
