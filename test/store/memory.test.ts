import { MemoryDisk, MemoryStore } from '../../src/store/memory.ts';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runStoreContract } from './contract.ts';

runStoreContract('memory', () => {
  const disk = new MemoryDisk();
  return Promise.resolve({
    store: new MemoryStore(disk),
    restart: () => Promise.resolve(new MemoryStore(disk)),
    remove: () => Promise.resolve(),
  });
});

const test = suite('memory store');

test('what a store was not given time to write is not on its disk', async () => {
  const disk = new MemoryDisk();
  const written = new MemoryStore(disk).write([{ key: Uint8Array.of(1), value: Uint8Array.of(1) }]);
  assert.is(disk.entries.length, 0);
  await written;
  assert.is(disk.entries.length, 1);
});

test.run();
