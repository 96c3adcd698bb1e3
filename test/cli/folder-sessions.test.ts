// `import` into a data folder that no server runs on: what the bar is told while a session is being made.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withFolder } from '../../src/cli/folder-sessions.ts';
import { removeFolder, temporaryFolder } from '../support/temporary.ts';

const test = suite('folder sessions');

test('a large session tells how far it is, slice by slice, up to the end', async () => {
  const data = await temporaryFolder();
  const samples = Array.from({ length: 10_000 }, (_, i) => ({ document: `text ${i}` }));
  const udt = { interface: { type: 'text_classification' }, samples };
  const told: [number, number][] = [];
  const warnings: string[] = [];
  const options = {
    publicUrl: undefined,
    mustExist: false,
    onWarning: (text: string) => warnings.push(text),
  };
  const view = await withFolder(data, options, async (sessions) => {
    const id = await sessions.create(udt, undefined, (done, total) => told.push([done, total]));
    return sessions.read(id);
  });
  assert.equal(view, udt);
  assert.equal(warnings, []);
  assert.ok(told.length > 2, `${told.length} times`);
  const total = samples.length + 1;
  assert.ok(told.every(([done, of], i) => of === total && done >= (told[i - 1]?.[0] ?? 0)));
  assert.equal(told.at(-1), [total, total]);
  await removeFolder(data);
});

test.run();
