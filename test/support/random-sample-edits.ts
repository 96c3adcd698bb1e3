// Random edits of a session's samples by a Yjs client: shared types and plain values, nested texts, undo and redo.

import * as prng from 'lib0/prng';
import * as Y from 'yjs';
import type { JsonObject } from '../../src/model/json.ts';
import { ownIds, randomSample, randomSamples } from './random-sample-patch.ts';

export class SampleEditor {
  private readonly udt: Y.Map<unknown>;
  private readonly undo: Y.UndoManager;

  constructor(
    private readonly random: prng.PRNG,
    private readonly doc: Y.Doc,
  ) {
    this.udt = doc.getMap('udt');
    this.undo = new Y.UndoManager(this.udt, { captureTimeout: 0 });
  }

  /** Up to three edits in one transaction, or an undo or redo. */
  edit(): void {
    const choice = prng.int32(this.random, 0, 7);
    if (choice === 0) this.undo.undo();
    else if (choice === 1) this.undo.redo();
    else
      this.doc.transact(() => {
        for (let edits = prng.int32(this.random, 1, 3); edits > 0; edits--) this.editOne();
      });
  }

  private editOne(): void {
    const { random, udt } = this;
    const samples = udt.get('samples');
    const choice = prng.int32(random, 0, 15);
    if (!(samples instanceof Y.Array) || choice === 0) this.replaceSamples();
    else if (choice === 1) udt.set('name', prng.bool(random) ? 'other' : new Y.Text('text'));
    else if (choice === 2) udt.set('interface', { type: prng.word(random, 1, 2) });
    else this.editSamples(samples as Y.Array<unknown>);
  }

  private replaceSamples(): void {
    const { random, udt } = this;
    const samples = randomSamples(random, 5);
    switch (prng.int32(random, 0, 5)) {
      case 0:
        udt.set('samples', samples);
        return;
      case 1:
        udt.delete('samples');
        return;
      case 2:
        udt.set('samples', new Y.Text('none'));
        return;
      default:
        udt.set('samples', Y.Array.from(samples.map((sample) => toMap(sample))));
    }
  }

  private editSamples(samples: Y.Array<unknown>): void {
    const { random } = this;
    const index = prng.int32(random, 0, samples.length);
    if (index === samples.length || prng.int32(random, 0, 3) === 0) {
      samples.insert(
        index,
        Array.from({ length: prng.int32(random, 1, 3) }, () => this.newSample()),
      );
      return;
    }
    const sample = samples.get(index);
    const choice = prng.int32(random, 0, 5);
    if (choice === 0) samples.delete(index, prng.int32(random, 1, Math.min(2, samples.length - index)));
    else if (choice === 1) this.move(samples, index);
    else if (sample instanceof Y.Map) this.editSample(sample as Y.Map<unknown>);
  }

  /** Yjs moves nothing: apps delete and insert. */
  private move(samples: Y.Array<unknown>, index: number): void {
    const moved = samples.get(index);
    // A PATCH may have put a list in the place of a sample.
    const copy = moved instanceof Y.Map || moved instanceof Y.Array ? moved.clone() : moved;
    samples.delete(index, 1);
    samples.insert(prng.bool(this.random) ? index : prng.int32(this.random, 0, samples.length), [copy]);
  }

  private editSample(sample: Y.Map<unknown>): void {
    const { random } = this;
    const id = sample.get('_id');
    switch (prng.int32(random, 0, 6)) {
      case 0:
        if (id instanceof Y.Text) id.insert(0, prng.oneOf(random, ['a', 'b']));
        else sample.set('_id', prng.oneOf(random, [...ownIds, new Y.Text('a')]));
        return;
      case 1:
        sample.delete('_id');
        return;
      case 2:
        sample.set('annotation', prng.oneOf(random, [null, 'yjs', undefined, { a: 1 }]));
        return;
      case 3:
        sample.delete('annotation');
        return;
      default:
        this.type(sample);
    }
  }

  private type(sample: Y.Map<unknown>): void {
    const { random } = this;
    const text = sample.get('text');
    if (!(text instanceof Y.Text)) sample.set('text', new Y.Text('some text'));
    else if (prng.bool(random)) text.format(0, text.length, { bold: prng.oneOf(random, [true, null]) });
    else text.insert(prng.int32(random, 0, text.length), 'more');
  }

  private newSample(): unknown {
    const { random } = this;
    const sample = randomSample(random);
    return prng.oneOf(random, [sample, toMap(sample), toMap(sample), toMap(sample), 'plain', 5, [sample]]);
  }
}

function toMap(sample: JsonObject): Y.Map<unknown> {
  return new Y.Map<unknown>(Object.entries(sample));
}
