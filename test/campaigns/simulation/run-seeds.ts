// Simulates some seeds in a process of its own, and prints what comes of each as a line of JSON: `run-seeds.ts FIRST COUNT`. Stops at
// the first that fails if `--until-failed` is given.

import { simulate } from '../../simulation/simulation.ts';

const [first = '1', count = '1', flag = ''] = process.argv.slice(2);
for (let seed = Number(first); seed < Number(first) + Number(count); seed++) {
  const result = await simulate({ seed });
  const hasFailed = result.problems.length > 0;
  const told = hasFailed ? result : { ...result, traceEnd: [] };
  // All of a long line has to be out before the end.
  await new Promise((resolve) => process.stdout.write(`${JSON.stringify(told)}\n`, resolve));
  if (hasFailed && flag === '--until-failed') break;
}
// What a fault has left behind may wait for ever.
process.exit(0);
