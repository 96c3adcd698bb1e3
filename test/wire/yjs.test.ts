// Frames of `/yjs`: how many messages one may hold.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { messagesPerFrameMax, readFrame } from '../../src/wire/yjs.ts';

const frames = suite('yjs frames');
const queries = (count: number): Uint8Array => new Uint8Array(count).fill(3);

frames('YJS-1 what follows the first message of a frame is read, up to a limit', () => {
  assert.is(readFrame(queries(messagesPerFrameMax)).length, messagesPerFrameMax);
  for (const count of [messagesPerFrameMax + 1, 1_000_000])
    assert.throws(
      () => readFrame(queries(count)),
      (error: unknown) => error instanceof RejoinError && error.code === 'undecodable',
    );
});

frames.run();
