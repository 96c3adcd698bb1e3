// A day on set: four people write in one report while the truck has no signal, and meet again. Run it in a clone that was
// built (`npm ci`): node examples/crew/crew.mjs
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer } from 'rejoin';
import { connect } from 'rejoin/client';

const data = await mkdtemp(join(tmpdir(), 'rejoin-crew-'));
let server = await createServer({ data, port: 0 });
const { url } = server;

const names = ['script supervisor', 'camera loader', 'assistant', 'editor'];
const clients = names.map((author) => connect(url, { author }));
const [supervisor, loader, assistant, editor] = clients.map((client) => client.project('night-shoot'));

console.log('Morning: the supervisor starts the report.');
const report = 'day-1';
const { entry: clip } = await supervisor.add(report, {
  clip_id: '11b',
  content: { take: '1', lens: '32 mm' },
});
const { entry: slate } = await supervisor.add(report, { clip_id: 'slate', content: { take: '1' } });
await everyoneHas((project) => project.rows(report).length === 2);
show(editor);

console.log('\nThe truck has no signal. All go on writing:');
await server.close();
await supervisor.edit(report, clip, { content: { take: '2' } }, 'the first take was a rehearsal');
await loader.edit(report, clip, { content: { lens: '35 mm' } }, 'that is what the camera says');
await assistant.delete(report, slate, 'only the slate');
const { thread } = await editor.addThread({ name: 'Sound', links: [['entry', clip]] });
await editor.comment(thread, 'Is there a wild track of 11b?');
for (const [i, client] of clients.entries()) console.log(`  ${names[i]}: ${client.status.pending} waiting`);

console.log('\nThe signal is back.');
server = await createServer({ data, port: Number(new URL(url).port) });
await everyoneHas(
  (project) =>
    project.row(report, clip).conflicts.length === 1 &&
    project.rows(report).length === 1 &&
    project.comments(thread).length === 1,
);
show(assistant);

console.log('\nThe supervisor looks at both, and decides:');
await supervisor.resolve(report, clip, { content: { take: '2', lens: '35 mm' } }, 'both were right');
await everyoneHas((project) => project.row(report, clip).conflicts.length === 0);
show(loader);

for (const client of clients) await client.close();
await server.close();
await rm(data, { recursive: true });

/** Waits until every client sees it, and nothing waits to be sent. */
async function everyoneHas(isThere) {
  for (const [i, client] of clients.entries()) {
    const project = [supervisor, loader, assistant, editor][i];
    await new Promise((resolve) => {
      const look = () => {
        if (!isThere(project)) return;
        stop();
        resolve();
      };
      const stop = project.on('change', look);
      look();
    });
    await client.flushed();
  }
}

function show(project) {
  for (const row of project.rows(report)) {
    console.log(`  ${row.clip_id} ${JSON.stringify(row.content)}  by ${row.author}${why(row)}`);
    for (const other of row.conflicts)
      console.log(
        `    but ${JSON.stringify(other.content)}  by ${other.author} at ${other.authortime}${why(other)}`,
      );
  }
  for (const { name, thread_uuid: uuid } of project.threads())
    for (const { body, author } of project.comments(uuid)) console.log(`  ${name}: "${body}"  by ${author}`);
}

function why({ reason }) {
  return reason === null ? '' : `: ${reason}`;
}
