// A server that is killed while it creates large sessions: each is there whole or not at all, and one that was answered is there.
// It takes long. Rounds: REJOIN_TEST_ROUNDS.

import { cp, readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Projects } from '../../src/core/projects.ts';
import { realEnvironment } from '../../src/model/environment.ts';
import type { JsonObject } from '../../src/model/json.ts';
import { openDataFolder } from '../../src/store/data-folder.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { allProjects, allUnfinished, projectKey } from '../../src/store/store-keys.ts';
import { LevelStore } from '../../src/store/level.ts';
import { listProjectIds } from '../../src/store/project-info.ts';
import type { Store } from '../../src/store/store.ts';
import { keysIn } from '../support/keys-in.ts';
import { seededPrng } from '../support/seed.ts';
import { startProcess, type ServerProcess } from '../support/server.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';
import { createSession, UdtClient } from '../support/udt-client.ts';

const rounds = Number(process.env.REJOIN_TEST_ROUNDS ?? 5);
/** More than one takes in the store: some creations come to their end. */
const bytesPerSample = 120;
const test = suite('UDT-19 kill -9 while sessions are created');

test('UDT-19 a kill in the middle of a creation leaves a whole session or nothing', async () => {
  const random = seededPrng('create-session-killed');
  const data = await temporaryFolder();
  /** The sizes of sessions that were answered. */
  const answered = new Map<string, number>();
  const cutOff: number[] = [];
  let server: ServerProcess | null = null;
  try {
    for (let round = 0; round < rounds; round++) {
      server = await startProcess(data);
      for (const [id, size] of [...answered].slice(-1))
        assert.equal((await new UdtClient(server.url, id).get()).udt_json, file(size));
      const size = prng.int32(random, 6_000, 12_000);
      const posting = post(server.url, size, answered);
      await untilWritten(data, prng.int32(random, 1, bytesPerSample * size), posting);
      await sleep(prng.int32(random, 0, 20));
      await server.kill('SIGKILL');
      await posting;
      cutOff.push(await countUnfinished(data));
      await check(data, answered, round === rounds - 1);
    }
  } finally {
    await server?.kill('SIGKILL');
    await removeFolder(data);
  }
  console.log(
    `${cutOff.filter((count) => count > 0).length} of ${rounds} kills cut off a creation; ${answered.size} were answered`,
  );
});

/** Its samples tell its size. */
function file(size: number): JsonObject {
  const samples = Array.from({ length: size }, (_, i) => ({ document: `sample ${i} of ${size}` }));
  return { interface: { type: 'text_classification' }, samples };
}

async function post(url: string, size: number, answered: Map<string, number>): Promise<void> {
  try {
    const { short_id } = await createSession(url, { udt: file(size) });
    answered.set(short_id, size);
  } catch {
    // The server was killed before.
  }
}

/** Resolves when the database has grown by so many bytes, or the session is there before. */
async function untilWritten(data: string, bytes: number, posting: Promise<void>): Promise<void> {
  const posted = posting.then(() => true);
  const before = await bytesIn(join(data, 'db'));
  while ((await bytesIn(join(data, 'db'))) < before + bytes)
    if (await Promise.race([posted, sleep(1, false)])) return;
}

async function bytesIn(folder: string): Promise<number> {
  const sizes = (await readdir(folder)).map((name) =>
    stat(join(folder, name)).then(
      ({ size }) => size,
      () => 0, // LevelDB has just removed it
    ),
  );
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Opens the data folder as the next server will, and looks at all that is stored. @param isLast reads all sessions. */
async function check(data: string, answered: ReadonlyMap<string, number>, isLast: boolean): Promise<void> {
  const folder = await openDataFolder(data, { environment: realEnvironment });
  const projects = new Projects({
    store: folder.store,
    life: folder.life,
    witness: folder.witness,
    environment: realEnvironment,
    observer: { observe: ({ type, detail }) => assert.unreachable(`${type}: ${detail}`) },
  });
  try {
    assert.equal(folder.warnings, []);
    const ids: string[] = [];
    for await (const id of listProjectIds(folder.store)) ids.push(id);
    assert.equal(await strayKeys(folder.store, ids), []); // before anything is read, which may write a snapshot
    for (const id of answered.keys()) assert.ok(ids.includes(id), `${id} was answered`);
    for (const id of isLast ? ids : ids.slice(0, 2)) {
      const { view } = await projects.use(id, (project) => project.udt.read());
      const size = answered.get(id) ?? (view['samples'] as unknown[]).length;
      assert.ok(size >= 6_000);
      assert.equal(view, file(size));
    }
  } finally {
    await projects.close();
    await folder.close();
  }
}

/** What belongs to none of these projects, nor to the server itself. */
async function strayKeys(store: Store, ids: readonly string[]): Promise<string[]> {
  const known = new Set<string>();
  for (const id of ids) {
    known.add(projectKey(id).toString('latin1'));
    for (const key of await keysIn(store, new ProjectKeys(id).all())) known.add(key);
  }
  return (await keysIn(store)).filter((key) => !key.startsWith('!') && !known.has(key));
}

/** From a copy: the folder itself stays as the kill has left it. */
async function countUnfinished(data: string): Promise<number> {
  const copy = await temporaryFolder();
  await cp(data, copy, { recursive: true });
  const store = await LevelStore.open(join(copy, 'db'));
  const unfinished = await keysIn(store, allUnfinished);
  const listed = await keysIn(store, allProjects);
  await store.close();
  await removeFolder(copy);
  for (const key of unfinished)
    assert.not.ok(listed.includes(`p${key.slice(1)}`), 'it is not in the catalogue yet');
  return unfinished.length;
}

test.run();
