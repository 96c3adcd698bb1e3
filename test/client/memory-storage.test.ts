import { MemoryStorage } from '../../src/client/memory-storage.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runStorageContract } from './storage-contract.ts';

runStorageContract('memory', () => {
  const storage = new MemoryStorage();
  return Promise.resolve({
    storage,
    restart: () => Promise.resolve(storage),
    remove: () => Promise.resolve(),
  });
});

const test = suite('memory storage');

test('what was loaded is the caller’s: later changes do not reach it', async () => {
  const storage = new MemoryStorage();
  const before = await storage.load('p');
  await storage.apply({ project: 'p', vector: [[1, 1]] });
  assert.equal(before.vector, []);
});

test.run();
