// What every store does: the one suite that each implementation runs, in one line.

import { randomBytes } from 'node:crypto';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RejoinError } from '../../src/errors.ts';
import { firstOf, pageEntriesMax, type Entry, type Range, type Store } from '../../src/store/store.ts';

/** A store under test, and how to open what it has stored again, as after a restart. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Closes nothing: the caller has closed, or "crashed". */
  readonly restart: () => Promise<Store>;
  readonly remove: () => Promise<void>;
}

export function runStoreContract(name: string, make: () => Promise<StoreUnderTest>): void {
  const test = suite(`store contract: ${name}`);
  const withStore = (work: (under: StoreUnderTest) => Promise<void>) => async (): Promise<void> => {
    const under = await make();
    try {
      await work(under);
    } finally {
      await under.store.close();
      await under.remove();
    }
  };

  test(
    'a value is there once its write resolves, and a missing key is undefined',
    withStore(async ({ store }) => {
      await store.write([put('a', '1')]);
      assert.is(text(await store.get(bytes('a'))), '1');
      assert.is(await store.get(bytes('b')), undefined);
    }),
  );

  test(
    'a batch puts, replaces and removes; the last of one key counts',
    withStore(async ({ store }) => {
      await store.write([put('a', '1'), put('b', '2')]);
      await store.write([remove('a'), put('b', '3'), put('c', '4'), remove('missing'), put('c', '5')]);
      assert.equal(await all(store), ['b=3', 'c=5']);
    }),
  );

  test(
    'a scan has the range in bytewise order, its end excluded, both ways',
    withStore(async ({ store }) => {
      const keys = [[1], [1, 0], [1, 255], [2], [127], [128], [255]].map((key) => Uint8Array.from(key));
      await store.write(keys.toReversed().map((key) => ({ key, value: bytes('x') })));
      const range = { from: Uint8Array.from([1, 0]), before: Uint8Array.from([255]) };
      const forward = (await entries(store, range)).map(({ key }) => [...key]);
      assert.equal(forward, [[1, 0], [1, 255], [2], [127], [128]]);
      const backward = (await entries(store, { ...range, reverse: true })).map(({ key }) => [...key]);
      assert.equal(backward, forward.toReversed());
      const two = (await entries(store, { ...range, reverse: true, limit: 2 })).map(({ key }) => [...key]);
      assert.equal(two, [[128], [127]]);
      assert.equal([...((await firstOf(store, range))?.key ?? [])], [1, 0]);
      assert.is(await firstOf(store, { from: bytes('x'), before: bytes('y') }), undefined);
    }),
  );

  test(
    'a scan comes in pages, shows the store as it was, and can be left',
    withStore(async ({ store }) => {
      const count = 2 * pageEntriesMax + 10;
      const key = (i: number): string => `k${String(i).padStart(6, '0')}`;
      await store.write(Array.from({ length: count }, (_, i) => put(key(i), String(i))));
      let seen = 0;
      let pages = 0;
      for await (const page of store.scan(everything)) {
        pages++;
        assert.ok(page.length > 0 && page.length <= pageEntriesMax);
        for (const entry of page) assert.is(text(entry.value), String(seen++));
        if (pages === 1) await store.write([put(key(count), 'later')]);
      }
      assert.is(seen, count);
      assert.ok(pages >= 3);
      for await (const page of store.scan(everything)) {
        assert.ok(page.length > 0);
        break;
      }
    }),
  );

  test(
    'writes become durable in the order of the calls, also many at once',
    withStore(async ({ store, restart }) => {
      const resolved: number[] = [];
      const writes = Array.from({ length: 200 }, async (_, i) => {
        await store.write([put('n', String(i)), put(`w${i}`, 'x')]);
        resolved.push(i);
      });
      await Promise.all(writes);
      assert.equal(
        resolved,
        Array.from({ length: 200 }, (_, i) => i),
      );
      await store.close();
      const again = await restart();
      assert.is(text(await again.get(bytes('n'))), '199');
      assert.is((await entries(again, everything)).length, 201);
      await again.close();
    }),
  );

  test(
    'after close every call is refused as unavailable; reopen brings the store back',
    withStore(async ({ store }) => {
      await store.write([put('a', '1')]);
      await store.close();
      await rejects(store.get(bytes('a')));
      await rejects(store.write([put('b', '2')]));
      await rejects(entries(store, everything));
      await store.reopen();
      await store.write([put('b', '2')]);
      assert.equal(await all(store), ['a=1', 'b=2']);
      await store.reopen();
      assert.equal(await all(store), ['a=1', 'b=2']);
    }),
  );

  test(
    'a probe changes nothing that is stored, and a closed store has nothing to probe',
    withStore(async ({ store }) => {
      await store.write([put('a', '1')]);
      await store.probe();
      await Promise.all([store.probe(), store.write([put('b', '2')])]);
      assert.equal(await all(store), ['a=1', 'b=2']);
      await store.close();
      await rejects(store.probe());
      await store.reopen();
      assert.equal(await all(store), ['a=1', 'b=2']);
    }),
  );

  test(
    'close and reopen in the middle of a scan end the scan with an error, never with less than there is',
    withStore(async ({ store }) => {
      await store.write(Array.from({ length: 4 * pageEntriesMax }, (_, i) => put(`k${i}`, 'x')));
      let seen = 0;
      try {
        for await (const page of store.scan(everything)) {
          seen += page.length;
          await store.reopen();
        }
        assert.is(seen, 4 * pageEntriesMax);
      } catch (error) {
        assert.is(error instanceof RejoinError && error.code, 'unavailable');
      }
      assert.is((await entries(store, everything)).length, 4 * pageEntriesMax);
    }),
  );

  test(
    'the size of a range is about what was written to it, once it was compacted',
    withStore(async ({ store }) => {
      const keys = Array.from({ length: 2_000 }, (_, i) => `k${String(i).padStart(4, '0')}`);
      for (let i = 0; i < keys.length; i += 500)
        await store.write(
          keys.slice(i, i + 500).map((key) => ({ key: bytes(key), value: randomBytes(1024) })),
        ); // can't be compressed
      await store.compact(everything);
      const whole = await store.approximateSize(everything);
      const range = { from: bytes('k0500'), before: bytes('k1500') };
      const half = await store.approximateSize(range);
      assert.ok(whole > 0.5 * 2_000 * 1024 && whole < 2 * 2_000 * 1024, `${whole} bytes in all`);
      assert.ok(half > 0.3 * whole && half < 0.7 * whole, `${half} of ${whole} bytes`);
      assert.is(await store.approximateSize({ from: bytes('a'), before: bytes('b') }), 0);
      await store.close();
      await rejects(store.approximateSize(range));
    }),
  );

  test.run();
}

const everything: Range = { from: Uint8Array.from([0]), before: Uint8Array.from([255, 255]) };

function bytes(value: string): Uint8Array {
  return new Uint8Array(Buffer.from(value, 'utf8'));
}

function text(value: Uint8Array | undefined): string | undefined {
  return value && Buffer.from(value).toString('utf8');
}

function put(key: string, value: string): { key: Uint8Array; value: Uint8Array } {
  return { key: bytes(key), value: bytes(value) };
}

function remove(key: string): { key: Uint8Array; value: null } {
  return { key: bytes(key), value: null };
}

async function entries(store: Store, range: Range): Promise<Entry[]> {
  const found: Entry[] = [];
  for await (const page of store.scan(range)) found.push(...page);
  return found;
}

async function all(store: Store): Promise<string[]> {
  return (await entries(store, everything)).map(
    ({ key, value }) => `${text(key) ?? ''}=${text(value) ?? ''}`,
  );
}

async function rejects(promise: Promise<unknown>): Promise<void> {
  try {
    await promise;
  } catch (error) {
    assert.is(error instanceof RejoinError && error.code, 'unavailable');
    return;
  }
  assert.unreachable('it should be refused');
}
