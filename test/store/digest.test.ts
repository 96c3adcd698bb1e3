// Digests of what comes in chunks.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { digestOf, digestOfChunks } from '../../src/store/digest.ts';

const test = suite('digest');

test('bytes in chunks have the digest of the whole, and others have their turn', async () => {
  const bytes = Buffer.alloc(5 * 1024 * 1024 + 7, 'some bytes');
  let breaths = 0;
  const breathe = (): Promise<void> => {
    breaths++;
    return Promise.resolve();
  };
  const chunks = [bytes.subarray(0, 0), bytes.subarray(0, 3), bytes.subarray(3, 70_000)];
  for (let at = 70_000; at < bytes.length; at += 100_000) chunks.push(bytes.subarray(at, at + 100_000));
  assert.equal(Buffer.from(await digestOfChunks(chunks, breathe)), Buffer.from(digestOf(bytes)));
  assert.ok(breaths >= 4, String(breaths));
  breaths = 0;
  assert.equal(Buffer.from(await digestOfChunks([], breathe)), Buffer.from(digestOf(new Uint8Array())));
  assert.is(breaths, 0);
});

test.run();
