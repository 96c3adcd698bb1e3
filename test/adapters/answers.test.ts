// YJS-11: answers that may be much larger than their question.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Answers } from '../../src/adapters/answers.ts';
import { Outgoing } from '../../src/adapters/outgoing.ts';
import { socketPair, type SocketPair } from '../support/socket-pair.ts';

const test = suite('answers');

let pair: SocketPair;
let outgoing: Outgoing;
test.before.each(async () => {
  pair = await socketPair();
  outgoing = new Outgoing(pair.server);
});
test.after.each(() => pair.end());

/** More than the kernel takes. */
const filling = Buffer.alloc(32 * 1024 * 1024);

test('YJS-11 no answer is made for one that lets too much wait, until it has read', async () => {
  const answers = new Answers(outgoing);
  pair.client.pause();
  outgoing.send(filling);
  let isFullWhenMade = true;
  const answered = answers.inTurn(() => void (isFullWhenMade = outgoing.isFull));
  pair.client.resume();
  await answered;
  assert.not.ok(isFullWhenMade);
});

test('YJS-11 one answer is in work at a time, also when one can not be given', async () => {
  const answers = new Answers(outgoing);
  const steps: string[] = [];
  const first = answers.inTurn(async () => {
    steps.push('first');
    await new Promise(setImmediate);
    steps.push('first made');
    throw new Error('no answer');
  });
  const second = answers.inTurn(() => void steps.push('second'));
  await first.then(
    () => assert.unreachable(),
    () => undefined,
  );
  await second;
  assert.equal(steps, ['first', 'first made', 'second']);
});

test('nothing is made for a socket that closes', async () => {
  pair.server.terminate();
  await new Answers(outgoing).inTurn(() => assert.unreachable());
});

test.run();
