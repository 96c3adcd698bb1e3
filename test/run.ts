// Runs the test files: `run.ts [PART]...`, where parts of their names choose some. They need what `npm run build` makes.

import { runTests } from './runner/all-tests.ts';

for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
process.exitCode = await runTests(process.argv.slice(2), console.log);
