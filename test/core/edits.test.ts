// Edits change a view without touching it, and share what they leave alone.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { applyEdits, Draft, type Edit } from '../../src/core/edits.ts';
import { RejoinError } from '../../src/errors.ts';
import type { Json, JsonObject } from '../../src/model/json.ts';
import { frozen } from '../support/random-json.ts';

const applyEdit = (view: JsonObject, edit: Edit): JsonObject => applyEdits(view, [edit]);

const edits = suite('edits');

const view = frozen({ interface: { labels: ['a', 'b'] }, samples: [{ text: 'x' }, { text: 'y' }, [1, 2]] });

edits('each sort of edit does what it says', () => {
  assert.equal(applyEdit(view, { type: 'set', path: [], key: 'name', value: 'n' }), { ...view, name: 'n' });
  assert.equal(
    applyEdit(view, { type: 'set', path: ['samples', 1], key: 'text', value: null }).samples,
    view.samples.with(1, { text: null as unknown as string }),
  );
  assert.equal(applyEdit(view, { type: 'unset', path: [], key: 'samples' }), { interface: view.interface });
  const splice: Edit = {
    type: 'splice',
    path: ['interface', 'labels'],
    index: 1,
    remove: 1,
    insert: ['c', 'd'],
  };
  assert.equal(applyEdit(view, splice).interface, { labels: ['a', 'c', 'd'] });
  assert.equal(
    applyEdit(view, { ...splice, path: ['samples', 2], index: 2, remove: 0, insert: [[3]] }).samples,
    view.samples.with(2, [1, 2, [3] as unknown as number]),
  );
});

edits('only the containers on the path are copied', () => {
  const after = applyEdit(view, { type: 'set', path: ['samples', 0], key: 'annotation', value: 'a' });
  assert.is(after.interface, view.interface);
  assert.is((after.samples as Json[])[1], view.samples[1]);
  assert.is.not(after.samples, view.samples);
});

edits('a later edit sees the effect of the earlier ones', () => {
  const after = applyEdits(view, [
    { type: 'splice', path: ['samples'], index: 0, remove: 1, insert: [] },
    { type: 'set', path: ['samples', 0], key: 'annotation', value: 'b' },
    { type: 'unset', path: ['samples', 0], key: 'text' },
  ]);
  assert.equal(after.samples, [{ annotation: 'b' }, [1, 2]]);
});

edits('values inside edits are not changed by later edits', () => {
  const value = frozen({ list: [1] });
  const after = applyEdits(view, [
    { type: 'set', path: [], key: 'new', value },
    { type: 'splice', path: ['new', 'list'], index: 0, remove: 1, insert: [2] },
  ]);
  assert.equal(after.new, { list: [2] });
  assert.equal(value, { list: [1] });
});

edits('a sealed draft copies again', () => {
  const draft = new Draft(view);
  draft.apply({ type: 'set', path: ['interface'], key: 'a', value: 1 });
  const sealed = draft.view;
  draft.seal();
  draft.apply({ type: 'set', path: ['interface'], key: 'a', value: 2 });
  assert.is((sealed.interface as { a: number }).a, 1);
  assert.equal(draft.view.interface, { labels: ['a', 'b'], a: 2 });
});

edits('an edit that does not fit is a defect', () => {
  const misfits: Edit[] = [
    { type: 'set', path: ['nothing'], key: 'a', value: 1 },
    { type: 'set', path: ['toString'], key: 'a', value: 1 },
    { type: 'set', path: ['samples'], key: 'a', value: 1 },
    { type: 'set', path: ['samples', 9], key: 'a', value: 1 },
    { type: 'set', path: ['samples', '0'], key: 'a', value: 1 },
    { type: 'set', path: ['samples', 0, 'text'], key: 'a', value: 1 },
    { type: 'set', path: [], key: '__proto__', value: {} },
    { type: 'unset', path: [], key: 'nothing' },
    { type: 'splice', path: [], index: 0, remove: 0, insert: [1] },
    { type: 'splice', path: ['samples'], index: 4, remove: 0, insert: [1] },
    { type: 'splice', path: ['samples'], index: 2, remove: 2, insert: [] },
  ];
  for (const misfit of misfits) {
    assert.throws(
      () => applyEdit(view, misfit),
      (error: unknown) => error instanceof RejoinError && error.code === 'internal',
      JSON.stringify(misfit),
    );
  }
});

edits('a splice of 300,000 elements does not overflow the stack', () => {
  const insert = Array.from({ length: 300_000 }, (_, i) => i);
  const after = applyEdit(
    { list: [-1, -2, -3] },
    { type: 'splice', path: ['list'], index: 1, remove: 1, insert },
  );
  assert.equal(after.list, [-1, ...insert, -3]);
});

edits('20,000 removals from an array copy it once', () => {
  const samples = Array.from({ length: 20_000 }, (_, i) => i);
  const removal: Edit = { type: 'splice', path: ['samples'], index: 0, remove: 1, insert: [] };
  const after = applyEdits({ samples }, Array<Edit>(20_000).fill(removal));
  assert.equal(after, { samples: [] });
  assert.is(samples.length, 20_000);
});

edits.run();
