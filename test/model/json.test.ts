// Values from outside: what is refused, where the refusal says it is, and that a check of many values stays small.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { checkJson, parseJson } from '../../src/model/json.ts';

const json = suite('json');

function refused(value: () => unknown, message: string): void {
  assert.throws(value, (error: unknown) => {
    assert.instance(error, RejoinError);
    assert.is((error as RejoinError).code, 'bad-request');
    assert.is((error as RejoinError).message, message);
    return true;
  });
}

json('what JSON can say passes as it is', () => {
  for (const text of ['null', '1', '""', '[]', '{}', '{"a":[1,{"b":[]},null,[true]],"":{"c":"😀"},"d":-0.5}'])
    assert.equal(parseJson(text), JSON.parse(text));
  const deepest = '['.repeat(64) + ']'.repeat(64);
  assert.equal(parseJson(deepest), JSON.parse(deepest));
});

json('a refusal names the place as a JSON Pointer', () => {
  const lone = 'has a lone surrogate: text must be valid Unicode';
  refused(() => parseJson('"\\ud800"'), `the root ${lone}`);
  refused(() => parseJson('1e999'), 'the root is a number too large for a double');
  refused(() => parseJson('[0,[],{},-1e999]'), '/3 is a number too large for a double');
  refused(() => parseJson('{"x":[1],"a/b":{"~":[{},[[]],["\\udc00"]]}}'), `/a~1b/~0/2/0 ${lone}`);
  refused(() => parseJson('[{"a":{}},{"":"\\ud800"}]'), `/1/ ${lone}`);
  refused(() => parseJson('{"a":[{"\\ud800":1}]}'), '/a/0/\ufffd has a lone surrogate in its key');
  refused(
    () => parseJson('{"a":[{"b":[]},{"__proto__":{}}]}'),
    '/a/1/__proto__ has the key __proto__, which is not allowed',
  );
  refused(
    () => parseJson('{"a":' + '['.repeat(64) + ']'.repeat(64) + '}'),
    `/a${'/0'.repeat(63)} is nested deeper than 64 levels`,
  );
});

/** How often a value of an array or object was read before the check refused it. */
function readsBeforeRefusal(containerOf: (readers: PropertyDescriptorMap) => object): number {
  let reads = 0;
  const readers: PropertyDescriptorMap = {};
  for (let i = 0; i < 1000; i++) {
    const get = (): unknown => (reads++, i === 0 ? Infinity : i);
    readers[i] = { get, enumerable: true, configurable: true };
  }
  assert.throws(() => checkJson(containerOf(readers)), /^\/0 is a number too large/);
  return reads;
}

json('a value is checked when it is met: those of a long array or object are never collected', () => {
  assert.is(
    readsBeforeRefusal((readers) => Object.defineProperties([], readers)),
    1,
  );
  assert.is(
    readsBeforeRefusal((readers) => Object.defineProperties({}, readers)),
    1,
  );
});

json.run();
