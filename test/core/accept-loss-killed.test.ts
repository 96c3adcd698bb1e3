// A loss that is being accepted when the process is killed, or the store fails: either nothing was given up, or all of it.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Operations, type Operation, type Outcome } from '../../src/core/operations.ts';
import { RejoinError } from '../../src/errors.ts';
import type { Finding } from '../../src/store/findings.ts';
import { ProjectKeys } from '../../src/store/keys.ts';
import { readLife } from '../../src/store/life.ts';
import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import type { Entry, Store, Write } from '../../src/store/store.ts';
import { FailingNthStore } from '../support/failing-nth-store.ts';
import { documentOf, memoryServer, type MemoryServer } from '../support/memory-servers.ts';
import { uploadEntry } from '../support/upload-entry.ts';

const test = suite('acceptance of a loss, cut off');
const keys = new ProjectKeys('p');

/** Remembers what was on disk after each write. */
class RememberingStore extends MemoryStore {
  readonly states: (readonly Entry[])[] = [];

  constructor(private readonly remembered: MemoryDisk) {
    super(remembered);
  }

  override async write(batch: readonly Write[]): Promise<void> {
    await super.write(batch);
    this.states.push(this.remembered.entries);
  }
}

async function run(
  { projects }: MemoryServer,
  operation: Operation,
  findings: Finding[] = [],
): Promise<Outcome> {
  const operations = new Operations(projects, () => Promise.resolve([]));
  return operations.run(operation, {
    onStep: (step) => step.type === 'finding' && findings.push(step.finding),
    stopping: new AbortController().signal,
  });
}

/** Four entries, and a session of UDT's with three changes, of which the second entry and the first change are lost. */
async function fill(store: Store): Promise<MemoryServer> {
  const server = memoryServer(1, store);
  const udt = { protocol: 'udt', user: 'ann' } as const;
  await server.projects.use('p', (project) => project.udt.createSession({ samples: [] }, udt));
  for (const uuid of ['a', 'b', 'c', 'd']) await uploadEntry(server.projects, 'p', uuid);
  for (const name of ['x', 'y'])
    await server.projects.use('p', (project) =>
      project.udt.patch([{ op: 'add', path: `/${name}`, value: 1 }], udt),
    );
  await server.projects.close();
  await store.reopen();
  for (const at of [3, 6]) await store.write([{ key: keys.record(at), value: null }]);
  return memoryServer(1, store);
}

async function isGivenUp(server: MemoryServer): Promise<void> {
  const findings: Finding[] = [];
  await run(server, { type: 'verify', isRepair: false }, findings);
  assert.equal(findings, []);
  const document = await documentOf(server.projects);
  assert.equal(Object.keys(document.getMap('entries').toJSON()).sort(), ['a', 'c', 'd']);
  const { view } = await server.projects.use('p', (project) => project.udt.read());
  assert.equal(view, { samples: [] });
}

function isNothingLost(error: unknown): boolean {
  return error instanceof RejoinError && /has lost nothing/.test(error.message);
}

test('killed behind any write, it is done by a second run if it is not done yet', async () => {
  const disk = new MemoryDisk();
  const store = new RememberingStore(disk);
  const server = await fill(store);
  const before = store.states.length;
  await run(server, { type: 'accept-loss', project: 'p' });
  await server.projects.close();
  const states = store.states.slice(before);
  assert.ok(states.length >= 3, `${states.length} writes`);
  let done = 0;
  for (const entries of states) {
    const killed = new MemoryDisk();
    killed.entries = entries;
    const left = new MemoryStore(killed);
    const again = memoryServer((await readLife(left))?.serverId ?? 1, left);
    try {
      await run(again, { type: 'accept-loss', project: 'p' });
    } catch (error) {
      if (!isNothingLost(error)) throw error;
      done++;
    }
    await isGivenUp(again);
    await again.projects.close();
  }
  assert.ok(done > 0 && done < states.length, `${done} of ${states.length} were done`);
});

for (const outcome of ['is lost', 'is stored'] as const)
  test(`a store that fails leaves it undone, or done: the write ${outcome}`, async () => {
    for (let nth = 0; nth < 12; nth++) {
      const store = new FailingNthStore();
      const server = await fill(store);
      store.writesLeft = nth;
      store.outcome = outcome;
      let failed = 0;
      const accept = async (): Promise<void> => {
        try {
          await run(server, { type: 'accept-loss', project: 'p' });
        } catch (error) {
          if (isNothingLost(error)) return;
          assert.ok(
            error instanceof RejoinError && ['outcome-unknown', 'unavailable'].includes(error.code),
            String(error),
          );
          failed++;
        }
      };
      await accept();
      await accept();
      assert.ok(failed <= 1);
      await isGivenUp(server);
      await server.projects.close();
    }
  });

test.run();
