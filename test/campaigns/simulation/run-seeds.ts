// Simulates some seeds in a process of its own, and prints what came of it as one line of JSON: `run-seeds.ts FIRST COUNT`. Stops at
// the first that fails if `--until-failed` is given.

import { simulate, type SimulationResult } from '../../simulation/simulation.ts';
import { SeedCounts, type SeedsReport } from './seeds-report.ts';

const [first = '1', count = '1', flag = ''] = process.argv.slice(2);
const counts = new SeedCounts();
const failed: SimulationResult[] = [];
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const result = await simulate({ seed });
  counts.add(result);
  if (result.problems.length > 0) failed.push(result);
  if (failed.length > 0 && flag === '--until-failed') break;
}
const report: SeedsReport = { seeds: counts.seeds, sums: counts.sums, failed };
// What a fault has left behind may wait for ever; but all of a long report has to be out before.
process.stdout.write(`${JSON.stringify(report)}\n`, () => process.exit(0));
