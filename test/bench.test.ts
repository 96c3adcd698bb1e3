// Every benchmark in its quick form: it runs and gives figures. What they are is not looked at.
// It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { benchmarks } from './bench/benchmarks.ts';
import { printRows } from './bench/results.ts';
import { Workbench } from './bench/workbench.ts';

const bench = suite('bench');

for (const [name, benchmark] of Object.entries(benchmarks)) {
  bench(`${name} runs and gives figures`, async () => {
    const rows = await Workbench.use({ isQuick: true, say: () => undefined }, (workbench) =>
      benchmark.run(workbench),
    );
    assert.ok(rows.length > 0);
    for (const { work, measured, floor, ratio, reach } of rows) {
      const spreads = [measured, floor, ratio].filter((spread) => spread !== null);
      const numbers = spreads.flatMap(({ median, least, most }) => [median, least, most]);
      assert.ok(
        numbers.every((value) => Number.isFinite(value)),
        `${work}: ${numbers.join(' ')}`,
      );
      if (reach) assert.is(spreads.length, 3, `${work} has an aim, so it has figures to compare`);
    }
    for (const line of printRows(rows).trim().split('\n')) assert.is(line.split(' | ').length, 5, line);
  });
}

bench.run();
