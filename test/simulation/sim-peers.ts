// The links between the servers of a simulation: opened by one of each two, and again when they end.

import type { Chance } from '../campaigns/kill9/chance.ts';
import type { ServerRun, SimServer } from './sim-server.ts';
import type { World } from './world.ts';

export class SimPeers {
  constructor(
    private readonly world: World,
    private readonly chance: Chance,
  ) {}

  started(_server: SimServer): void {}
  stopped(_server: SimServer): void {}
  deleteOrBringBack(_server: SimServer, _run: ServerRun, _project: string): void {}
}
