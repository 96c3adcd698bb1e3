// Runs the benchmarks and keeps their figures in RESULTS.md: `npm run bench`, or `npm run bench -- NAME…` for some.
// A new benchmark is a file of its own and one line in benchmarks.ts.

import { Argument, Command } from 'commander';
import { benchmarks } from './benchmarks.ts';
import { printRows, writeResults } from './results.ts';
import { Workbench } from './workbench.ts';

await new Command('bench')
  .description('Measures the built server beside floors and writes the figures to test/bench/RESULTS.md.')
  .addArgument(new Argument('[names...]', 'the benchmarks (default: all)').choices(Object.keys(benchmarks)))
  .option('--quick', 'small sizes, and nothing written: shows that the benchmarks work')
  .action(async (names: string[], { quick: isQuick = false }: { quick?: boolean }) => {
    for (const [name, benchmark] of Object.entries(benchmarks)) {
      if (names.length > 0 && !names.includes(name)) continue;
      console.log(`\n${name}: ${benchmark.about}`);
      const say = (line: string): void => console.log(`  ${line}`);
      const rows = await Workbench.use({ isQuick, say }, (bench) => benchmark.run(bench));
      console.log(printRows(rows));
      if (!isQuick) await writeResults(name, benchmark, rows);
    }
  })
  .parseAsync();
