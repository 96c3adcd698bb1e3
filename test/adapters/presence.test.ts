// YJS-13: what is remembered of clients that are gone.

import * as encoding from 'lib0/encoding';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Presence } from '../../src/adapters/presence.ts';
import { RejoinError } from '../../src/errors.ts';

const test = suite('presence');

interface Said {
  readonly client: number;
  readonly clock: number;
  readonly state: unknown;
}

function updateOf(...said: readonly Said[]): Uint8Array {
  const encoder = encoding.createEncoder();
  encoding.writeVarUint(encoder, said.length);
  for (const { client, clock, state } of said) {
    encoding.writeVarUint(encoder, client);
    encoding.writeVarUint(encoder, clock);
    encoding.writeVarString(encoder, JSON.stringify(state));
  }
  return encoding.toUint8Array(encoder);
}

const clients = (from: number, count: number, state: unknown): Said[] =>
  Array.from({ length: count }, (_, index) => ({ client: from + index, clock: 1, state }));

function withPresence(run: (presence: Presence<object>, told: () => number) => void): void {
  let told = 0;
  const presence = new Presence<object>(() => told++);
  try {
    run(presence, () => told);
  } finally {
    presence.end();
  }
}

test('YJS-13 nothing is remembered of a client that was never here', () =>
  withPresence((presence, told) => {
    const connection = {};
    presence.hear(updateOf({ client: 1, clock: 9, state: null }), connection);
    assert.is(presence.hear(updateOf({ client: 1, clock: 1, state: 'here' }), connection), null);
    assert.is(told(), 1);
  }));

test('YJS-13 an update that names too many strangers is refused, and nobody of them is here', () =>
  withPresence((presence) => {
    for (const state of [{}, null])
      assert.throws(
        () => presence.hear(updateOf(...clients(1, 257, state)), {}),
        (error: unknown) => error instanceof RejoinError && error.code === 'too-large',
      );
    assert.equal(presence.here, []);
  }));

test('YJS-3 a provider may say again all that it heard, however many are here', () =>
  withPresence((presence) => {
    for (let i = 0; i < 3; i++) presence.hear(updateOf(...clients(1 + 200 * i, 200, {})), {});
    const [everybody] = [...presence.print(presence.here)];
    assert.is(presence.hear(everybody!, {}), null);
  }));

test('YJS-11 what is told of many clients is told in parts, each client in one', () =>
  withPresence((presence) => {
    for (let i = 0; i < 40; i++) presence.hear(updateOf(...clients(1 + 10 * i, 10, 'x'.repeat(5_000))), {});
    const parts = [...presence.print(presence.here)];
    assert.ok(parts.length > 4);
    for (const part of parts) assert.ok(part.length < 300 * 1024, `${part.length} bytes`);
    withPresence((other) => {
      for (const part of parts) other.hear(part, {});
      assert.equal(other.here, presence.here);
    });
  }));

test('YJS-11 of clients that are gone it is told that they are, unless that is forgotten too', () =>
  withPresence((presence) => {
    const leaving = {};
    presence.hear(updateOf(...clients(1, 2, {})), leaving);
    presence.leave(leaving);
    const [told] = [...presence.print([...presence.known, 77])];
    assert.equal(
      [...told!],
      [...updateOf({ client: 1, clock: 1, state: null }, { client: 2, clock: 1, state: null })],
    );
  }));

test('YJS-13 those long gone are forgotten, those here and those just gone are not', () =>
  withPresence((presence) => {
    const [staying, first, last] = [{}, {}, {}];
    const heard = (client: number): boolean =>
      presence.hear(updateOf({ client, clock: 1, state: {} }), {}) === null;
    presence.hear(updateOf(...clients(1, 1, {})), staying);
    presence.hear(updateOf(...clients(2, 1, {})), first);
    presence.leave(first);
    assert.not.ok(heard(2), 'it was here with that clock');
    for (let i = 0; i < 40; i++) {
      const connection = i === 39 ? last : {};
      presence.hear(updateOf(...clients(1000 + 200 * i, 200, {})), connection);
      presence.leave(connection);
    }
    assert.ok(heard(2), 'it is forgotten');
    assert.not.ok(heard(1000 + 200 * 39), 'it has just gone');
    presence.leave(staying);
    assert.not.ok(heard(1), 'it was here all the time');
  }));

test.run();
