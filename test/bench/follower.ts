// A process that follows a project with the client library and keeps nothing: `follower.ts URL PROJECT OBJECTS`. Prints how
// long all of it took, and how much memory the process had at most after a tenth and in the end.

import { connect } from '../../src/client.ts';
import { peakMemoryBytes } from '../support/peak-memory.ts';

const [url = '', project = '', count = ''] = process.argv.slice(2);
const objects = Number(count);
const client = connect(url);
const startedMs = performance.now();
let received = 0;
let peakOfTenthBytes: number | null = null;
const stream = client.follow(project, {}, ({ type }) => {
  if (type === 'sync') stream.close();
  else if (++received === Math.ceil(objects / 10)) peakOfTenthBytes = peakMemoryBytes(process.pid);
});
await stream.ended;
if (received !== objects) throw new Error(`${received} objects of ${objects}`);
const ms = performance.now() - startedMs;
console.log(JSON.stringify({ ms, peakOfTenthBytes, peakBytes: peakMemoryBytes(process.pid) }));
await client.close();
