// Which name is read from what Yjs clients say of their users, and that nothing else comes with it.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { userNameIn } from '../../src/wire/awareness-name.ts';

const test = suite('awareness-name');

test('the customs of editors, the usual one first', () => {
  const cases: readonly [unknown, string | undefined][] = [
    [{ user: { name: 'Ada', color: '#fff' }, cursor: null }, 'Ada'],
    [{ user: 'Ada', cursor: { anchor: 1 } }, 'Ada'],
    [{ name: 'Ada' }, 'Ada'],
    [{ user: { name: 'Ada' }, name: 'Bob' }, 'Ada'],
    [{ user: 'Ada', name: 'Bob' }, 'Ada'],
    [{ user: { name: ' ' }, name: 'Bob' }, 'Bob'],
    [{ user: { name: 1 }, name: ['Bob'] }, undefined],
    [{ user: { toString: 'Ada' } }, undefined],
    ...[null, undefined, {}, [], 'Ada', 7, { user: null }, { user: '' }, [{ name: 'Ada' }]].map(
      (state): [unknown, undefined] => [state, undefined],
    ),
  ];
  for (const [state, name] of cases) assert.is(userNameIn(state), name, JSON.stringify(state));
});

test('a name is one line of well-formed text of 256 units at most', () => {
  const nameOf = (name: string): string | undefined => userNameIn({ user: { name } });
  assert.is(nameOf(' Ada\u0000\u001b[31m\r\nLovelace\u2028\u0085\u007f '), 'Ada [31m Lovelace');
  assert.is(nameOf('\u0000\n\t'), undefined);
  assert.is(nameOf('a\ud800b'), 'a\ufffdb');
  assert.is(nameOf('x'.repeat(256)), 'x'.repeat(256));
  assert.is(nameOf('x'.repeat(200_000)), 'x'.repeat(256));
  assert.is(nameOf(`${'x'.repeat(255)}😀`), 'x'.repeat(255));
  assert.is(nameOf(`${'x'.repeat(254)}😀`), `${'x'.repeat(254)}😀`);
  assert.is(nameOf('😀'.repeat(1_000)), '😀'.repeat(128));
});

test.run();
