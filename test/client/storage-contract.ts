// What every storage of the client library does: the one suite that each implementation runs, in one line. It needs
// nothing of Node, so that it runs in browsers too.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type {
  KeptObject,
  ObjectKey,
  Place,
  ReceivedObject,
  RefusedObject,
  Storage,
} from '../../src/client/storage.ts';

/** A storage under test, and how to open what it has stored again, as after a restart. */
export interface StorageUnderTest {
  readonly storage: Storage;
  /** Closes nothing: the caller has closed. */
  readonly restart: () => Promise<Storage>;
  readonly remove: () => Promise<void>;
}

export function runStorageContract(name: string, make: () => Promise<StorageUnderTest>): void {
  const test = suite(`client storage contract: ${name}`);
  const withStorage = (work: (under: StorageUnderTest) => Promise<void>) => async (): Promise<void> => {
    const under = await make();
    try {
      await work(under);
    } finally {
      await under.storage.close();
      await under.remove();
    }
  };

  test(
    'an unknown project is empty, and nothing is queued',
    withStorage(async ({ storage }) => {
      assert.equal(await storage.load('p'), { vector: [], received: [], queue: [], refused: [] });
      assert.equal(await storage.queuedProjects(), []);
    }),
  );

  test(
    'what was applied is loaded: in order, field for field, also after a restart',
    withStorage(async ({ storage, restart }) => {
      await storage.apply({ project: 'p', queued: [kept('c'), kept('a'), kept('b')] });
      await storage.apply({ project: 'p', received: [received('z', [[7, 1]]), received('y', [[7, 2]])] });
      await storage.apply({ project: 'p', vector: [[7, 2]], received: [received('x', [[8, 1]])] });
      const check = async (opened: Storage): Promise<void> => {
        const { vector, received: objects, queue, refused } = await opened.load('p');
        assert.equal(vector, [[7, 2]]);
        assert.equal(objects, [received('z', [[7, 1]]), received('y', [[7, 2]]), received('x', [[8, 1]])]);
        assert.equal(queue, [kept('c'), kept('a'), kept('b')]);
        assert.equal(refused, []);
      };
      await check(storage);
      await storage.close();
      const again = await restart();
      await check(again);
      await again.close();
    }),
  );

  test(
    'values come back as JSON has them: text of every language, lines, quotes, numbers, nesting, null',
    withStorage(async ({ storage, restart }) => {
      const value = {
        version_uuid: 'v',
        content: { 'ключ "1"\n': 'é\u2028🎬\\', '': '' },
        links: [['report', 'r'], [], { deep: [null, true, -0.5, 9007199254740991] }],
        body: null,
      };
      const object: KeptObject = { kind: 'comment', versionUuid: 'v', value };
      await storage.apply({ project: 'p', queued: [object] });
      await storage.close();
      const again = await restart();
      assert.equal((await again.load('p')).queue, [object]);
      await again.close();
    }),
  );

  test(
    'a received object takes the place of the one with its key, unless it has no place itself; kinds are apart',
    withStorage(async ({ storage }) => {
      await storage.apply({ project: 'p', received: [received('a', []), received('b', [[1, 1]])] });
      await storage.apply({ project: 'p', received: [{ ...received('a', [[1, 2]]), value: { new: true } }] });
      await storage.apply({ project: 'p', received: [{ ...received('a', [[1, 3]]), kind: 'thread' }] });
      await storage.apply({ project: 'p', received: [received('a', [])] });
      const { received: objects } = await storage.load('p');
      assert.is(objects.length, 3);
      assert.equal(objects[0], { ...received('a', [[1, 2]]), value: { new: true } });
      assert.is(objects[2]?.kind, 'thread');
    }),
  );

  test(
    'the vector is raised per server id, and never lowered',
    withStorage(async ({ storage, restart }) => {
      await storage.apply({
        project: 'p',
        vector: [
          [1, 5],
          [2, 0],
        ],
      });
      await storage.apply({
        project: 'p',
        vector: [
          [1, 3],
          [3, 7],
        ],
      });
      const check = async (opened: Storage): Promise<void> =>
        assert.equal(sorted((await opened.load('p')).vector), [
          [1, 5],
          [2, 0],
          [3, 7],
        ]);
      await check(storage);
      await storage.close();
      const again = await restart();
      await check(again);
      await again.close();
    }),
  );

  test(
    'what a server has is out of the queue, others stay in order; an object is queued once',
    withStorage(async ({ storage }) => {
      await storage.apply({ project: 'p', queued: [kept('a'), kept('b'), kept('c')] });
      await storage.apply({ project: 'p', queued: [{ ...kept('a'), value: { other: 1 } }, kept('d')] });
      assert.equal((await storage.load('p')).queue, [kept('a'), kept('b'), kept('c'), kept('d')]);
      await storage.apply({ project: 'p', received: [received('b', []), received('nobody', [[1, 1]])] });
      await storage.apply({ project: 'p', queued: [kept('b')] });
      const { received: objects, queue } = await storage.load('p');
      assert.equal(objects, [received('b', []), received('nobody', [[1, 1]])]);
      assert.equal(queue, [kept('a'), kept('c'), kept('d')]);
    }),
  );

  test(
    'a refused object leaves the queue and is kept until it is discarded',
    withStorage(async ({ storage, restart }) => {
      await storage.apply({ project: 'p', queued: [kept('a'), kept('b')] });
      await storage.apply({ project: 'p', refused: [refused('a')] });
      await storage.close();
      const again = await restart();
      assert.equal((await again.load('p')).queue, [kept('b')]);
      assert.equal((await again.load('p')).refused, [refused('a')]);
      await again.apply({ project: 'p', discarded: [key('a'), key('nobody')] });
      assert.equal((await again.load('p')).refused, []);
      await again.close();
    }),
  );

  test(
    'the projects whose queue is not empty are known, also after a restart; projects are apart',
    withStorage(async ({ storage, restart }) => {
      const odd = 'ß/../"%00 \n'.repeat(20);
      await storage.apply({ project: 'p1', queued: [kept('a')] });
      await storage.apply({ project: 'p2', received: [received('a', [[1, 1]])] });
      await storage.apply({ project: odd, queued: [kept('b')] });
      await storage.apply({ project: 'p3', queued: [kept('c'), kept('d')] });
      await storage.apply({ project: 'p3', received: [received('c', [])], refused: [refused('d')] });
      assert.equal((await storage.queuedProjects()).sort(), ['p1', odd].sort());
      await storage.close();
      const again = await restart();
      assert.equal((await again.queuedProjects()).sort(), ['p1', odd].sort());
      assert.equal((await again.load(odd)).queue, [kept('b')]);
      assert.equal((await again.load('p2')).queue, []);
      await again.apply({ project: odd, received: [received('b', [[1, 1]])] });
      assert.equal(await again.queuedProjects(), ['p1']);
      await again.close();
    }),
  );

  test(
    'changes under way together take effect in the order of the calls',
    withStorage(async ({ storage, restart }) => {
      const names = Array.from({ length: 50 }, (_, index) => `n${index}`);
      const queued = names.map((each) => storage.apply({ project: 'p', queued: [kept(each)] }));
      const left = names
        .slice(0, 48)
        .map((each) => storage.apply({ project: 'p', received: [received(each, [])] }));
      await Promise.all([...queued, ...left]);
      assert.equal((await storage.load('p')).queue, [kept('n48'), kept('n49')]);
      await storage.close();
      const again = await restart();
      assert.equal((await again.load('p')).queue, [kept('n48'), kept('n49')]);
      await again.close();
    }),
  );

  test(
    'what is loaded shows what was applied before the call',
    withStorage(async ({ storage }) => {
      const applied = storage.apply({ project: 'p', queued: [kept('a')] });
      assert.equal((await storage.load('p')).queue, [kept('a')]);
      await applied;
    }),
  );

  test(
    'a queue that was emptied again and again keeps what is in it',
    withStorage(async ({ storage, restart }) => {
      for (let round = 0; round < 30; round++) {
        await storage.apply({ project: 'p', queued: [kept(`r${round}`)] });
        await storage.apply({
          project: 'p',
          received: [received(`r${round}`, [[1, round + 1]])],
          vector: [[1, round + 1]],
        });
      }
      await storage.apply({ project: 'p', queued: [kept('last')] });
      await storage.close();
      const again = await restart();
      const { vector, received: objects, queue } = await again.load('p');
      assert.equal(vector, [[1, 30]]);
      assert.is(objects.length, 30);
      assert.equal(queue, [kept('last')]);
      await again.close();
    }),
  );

  test.run();
}

function kept(versionUuid: string): KeptObject {
  return { kind: 'entry', versionUuid, value: { version_uuid: versionUuid, clip_id: 'A001' } };
}

function received(versionUuid: string, places: Place[]): ReceivedObject {
  return { ...kept(versionUuid), places };
}

function refused(versionUuid: string): RefusedObject {
  return { ...kept(versionUuid), code: 'bad-request', message: 'content must be an object' };
}

function key(versionUuid: string): ObjectKey {
  return { kind: 'entry', versionUuid };
}

function sorted(vector: readonly Place[]): Place[] {
  return [...vector].sort(([a], [b]) => a - b);
}
