// Whether the faults of `npm run campaign -- mutants` can be planted in the source as it is now: who changes one of these places is told
// at once. That the simulation notices them is the campaign's.

import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { plantedFaults } from './campaigns/mutants/faults.ts';
import { plant } from './campaigns/mutants/faulty-copy.ts';

const mutants = suite('mutants');

for (const { name, edits } of plantedFaults)
  mutants(`it can be planted that ${name}`, () => {
    const texts = new Map<string, string>();
    for (const edit of edits) {
      const text = texts.get(edit.file) ?? readFileSync(new URL(`../${edit.file}`, import.meta.url), 'utf8');
      const faulty = plant(name, edit, text);
      assert.is.not(faulty, text);
      texts.set(edit.file, faulty);
    }
  });

mutants('where a fault belongs is found whatever its white space, and only once', () => {
  const edit = { file: 'a.ts', from: 'if (a) return;', to: '' };
  assert.is(plant('x', edit, 'b;\nif (a)\n  return;\nc;'), 'b;\n\nc;');
  assert.throws(() => plant('x', edit, 'if (b) return;'), /"x" can't be planted: a\.ts .* 0 times/);
  assert.throws(() => plant('x', edit, 'if (a) return; if (a) return;'), /2 times/);
});

mutants.run();
