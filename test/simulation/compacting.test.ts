// Fresh seeds of the simulation as in simulation.test.ts, with servers that compact their logs: one that is far behind gets a snapshot.
// It takes long.

import { suite } from 'uvu';
import { runFreshSeeds } from './fresh-seeds.ts';

const count = 100;

const compacting = suite('simulation, compacting');

compacting(
  `REP-7 ${count} fresh seeds: with compacted logs all servers become equal, and nothing acknowledged is lost`,
  () => runFreshSeeds('simulation, compacting', { count, areCompacted: true }),
);

compacting.run();
