// Runs the checks of the sources (`npm run check`).

import { runChecks } from './runner/checks.ts';

process.exitCode = (await runChecks()) ? 0 : 1;
