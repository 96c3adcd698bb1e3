// `npm run cluster`: three servers that replicate, and a terminal that cuts and joins their lines.

import { createInterface } from 'node:readline';
import { Cluster, commands } from './cluster.ts';

const cluster = await Cluster.start();
console.log(`${await cluster.run('status')}\n\n${commands}`);
const terminal = createInterface({ input: process.stdin, output: process.stdout, prompt: '> ' });
terminal.on('SIGINT', () => terminal.close());
terminal.prompt();
for await (const line of terminal) {
  if (line.trim() === 'quit') break;
  if (line.trim() !== '') console.log(await cluster.run(line));
  terminal.prompt();
}
terminal.close();
console.log('stopping; the folders of the three servers are removed');
await cluster.close();
