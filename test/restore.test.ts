// The short restore campaign: one small round. The long one: `npm run campaign -- restore --rounds 20`.
// It takes long.

import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runRestore } from './campaigns/restore.ts';
import { testSeed } from './support/seed.ts';

const restore = suite('restore');

restore(
  'REP-8 a folder that was lost goes on from a backup: no number for two things, and what others have comes back',
  async () => {
    const figures = await runRestore({ rounds: 1, seed: testSeed('restore'), size: 'small' });
    assert.equal(figures.problems, []);
    assert.is(figures.rounds, 1);
    assert.ok(figures.broughtBackLeast > 0, 'it would show nothing');
    for (const [wire, count] of Object.entries(figures.acknowledged))
      assert.ok(count >= 15, `only ${count} acknowledged writes on ${wire}: the check would show nothing`);
  },
);

restore.run();
