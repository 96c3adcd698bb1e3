// Objects that a Yjs client wrote into the document: what isn't JSON is refused by name, and what a client that moves
// between servers brings along is kept.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Map as SharedMap } from 'yjs';
import { RejoinError } from '../../src/errors.ts';
import { checkYjsObject, completeObject } from '../../src/model/objects.ts';

const test = suite('objects from Yjs clients');

const thread = { thread_uuid: 't', version_uuid: 'v', authortime: '2024-05-17T09:30:00.000Z' };
const author = { userId: 'ann', userUuid: 'ann-uuid', nowMs: Date.parse('2024-05-18T00:00:00.000Z') };

function refuses(value: unknown, message: RegExp, key = 'v') {
  assert.throws(
    () => checkYjsObject('thread', key, value),
    (error: unknown) => {
      if (!(error instanceof RejoinError)) throw error;
      assert.is(error.code, 'bad-request');
      assert.match(error.message, message);
      return true;
    },
  );
}

test('WS-24 user and submissiontime are kept when present', () => {
  const sent = { ...thread, submissiontime: '2024-05-17', user_uuid: 'bob-uuid', user_id: 'bob' };
  const { value } = completeObject('thread', checkYjsObject('thread', 'v', sent), author, 'keep');
  assert.is(
    JSON.stringify(value),
    '{"thread_uuid":"t","version_uuid":"v","user_id":"bob","user_uuid":"bob-uuid","name":null,"links":null,' +
      '"archivetime":null,"authortime":"2024-05-17T09:30:00.000Z","submissiontime":"2024-05-17T00:00:00.000Z"}',
  );
});

test('WS-24 user and submissiontime come from the connection and the clock when absent or null', () => {
  for (const sent of [thread, { ...thread, user_id: null, user_uuid: null, submissiontime: null }]) {
    const { value } = completeObject('thread', checkYjsObject('thread', 'v', sent), author, 'keep');
    assert.is(value['user_id'], 'ann');
    assert.is(value['user_uuid'], 'ann-uuid');
    assert.is(value['submissiontime'], '2024-05-18T00:00:00.000Z');
    assert.is(value['authortime'], '2024-05-17T09:30:00.000Z');
  }
});

test('WS-24 user fields that are no strings, and a submissiontime that is no time, are refused', () => {
  refuses({ ...thread, user_id: 7 }, /^threads\["v"\]\.user_id must be a string or null/);
  refuses({ ...thread, user_uuid: {} }, /^threads\["v"\]\.user_uuid must be a string or null/);
  refuses({ ...thread, submissiontime: 'soon' }, /^threads\["v"\]\.submissiontime must be a time/);
});

test('WS-24 authortime must be there', () => {
  refuses({ thread_uuid: 't', version_uuid: 'v' }, /^threads\["v"\]\.authortime must be there/);
  refuses({ ...thread, authortime: null }, /^threads\["v"\]\.authortime must be there/);
  refuses({ ...thread, authortime: 'soon' }, /^threads\["v"\]\.authortime must be a time/);
});

test('WS-24 version_uuid must equal the key', () => {
  refuses(thread, /^threads\["w"\]\.version_uuid must equal the object's key/, 'w');
  refuses({ ...thread, version_uuid: undefined }, /^\/threads\/v\/version_uuid is undefined/);
  refuses({ ...thread, version_uuid: '__proto__' }, /__proto__/, '__proto__');
});

test('WS-24 the rules of uploads hold', () => {
  refuses({ ...thread, name: 7 }, /^threads\["v"\]\.name must be a string or null/);
  assert.throws(
    () => checkYjsObject('entry', 'v', { version_uuid: 'v', report_uuid: 'r', entry_uuid: 'e' }),
    /^entries\["v"\]\.clip_id must be a string in an original entry/,
  );
  assert.throws(
    () => checkYjsObject('comment', 'v', { version_uuid: 'v' }),
    /^comments\["v"\]\.comment_uuid/,
  );
});

test('WS-24 what is no object is refused', () => {
  for (const value of [null, 'x', 7, true, [], [thread]]) refuses(value, /^threads\["v"\] must be an object/);
});

test('WS-24 what is not JSON is refused by name', () => {
  class Instance {
    readonly field = 1;
  }
  const foreign: [value: unknown, what: RegExp][] = [
    [undefined, /undefined/],
    [7n, /a bigint/],
    [Symbol('s'), /a symbol/],
    [() => 1, /a function/],
    [NaN, /NaN/],
    [Infinity, /Infinity/],
    [new Uint8Array(2), /a Uint8Array/],
    [new Date(0), /a Date/],
    [new Map(), /a Map/],
    [new Instance(), /no plain object/],
    [new SharedMap(), /no plain object/],
    // What a decoder makes of a key `__proto__` that it assigns.
    [Object.setPrototypeOf({}, { polluted: true }), /no plain object .*__proto__/],
  ];
  for (const [value, what] of foreign) {
    refuses(value, new RegExp(`^/threads/v is ${what.source}.*, which is not JSON$`));
    refuses({ ...thread, a: [1, { 'b/c': value }] }, new RegExp(`^/threads/v/a/1/b~1c is ${what.source}`));
  }
  refuses({ ...thread, a: new Array(3) }, /^\/threads\/v\/a\/0 is undefined/);
});

test('WS-24 an object without a prototype is plain', () => {
  const value: unknown = Object.assign(Object.create(null), thread);
  assert.is(checkYjsObject('thread', 'v', value)['thread_uuid'], 't');
});

test('WS-25 what Yjs or a prototype cannot carry is refused', () => {
  refuses({ ...thread, name: 'a\ud800' }, /^\/threads\/v\/name has a lone surrogate/);
  refuses({ ...thread, ['\ud800']: 1 }, /lone surrogate in its key/);
  refuses(
    { ...thread, a: JSON.parse('{"__proto__":1}') as unknown },
    /^\/threads\/v\/a\/__proto__ has the key __proto__/,
  );
});

test('WS-20 deep values are refused, cycles too', () => {
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level++) deep = [deep];
  refuses({ ...thread, deep }, /nested deeper than 64 levels/);
  const cycle: Record<string, unknown> = { ...thread };
  cycle['self'] = cycle;
  refuses(cycle, /nested deeper than 64 levels/);
});

test.run();
