// Makes a session of many samples in the middle of a simulation, so that it is made in slices while servers crash, links break and
// disks fail; and looks at it on whatever server it is: before its end nobody may see any of it.

import { RejoinError } from '../../src/errors.ts';
import type { JsonObject } from '../../src/model/json.ts';
import type { Chance } from '../campaigns/kill9/chance.ts';
import { SimClient, type ClientWorld } from './sim-client.ts';
import type { SimConnection } from './sim-connection.ts';
import type { SimServer } from './sim-server.ts';
import { readSession } from './udt-sim-client.ts';

export const madeId = 'made';

export class SessionMaker extends SimClient {
  private readonly samples: number;
  private readonly sessionMark: string;
  /** When it is made there are so many things that it has done. */
  private actsLeft: number;
  private state: 'to be made' | 'being made' | 'made' = 'to be made';
  private isReading = false;

  constructor(name: string, world: ClientWorld, chance: Chance, home: SimServer) {
    super(name, world, chance, home);
    this.samples = chance.integer(15, 60);
    this.actsLeft = chance.integer(1, 15);
    this.sessionMark = this.mark();
  }

  get isQuiet(): boolean {
    return this.connection !== null && this.state !== 'being made';
  }

  holds(): boolean {
    return false;
  }

  /** A session that is made on two servers at once is two. */
  override move(): void {
    if (this.state !== 'being made') super.move();
  }

  /** @returns what is wrong with what a server shows of the session; null if nothing is. */
  problemOf(view: JsonObject): string | null {
    const { samples, marks } = view as { samples?: readonly unknown[]; marks?: JsonObject };
    if (samples?.length !== this.samples) return `it has ${samples?.length ?? 0} of ${this.samples} samples`;
    return marks && this.sessionMark in marks ? null : 'its end is missing';
  }

  protected connected(connection: SimConnection): void {
    if (this.state === 'being made') this.make(connection);
  }

  protected lost(): void {
    this.isReading = false;
  }

  protected write(): void {
    const { connection } = this;
    if (!connection) return;
    if (this.state === 'to be made' && --this.actsLeft <= 0) {
      this.state = 'being made';
      this.note(`makes ${madeId}`);
      this.make(connection);
    } else {
      this.look(connection);
    }
  }

  private make(connection: SimConnection): void {
    const udt = {
      interface: { type: 'image' },
      samples: Array.from({ length: this.samples }, (_, n) => ({ n })),
      marks: { [this.sessionMark]: 0 },
    };
    const origin = { protocol: 'udt', user: this.name } as const;
    const { ledger } = this.world;
    this.trying(connection, async () => {
      try {
        const server = connection.server.index;
        await connection.call((projects) =>
          projects.use(madeId, async (project) => {
            await project.udt.createSession(udt, origin);
            ledger.answered(server, this.sessionMark, madeId);
          }),
        );
      } catch (error) {
        const isThere = error instanceof RejoinError && error.code === 'conflict';
        if (!isThere) throw error;
        this.state = 'made';
        // It was made, and the answer was lost; or somebody else came first, and the project is none.
        if (!ledger.isSessionAnywhere(madeId)) return;
      }
      this.state = 'made';
      this.note(`has made ${madeId}`);
      const detail = `${this.name} made the session`;
      ledger.acknowledged(this.sessionMark, { project: madeId, detail });
    });
  }

  private look(connection: SimConnection): void {
    if (this.isReading) return;
    this.isReading = true;
    this.trying(connection, async () => {
      const view = await connection.call((projects) =>
        projects.find(madeId, async (project) =>
          project?.info?.session ? (await readSession(project, 'v1')).view : null,
        ),
      );
      this.isReading = false;
      const problem = view && this.problemOf(view);
      if (problem)
        this.world.ledger.fail(`server ${connection.server.index} shows ${madeId}, and ${problem}`);
    });
  }
}
