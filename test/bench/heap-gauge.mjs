// Loaded into a server beside its own code (`--import`): at SIGUSR2 it collects all garbage and prints how much heap is in
// use. heap-in-use.ts asks it.

import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

process.on('SIGUSR2', async () => {
  collect();
  await sleep(10); // what was waiting to be finalized is garbage now
  collect();
  process.stdout.write(`heap in use: ${process.memoryUsage().heapUsed} bytes\n`);
});
