// Which objects a log has, while the store answers late and others write.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { KnownUuids } from '../../src/core/known-uuids.ts';

const known = suite('known uuids');

/** A store that is asked now and answers later. */
function lateStore() {
  const questions: { versionUuid: string; answer(isStored: boolean): void; fail(): void }[] = [];
  const isStored = (_: string, versionUuid: string): Promise<boolean> =>
    new Promise((answer, reject) => {
      const fail = (): void => reject(new RejoinError('unavailable', 'the store is closed'));
      questions.push({ versionUuid, answer, fail });
    });
  return { questions, uuids: new KnownUuids(isStored) };
}

known('WS-13: what was looked up ahead is not asked again', async () => {
  const { questions, uuids } = lateStore();
  uuids.lookUp('entry', 'a');
  uuids.lookUp('entry', 'a');
  assert.is(questions.length, 1);
  const has = uuids.has('entry', 'a');
  questions[0]!.answer(true);
  assert.is(await has, true);
  assert.is(questions.length, 1);
});

known('WS-13: what another has written since the look-up is known', async () => {
  const { questions, uuids } = lateStore();
  uuids.lookUp('entry', 'a');
  questions[0]!.answer(false);
  const arrived = uuids.add('entry', 'a');
  assert.is(await uuids.has('entry', 'a'), true);
  arrived(); // on disk: but the store said no before
  assert.is(await uuids.has('entry', 'a'), true);
});

known('WS-13: the kind counts, and what nobody uses any more is forgotten', async () => {
  const { questions, uuids } = lateStore();
  const end = uuids.lookUp('entry', 'a');
  questions[0]!.answer(true);
  const other = uuids.has('comment', 'a');
  await new Promise(setImmediate);
  questions[1]!.answer(false);
  assert.is(await other, false);
  end();
  const again = uuids.has('entry', 'a');
  await new Promise(setImmediate);
  questions[2]!.answer(false);
  assert.is(await again, false);
});

known('WS-13: a look-up that failed, or came before a failure of the store, is made again', async () => {
  const { questions, uuids } = lateStore();
  uuids.lookUp('entry', 'a');
  questions[0]!.fail();
  const afterFailure = uuids.has('entry', 'a');
  await new Promise(setImmediate);
  questions[1]!.answer(true);
  assert.is(await afterFailure, true);

  const end = uuids.lookUp('entry', 'b');
  questions[2]!.answer(false);
  uuids.add('entry', 'c');
  uuids.clear();
  end();
  for (const versionUuid of ['b', 'c']) {
    const has = uuids.has('entry', versionUuid);
    await new Promise(setImmediate);
    questions.at(-1)!.answer(true);
    assert.is(await has, true);
    assert.is(questions.at(-1)!.versionUuid, versionUuid);
  }
});

known('WS-13: of a log that was empty only what was added since may be there', async () => {
  const { questions, uuids } = lateStore();
  uuids.startEmpty();
  uuids.lookUpAll([
    { kind: 'entry', versionUuid: 'a' },
    { kind: 'entry', versionUuid: 'b' },
  ]);
  assert.is(uuids.has('entry', 'a'), false);
  assert.is(questions.length, 0, 'the store has nothing');
  const arrived = uuids.add('entry', 'a');
  assert.is(await uuids.has('entry', 'a'), true, 'on its way');
  arrived();
  uuids.lookUp('entry', 'a');
  assert.is(questions.length, 1, 'the store has it now');
  questions[0]!.answer(true);
  assert.is(await uuids.has('entry', 'a'), true);
  assert.is(uuids.has('entry', 'b'), false);
  assert.is(uuids.has('comment', 'a'), false, 'the kind counts');

  uuids.clear(); // what is stored is uncertain
  const has = uuids.has('entry', 'b');
  await new Promise(setImmediate);
  questions[1]!.answer(true);
  assert.is(await has, true);
});

known.run();
