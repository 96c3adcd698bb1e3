// `npm test`: builds, then runs the tests beside the checks of the sources. When a check fails, it ends with 1, and what it prints has no
// summary of tests. Arguments choose test files by parts of their names.

import { runTests } from './runner/all-tests.ts';
import { runChecks, runScript } from './runner/checks.ts';
import { shownAfter } from './runner/shown-after.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));

const checks = runChecks();
const isBuilt = await runScript('build', { givesWay: false });
const code = isBuilt
  ? await shownAfter(checks, (print) => runTests(process.argv.slice(2), print), console.log)
  : await checks.then(() => 1); // all have their say
process.exit(code); // tests may still be running
