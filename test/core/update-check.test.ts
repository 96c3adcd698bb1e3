// YJS-8: what the check says about an update is what Y.applyUpdate makes of it.

import * as encoding from 'lib0/encoding';
import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { checkUpdate, type UpdateCheck } from '../../src/core/update-check.ts';
import { RejoinError } from '../../src/errors.ts';
import { randomHistory } from '../support/random-edits.ts';
import { testSeed } from '../support/seed.ts';

const check = suite('update-check');

check('YJS-8 an update that the document can take fits, and names the clients it is new for', () => {
  const { doc, updates } = typed('abc', 'def');
  assert.equal(fits(new Y.Doc(), updates[0]!), [doc.clientID]);
  assert.equal(fits(new Y.Doc(), Y.encodeStateAsUpdate(doc)), [doc.clientID]);
});

check('YJS-8 a duplicate fits and is new for nobody', () => {
  const { doc, updates } = typed('abc', 'def');
  for (const update of [...updates, Y.encodeStateAsUpdate(doc), Y.encodeStateAsUpdate(new Y.Doc())])
    assert.equal(fits(doc, update), []);
});

check('YJS-8 a duplicate fits although the document has collected its items as garbage', () => {
  const source = new Y.Doc();
  source.getMap('udt').set('list', Y.Array.from(['a', new Y.Map([['k', 1]])]));
  const update = Y.encodeStateAsUpdate(source);
  const doc = cloneOf(source);
  doc.getMap('udt').delete('list');
  assert.ok([...doc.store.clients.values()].flat().some((struct) => struct instanceof Y.GC));
  assert.equal(fits(doc, update), []);
  assert.is(outcomeOf(doc, update), 'applied');
});

check('YJS-8 an update whose base is missing says what is missing, and always the same', () => {
  const { doc, updates } = typed('abc', 'def', 'ghi');
  const client = doc.clientID;
  assert.is(missing(new Y.Doc(), updates[1]!), `${client}:0-3`);
  assert.is(missing(new Y.Doc(), updates[2]!), `${client}:0-6`);
  const half = new Y.Doc();
  Y.applyUpdate(half, updates[0]!);
  assert.is(missing(half, updates[2]!), `${client}:3-6`);
  assert.is(missing(half, Y.mergeUpdates([updates[0]!, updates[2]!])), `${client}:3-6`);
});

check('YJS-8 what an update brings along is not named as missing', () => {
  const first = typed('abc');
  const second = new Y.Doc();
  second.clientID = 7;
  Y.applyUpdate(second, first.updates[0]!);
  const own: Uint8Array[] = [];
  second.on('update', (update: Uint8Array) => own.push(update));
  for (const text of ['x', 'y', 'z']) second.getText('text').insert(3, text);
  const before = missing(new Y.Doc(), own[0]!);
  assert.is(before, `${first.doc.clientID}:0-3`);
  assert.is(missing(new Y.Doc(), Y.mergeUpdates(own)), before);
});

check('YJS-8 deletions of what the document lacks are missing', () => {
  const { doc } = typed('abcdef');
  const state = Y.encodeStateVector(doc);
  doc.getText('text').delete(2, 3);
  const deletion = Y.encodeStateAsUpdate(doc, state);
  assert.is(missing(new Y.Doc(), deletion), `${doc.clientID}:0-5`);
  assert.equal(fits(doc, deletion), []);
});

check('YJS-8 what is missing is said in few words, however much it is', () => {
  const lacking = (clients: number, clock: number): Uint8Array => {
    const encoder = encoding.createEncoder();
    encoding.writeVarUint(encoder, 0); // no structs
    encoding.writeVarUint(encoder, clients);
    for (let client = clients; client > 0; client--)
      for (const number of [client, 1, clock, 1]) encoding.writeVarUint(encoder, number); // one deletion each
    return encoding.toUint8Array(encoder);
  };
  const texts = [lacking(500, 0), lacking(501, 0), lacking(500, 1)].map((each) => missing(new Y.Doc(), each));
  assert.is(new Set(texts).size, 3, 'different gaps differ');
  assert.is(missing(new Y.Doc(), lacking(500, 0)), texts[0]);
  assert.ok(texts[0]!.startsWith('1:0-1, 2:0-1, '));
  assert.ok(missing(new Y.Doc(), lacking(100_000, 7)).length < 400);
});

check('YJS-8 an update is only read: nothing of it gets into the document', () => {
  const { updates } = typed('abc', 'def');
  const doc = new Y.Doc();
  checkUpdate(doc, updates[0]!);
  checkUpdate(doc, updates[1]!);
  assert.is(doc.store.pendingStructs, null);
  assert.is(doc.store.clients.size, 0);
  assert.is(doc.share.size, 0);
});

check('YJS-8 structs that refer to each other in a circle are missing for good', () => {
  const circle = rawUpdate([
    { client: 1, clock: 0, structs: [{ origin: [2, 0] }] },
    { client: 2, clock: 0, structs: [{ origin: [1, 0] }] },
  ]);
  assert.is(missing(new Y.Doc(), circle), '1:0-1, 2:0-1');
  const longer = rawUpdate([
    { client: 1, clock: 0, structs: [{ parent: 'r' }, { origin: [2, 1] }, { parent: 'r' }] },
    { client: 2, clock: 0, structs: [{ parent: 'r' }, { rightOrigin: [3, 0] }] },
    { client: 3, clock: 0, structs: [{ parent: [1, 2] }] },
  ]);
  assert.is(missing(new Y.Doc(), longer), '1:1-3, 2:1-2, 3:0-1');
  assert.is(outcomeOf(new Y.Doc(), longer), 'pending');
});

check('YJS-8 structs that need each other in turns fit', () => {
  const inTurns = rawUpdate([
    { client: 1, clock: 0, structs: [{ parent: 'r' }, { origin: [2, 0] }, { origin: [2, 1] }] },
    { client: 2, clock: 0, structs: [{ origin: [1, 0] }, { origin: [1, 1] }] },
  ]);
  assert.equal(fits(new Y.Doc(), inTurns), [1, 2]);
  assert.is(outcomeOf(new Y.Doc(), inTurns), 'applied');
});

check('YJS-8 many clients that wait for one take linear time', () => {
  const clients = 3000;
  const waiting = Array.from({ length: clients }, (_, i) => ({
    client: 10 + i,
    clock: 0,
    structs: [{ origin: [1, clients - 1 - i] as const }],
  }));
  const structs = Array.from({ length: clients }, () => ({ parent: 'r' }));
  assert.is(fits(new Y.Doc(), rawUpdate([...waiting, { client: 1, clock: 0, structs }])).length, clients + 1);
});

const undecodable: Record<string, Uint8Array> = {
  'nothing at all': new Uint8Array(),
  'an origin of the same client that is yet to come': rawUpdate([
    { client: 1, clock: 0, structs: [{ origin: [1, 0] }, { parent: 'r' }] },
  ]),
  'a right origin of the same client that is yet to come': rawUpdate([
    { client: 1, clock: 0, structs: [{ rightOrigin: [1, 5] }] },
  ]),
  'an item that is its own container': rawUpdate([{ client: 1, clock: 0, structs: [{ parent: [1, 0] }] }]),
  'two blocks of one client': rawUpdate([
    { client: 1, clock: 0, structs: [{ parent: 'r' }] },
    { client: 1, clock: 1, structs: [{ parent: 'r' }] },
  ]),
  'an empty block': rawUpdate([{ client: 1, clock: 0, structs: [] }]),
  'garbage without a length': rawUpdate([{ client: 1, clock: 0, structs: [{ garbage: 0 }] }]),
  'a gap without a length': rawUpdate([{ client: 1, clock: 0, structs: [{ skip: 0 }, { parent: 'r' }] }]),
  'an item without a length': rawUpdate([{ client: 1, clock: 0, structs: [{ parent: 'r', text: '' }] }]),
  'clocks beyond what a number can count': rawUpdate([
    { client: 1, clock: Number.MAX_SAFE_INTEGER, structs: [{ garbage: 1 }] },
  ]),
  'an unknown kind of content': Uint8Array.of(1, 1, 1, 0, 31, 1, 1, 114, 0),
  'a number of structs that is no number': Uint8Array.of(1, ...notANumber(), 1, 0, 0),
  'a client that is no number': Uint8Array.of(1, 1, ...notANumber(), 0, 0, 1, 0),
  'a length that is no number': Uint8Array.of(1, 1, 1, 0, 0, ...notANumber(), 0),
  'more structs than bytes': Uint8Array.of(1, 255, 255, 255, 255, 127, 1, 0, 0, 1, 0),
  'an empty deletion': rawUpdate([], [[1, 0, 0]]),
  'a value nested too deep': anyUpdate((encoder) => {
    for (let i = 0; i < 2000; i++) encoding.writeUint8Array(encoder, Uint8Array.of(117, 1));
    encoding.writeUint8(encoder, 126);
  }),
  'a value nested so deep that decoding fails': anyUpdate((encoder) => {
    for (let i = 0; i < 100_000; i++) encoding.writeUint8Array(encoder, Uint8Array.of(117, 1));
    encoding.writeUint8(encoder, 126);
  }),
  'JSON text nested too deep': jsonUpdate('['.repeat(2000) + ']'.repeat(2000)),
  'JSON text that is none': jsonUpdate('{'),
  'text that is no UTF-8': Uint8Array.of(1, 1, 1, 0, 4, 1, 1, 114, 1, 0xff, 0),
  'a subdocument without a guid that could be written': subdocumentUpdate({ guid: null }),
};

for (const [what, update] of Object.entries(undecodable)) {
  check(`YJS-8 ${what} is undecodable`, () => {
    assert.throws(
      () => checkUpdate(new Y.Doc(), update),
      (thrown: unknown) => thrown instanceof RejoinError && thrown.code === 'undecodable',
    );
  });
}

check('YJS-8 an item of which the document has the beginning, elsewhere, is undecodable', () => {
  const update = rawUpdate([{ client: 1, clock: 0, structs: [{ parent: 'r', text: 'abcde' }] }]);
  for (const parent of ['r', 'elsewhere']) {
    const doc = new Y.Doc();
    Y.applyUpdate(doc, rawUpdate([{ client: 1, clock: 0, structs: [{ parent, text: 'abc' }] }]));
    assert.is(typeOf(doc, update), parent === 'r' ? 'fits' : 'undecodable');
  }
});

check('YJS-8 an item that continues garbage in a container that lives is undecodable', () => {
  const doc = new Y.Doc();
  Y.applyUpdate(doc, rawUpdate([{ client: 1, clock: 0, structs: [{ garbage: 3 }] }]));
  const update = rawUpdate([{ client: 1, clock: 0, structs: [{ parent: 'r', text: 'abcde' }] }]);
  assert.is(typeOf(doc, update), 'undecodable');
  assert.throws(() => Y.applyUpdate(cloneOf(doc), update));
});

check('YJS-8 an item that continues garbage of a container that is gone fits', () => {
  const source = new Y.Doc();
  source.clientID = 1;
  const text = source.getMap('udt').set('text', new Y.Text());
  text.insert(0, 'abc');
  const doc = cloneOf(source);
  doc.getMap('udt').delete('text');
  text.insert(3, 'def');
  assert.equal(fits(doc, Y.encodeStateAsUpdate(source)), [1]);
  assert.is(outcomeOf(doc, Y.encodeStateAsUpdate(source)), 'applied');
});

check('YJS-8 updates in random order fit exactly when applying them leaves nothing pending', () => {
  const random = prng.create(testSeed('update order'));
  const seen = { fits: 0, missing: 0 };
  for (let round = 0; round < 40; round++) {
    const { docs, updates } = randomHistory(random, 40);
    for (let i = 0; i < 10; i++) {
      const some = updates.filter(() => prng.int32(random, 0, 3) === 0);
      if (some.length > 0) updates.push(Y.mergeUpdates(some));
      const [doc, other] = [prng.oneOf(random, docs), prng.oneOf(random, docs)];
      updates.push(Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other)));
    }
    const server = new Y.Doc();
    shuffle(random, updates);
    for (const update of updates) {
      const { type } = checkUpdate(server, update);
      assert.is(outcomeOf(server, update), type === 'fits' ? 'applied' : 'pending');
      if (type === 'fits') Y.applyUpdate(server, update);
      seen[type]++;
    }
  }
  assert.ok(seen.fits > 100 && seen.missing > 100, JSON.stringify(seen));
});

check('YJS-8 no damaged update gets past the check and fails afterwards', () => {
  const random = prng.create(testSeed('damaged updates'));
  const seen = { fits: 0, missing: 0, undecodable: 0 };
  const isEnough = (): boolean => Math.min(...Object.values(seen)) > 100;
  // Most damage is noticed: with some seeds it takes more rounds until enough of it fits.
  for (let round = 0; round < 30 || (round < 100 && !isEnough()); round++) {
    const { docs, updates } = randomHistory(random, 30);
    const server = cloneOf(prng.oneOf(random, docs));
    for (let i = 0; i < 100; i++) {
      const update = damaged(random, prng.oneOf(random, updates));
      const type = typeOf(server, update);
      if (type === 'fits') assert.is(outcomeOf(server, update), 'applied', [...update].join());
      seen[type]++;
    }
  }
  assert.ok(isEnough(), JSON.stringify(seen));
});

function typeOf(doc: Y.Doc, update: Uint8Array): UpdateCheck['type'] | 'undecodable' {
  try {
    return checkUpdate(doc, update).type;
  } catch (thrown) {
    if (thrown instanceof RejoinError && thrown.code === 'undecodable') return 'undecodable';
    throw thrown;
  }
}

function fits(doc: Y.Doc, update: Uint8Array): number[] {
  const result = checkUpdate(doc, update);
  assert.is(result.type, 'fits', result.type === 'missing' ? result.ranges : '');
  return result.type === 'fits' ? [...result.newClients].sort((a, b) => a - b) : [];
}

function missing(doc: Y.Doc, update: Uint8Array): string {
  const result = checkUpdate(doc, update);
  assert.is(result.type, 'missing');
  return result.type === 'missing' ? result.ranges : '';
}

/** What Yjs does with the update, and whether the document can be stored and loaded afterwards. */
function outcomeOf(doc: Y.Doc, update: Uint8Array): 'applied' | 'pending' {
  const clone = cloneOf(doc);
  Y.applyUpdate(clone, update);
  if (clone.store.pendingStructs || clone.store.pendingDs) return 'pending';
  const again = cloneOf(clone);
  assert.equal(Y.encodeStateVector(again), Y.encodeStateVector(clone));
  return 'applied';
}

function cloneOf(doc: Y.Doc): Y.Doc {
  const clone = new Y.Doc();
  clone.on('update', () => undefined); // so that Yjs encodes what it applies
  Y.applyUpdate(clone, Y.encodeStateAsUpdate(doc));
  return clone;
}

function typed(...texts: string[]): { doc: Y.Doc; updates: Uint8Array[] } {
  const doc = new Y.Doc();
  const updates: Uint8Array[] = [];
  doc.on('update', (update: Uint8Array) => updates.push(update));
  for (const text of texts) doc.getText('text').insert(doc.getText('text').length, text);
  return { doc, updates };
}

interface RawStruct {
  readonly garbage?: number;
  readonly skip?: number;
  readonly origin?: readonly [number, number];
  readonly rightOrigin?: readonly [number, number];
  readonly parent?: string | readonly [number, number];
  readonly text?: string;
}

interface RawBlock {
  readonly client: number;
  readonly clock: number;
  readonly structs: readonly RawStruct[];
}

/** An update with any structs whatever; `deletes` are [client, clock, length]. */
function rawUpdate(
  blocks: readonly RawBlock[],
  deletes: readonly (readonly [number, number, number])[] = [],
): Uint8Array {
  return encoding.encode((encoder) => {
    encoding.writeVarUint(encoder, blocks.length);
    for (const { client, clock, structs } of blocks) {
      for (const number of [structs.length, client, clock]) encoding.writeVarUint(encoder, number);
      for (const struct of structs) writeStruct(encoder, struct);
    }
    encoding.writeVarUint(encoder, deletes.length);
    for (const [client, clock, length] of deletes)
      for (const number of [client, 1, clock, length]) encoding.writeVarUint(encoder, number);
  });
}

function writeStruct(encoder: encoding.Encoder, struct: RawStruct): void {
  const { garbage, skip, origin, rightOrigin, parent, text = 'x' } = struct;
  if (garbage !== undefined || skip !== undefined) {
    encoding.writeUint8(encoder, garbage === undefined ? 10 : 0);
    encoding.writeVarUint(encoder, garbage ?? skip ?? 0);
    return;
  }
  encoding.writeUint8(encoder, 4 | (origin ? 0x80 : 0) | (rightOrigin ? 0x40 : 0));
  for (const id of [origin, rightOrigin])
    for (const number of id ?? []) encoding.writeVarUint(encoder, number);
  if (parent !== undefined) {
    encoding.writeVarUint(encoder, typeof parent === 'string' ? 1 : 0);
    if (typeof parent === 'string') encoding.writeVarString(encoder, parent);
    else for (const number of parent) encoding.writeVarUint(encoder, number);
  }
  encoding.writeVarString(encoder, text);
}

/** One item of a content kind (Yjs's number for it) in the root `r`. */
function contentUpdate(kind: number, write: (encoder: encoding.Encoder) => void): Uint8Array {
  return encoding.encode((encoder) => {
    for (const number of [1, 1, 1, 0, kind, 1]) encoding.writeVarUint(encoder, number);
    encoding.writeVarString(encoder, 'r');
    write(encoder);
    encoding.writeVarUint(encoder, 0);
  });
}

function anyUpdate(write: (encoder: encoding.Encoder) => void): Uint8Array {
  return contentUpdate(8, (encoder) => {
    encoding.writeVarUint(encoder, 1);
    write(encoder);
  });
}

function jsonUpdate(text: string): Uint8Array {
  return contentUpdate(2, (encoder) => {
    encoding.writeVarUint(encoder, 1);
    encoding.writeVarString(encoder, text);
  });
}

function subdocumentUpdate(options: Record<string, null>): Uint8Array {
  return contentUpdate(9, (encoder) => {
    encoding.writeVarString(encoder, 'guid');
    encoding.writeAny(encoder, options);
  });
}

/** A varint so long that lib0 reads it as NaN. */
function notANumber(): number[] {
  return [...Array.from({ length: 200 }, () => 0x80), 0];
}

function damaged(random: prng.PRNG, update: Uint8Array): Uint8Array {
  const bytes = [...update];
  const times = prng.int32(random, 1, 3);
  for (let i = 0; i < times; i++) {
    const at = prng.int32(random, 0, bytes.length - 1);
    const byte = prng.int32(random, 0, 255);
    const choice = prng.int32(random, 0, 5);
    if (choice === 0) bytes.length = at;
    else if (choice === 1) bytes.splice(at, 1);
    else if (choice === 2) bytes.splice(at, 0, byte);
    else if (choice === 3) bytes.splice(at, 0, ...bytes.slice(at, at + prng.int32(random, 1, 8)));
    else if (choice === 4) bytes[at] = ((bytes[at] ?? 0) + prng.oneOf(random, [-1, 1])) & 0xff;
    else bytes[at] = byte;
  }
  return Uint8Array.from(bytes);
}

function shuffle(random: prng.PRNG, items: Uint8Array[]): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = prng.int32(random, 0, i);
    [items[i], items[j]] = [items[j]!, items[i]!];
  }
}

check.run();
