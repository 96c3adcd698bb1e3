// A crew whose truck has no signal: everybody writes in one report, all meet again, and nothing is lost or decided
// behind anybody's back.

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { connect, type Client, type ClientProject } from '../src/client.ts';
import { startServer } from './support/server.ts';
import { until } from './support/until.ts';

const test = suite('a crew without signal');

const report = 'day-1';

test('ends with the same rows everywhere; the conflict says who, when and why, and one call ends it', async () => {
  let server = await startServer();
  const { url } = server;
  const crew = ['supervisor', 'loader', 'assistant', 'editor'].map((author) => connect(url, { author }));
  try {
    const projects = crew.map((client) => client.project('night-shoot'));
    const [supervisor, loader, assistant, editor] = projects as [
      ClientProject,
      ClientProject,
      ClientProject,
      ClientProject,
    ];
    const { entry: clip } = await supervisor.add(report, {
      clip_id: '11b',
      content: { take: '1', lens: '32' },
    });
    const { entry: slate } = await supervisor.add(report, { clip_id: 'slate', content: {} });
    await until('all have both rows', () => projects.every((project) => project.rows(report).length === 2));
    await Promise.all(crew.map((client) => client.flushed()));
    const morning = loader.vector;

    await server.stop();
    await until('all notice that they are offline', () => crew.every(({ status }) => status.offline));
    await supervisor.edit(report, clip, { content: { take: '2' } }, 'a rehearsal');
    await loader.edit(report, clip, { content: { lens: '35' } }, 'the camera says so');
    await assistant.delete(report, slate, 'only the slate');
    const { thread } = await editor.addThread({ name: 'Sound', links: [['entry', clip]] });
    await editor.comment(thread, 'wild track?');
    assert.equal(statusOf(crew, 'pending'), [1, 1, 1, 2]);
    assert.equal(loader.row(report, clip)?.content, { take: '1', lens: '35' }, 'shown at once');
    assert.is(loader.row(report, clip)?.pending, true);

    server = await startServer({ data: server.data, port: Number(new URL(url).port) });
    await Promise.all(crew.map((client) => client.flushed()));
    const hasAll = (project: ClientProject): boolean =>
      project.row(report, clip)?.conflicts.length === 1 &&
      project.rows(report).length === 1 &&
      project.comments(thread).length === 1;
    await until('all have everything', () => projects.every(hasAll));
    const rows = projects.map((project) => project.rows(report));
    for (const each of rows) assert.equal(each, rows[0]);
    const [row] = rows[0] ?? [];
    const heads = [row, ...(row?.conflicts ?? [])].map((head) => ({
      author: head?.author,
      reason: head?.reason,
      content: head?.content,
    }));
    heads.sort((a, b) => String(a.author).localeCompare(String(b.author)));
    assert.equal(heads, [
      { author: 'loader', reason: 'the camera says so', content: { take: '1', lens: '35' } },
      { author: 'supervisor', reason: 'a rehearsal', content: { take: '2', lens: '32' } },
    ]);
    const [conflict] = row?.conflicts ?? [];
    assert.ok(row && conflict && row.authortime >= conflict.authortime, 'the latest is shown');
    assert.is(assistant.comments(thread)[0]?.author, 'editor');

    await supervisor.resolve(report, clip, { content: { take: '2', lens: '35' } }, 'both were right');
    await until('the conflict is over for all', () =>
      projects.every((project) => project.row(report, clip)?.conflicts.length === 0),
    );
    for (const project of projects) {
      assert.equal(project.row(report, clip)?.content, { take: '2', lens: '35' });
      assert.is(project.row(report, clip)?.reason, 'both were right');
    }
    assert.is(editor.rows(report, { at: morning }).length, 2, 'the report as it was in the morning');
  } finally {
    await Promise.all(crew.map((client) => client.close()));
    await server.remove();
  }
});

test('examples/crew tells that story', async () => {
  const script = fileURLToPath(new URL('../examples/crew/crew.mjs', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, [script], { timeout: 60_000 });
  for (const line of [
    '  script supervisor: 1 waiting',
    '  Sound: "Is there a wild track of 11b?"  by editor',
    '  11b {"take":"2","lens":"35 mm"}  by script supervisor: both were right',
  ])
    assert.ok(stdout.split('\n').includes(line), `${line}\nis not in\n${stdout}`);
  assert.match(
    stdout,
    /^ {4}but .* at \d{4}-.*Z: (the first take was a rehearsal|that is what the camera says)$/m,
  );
});

function statusOf<Key extends keyof Client['status']>(
  clients: readonly Client[],
  key: Key,
): Client['status'][Key][] {
  return clients.map(({ status }) => status[key]);
}

test.run();
