// Clients that vanish in the middle of a large upload leave nothing behind.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { realEnvironment } from '../../src/model/environment.ts';
import { openDataFolder } from '../../src/store/data-folder.ts';
import { listProjectIds } from '../../src/store/project-info.ts';
import { defects, metric } from '../support/metrics.ts';
import { peakMemoryBytes } from '../support/peak-memory.ts';
import { rawVanishAmid } from '../support/raw-http.ts';
import { startProcess, startServer } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { UdtClient } from '../support/udt-client.ts';
import { until } from '../support/until.ts';

const vanishing = suite('udt-vanishing');

const mib = 1024 * 1024;
const announcedBytes = 100 * mib;
const sentChunks = 48;
const piece = Buffer.alloc(mib, 0x78);

type Framing = 'Content-Length' | 'chunked';

/** Sends the beginning of 100 MiB, about half of it, and is gone. */
function vanish(base: string, line: string, start: string, framing: Framing): Promise<void> {
  const length = framing === 'chunked' ? 'Transfer-Encoding: chunked' : `Content-Length: ${announcedBytes}`;
  const head = [`${line} HTTP/1.1`, `Host: ${new URL(base).host}`, 'Content-Type: application/json', length];
  const parts = [Buffer.from(start), ...Array<Buffer>(sentChunks).fill(piece)];
  const framed = (part: Buffer): Buffer[] =>
    framing === 'chunked'
      ? [Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]
      : [part];
  return rawVanishAmid(base, [...head, '', ''], parts.flatMap(framed));
}

const newSession = '{"udt":{"samples":[],"text":"';

/** Resolves when the server has given up as many bodies. */
function haveBeenGivenUp(url: string, bodies: number): Promise<void> {
  return until('the server has noticed', async () => {
    return (await metric(url, 'rejoin_refused_total', { wire: 'udt', code: 'bad-request' })) === bodies;
  });
}

async function projectsIn(data: string): Promise<string[]> {
  const folder = await openDataFolder(data, { environment: realEnvironment });
  const projects: string[] = [];
  for await (const project of listProjectIds(folder.store)) projects.push(project);
  await folder.close();
  return projects;
}

vanishing(
  'UDT-20 clients that vanish in the middle of 100 MiB leave no project and change none',
  async () => {
    const server = await startServer();
    try {
      const client = await UdtClient.create(server.url, { samples: [] });
      const patch = `PATCH /api/session/${client.id}`;
      const patchStart = '{"patch":[{"op":"add","path":"/half","value":"';
      await vanish(server.url, 'POST /api/session', newSession, 'Content-Length');
      await vanish(server.url, 'POST /api/session', newSession, 'chunked');
      await vanish(server.url, patch, patchStart, 'Content-Length');
      await vanish(server.url, patch, patchStart, 'chunked');
      await haveBeenGivenUp(server.url, 4);

      await Promise.all([
        vanish(server.url, 'POST /api/session', newSession, 'Content-Length'),
        vanish(server.url, 'POST /api/session', newSession, 'chunked'),
        vanish(server.url, patch, patchStart, 'chunked'),
        client.patch([{ op: 'add', path: '/whole', value: 1 }]),
      ]);
      await haveBeenGivenUp(server.url, 7);
      const { version, udt_json } = await client.get();
      assert.is(version, 1);
      assert.equal(udt_json, { samples: [], whole: 1 });
      assert.is(await defects(server.url), 0);
      await server.stop(); // which waits for all that is under way
      assert.equal(await projectsIn(server.data), [client.id]);
    } finally {
      await server.remove();
    }
  },
);

vanishing('UDT-20 what vanished clients have sent is not kept in memory', async () => {
  const folder = await temporaryFolder();
  const server = await startProcess(folder);
  try {
    const before = peakMemoryBytes(server.child.pid);
    const rounds = 12;
    for (let round = 1; round <= rounds; round++) {
      await vanish(
        server.url,
        'POST /api/session',
        newSession,
        round % 2 === 0 ? 'chunked' : 'Content-Length',
      );
      await haveBeenGivenUp(server.url, round);
    }
    const client = await UdtClient.create(server.url, { samples: [] });
    assert.is((await client.get()).version, 0);
    assert.not.match(server.output(), /uncaught|unhandled|TypeError|RangeError/i);
    const grown = (peakMemoryBytes(server.child.pid) ?? 0) - (before ?? 0);
    if (before === null) console.log('skipped: this system has no /proc that tells the peak of memory');
    else assert.ok(grown < (rounds * sentChunks * mib) / 2, `${grown} bytes`); // some wait to be collected
    assert.is(await server.kill('SIGTERM'), 0);
    assert.equal(await projectsIn(folder), [client.id]);
  } finally {
    await server.kill('SIGKILL');
    await removeFolder(folder);
  }
});

vanishing.run();
