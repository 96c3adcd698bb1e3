// Pieces of a document make the same document again, whatever is in it, wherever it is cut and whatever happens to it
// meanwhile. Snapshots rely on it.

import * as prng from 'lib0/prng';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import * as Y from 'yjs';
import { applyStored } from '../../src/core/apply-stored.ts';
import { documentPieces, pieceBytesMin } from '../../src/core/document-pieces.ts';
import { sameDocument } from '../support/same-document.ts';
import { editAtRandom, randomHistory } from '../support/random-edits.ts';
import { testSeed } from '../support/seed.ts';

const pieces = suite('document-pieces');

pieces('pieces of random documents, applied in order, make the same documents', () => {
  const random = prng.create(testSeed('whole documents in pieces'));
  let cuts = 0;
  for (let round = 0; round < 150; round++) {
    const doc = merged(randomHistory(random, prng.int32(random, 1, 60)).updates);
    const all = [...documentPieces(doc, prng.int32(random, 1, 200))];
    cuts += all.length - 1;
    sameDocument(assembled(all), doc);
  }
  assert.ok(cuts > 500, `${cuts} cuts`);
});

pieces('formatting that seems to do nothing between two pieces stays (seeds that once lost some)', () => {
  for (const seed of [1346, 2761, 3033]) {
    const doc = merged(randomHistory(prng.create(seed), 40).updates);
    sameDocument(assembled([...documentPieces(doc, 1)]), doc);
  }
});

pieces('nothing is ever pending: each piece builds only on those before it', () => {
  const random = prng.create(testSeed('pieces without pending'));
  for (let round = 0; round < 60; round++) {
    const doc = merged(randomHistory(random, 40).updates);
    const copy = new Y.Doc();
    for (const piece of documentPieces(doc, 1)) {
      applyStored(copy, [piece]);
      assert.is(copy.store.pendingStructs, null);
      assert.is(copy.store.pendingDs, null);
    }
  }
});

pieces('a document that changes between two pieces: what comes after the first is all that lacks', () => {
  const random = prng.create(testSeed('a document that changes meanwhile'));
  for (let round = 0; round < 100; round++) {
    const doc = merged(randomHistory(random, 40).updates);
    const meanwhile: Uint8Array[] = [];
    doc.on('update', (update: Uint8Array) => meanwhile.push(update));
    const taken: Uint8Array[] = [];
    for (const piece of documentPieces(doc, prng.int32(random, 1, 100))) {
      taken.push(piece);
      if (prng.bool(random)) editAtRandom(random, doc);
    }
    const copy = assembled(taken);
    applyStored(copy, meanwhile);
    sameDocument(copy, doc);
  }
});

pieces('a large document comes in pieces of the stated size', () => {
  const doc = new Y.Doc();
  const list = doc.getArray('list');
  doc.transact(() => {
    for (let i = 0; i < 4_000; i++) list.push([new Y.Map([['text', 'x'.repeat(300)]])]);
  });
  doc.transact(() => list.delete(1_000, 2_000));
  doc.transact(() => {
    for (let i = 0; i < 4_000; i++) list.insert(i, [new Y.Map([['text', 'y'.repeat(300)]])]);
  });
  const sizes = [...documentPieces(doc)].map(({ length }) => length);
  assert.ok(sizes.length > 5, `${sizes.length} pieces`);
  for (const size of sizes) assert.ok(size < 1.1 * pieceBytesMin, `${size} bytes`);
});

function merged(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  applyStored(doc, updates);
  return doc;
}

function assembled(updates: readonly Uint8Array[]): Y.Doc {
  const doc = new Y.Doc();
  for (const update of updates) applyStored(doc, [update]);
  return doc;
}

pieces.run();
